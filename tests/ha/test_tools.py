"""What the model is told and may do: Home Assistant's LLM tools and the prompt."""

import json
from collections.abc import Callable

import probatio
import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.rtvoice.bridge.toolbox.offer import MAX_NAME_LENGTH
from custom_components.rtvoice.const import DOMAIN
from simulator import Call, Plan, Say, ScriptedBrain

from .conftest import AGENT_ID, SATELLITE_ID
from .house import SATELLITE, async_wait_for_state, context_of, device_of
from .test_conversation import converse

LONG = "x" * 80


class OddTool(llm.Tool):
    """A tool with any name, that does what it is told to."""

    integration = "odd"

    def __init__(self, name: str, act: Callable[[llm.ToolInput, llm.LLMContext], llm.ToolResult]) -> None:
        self.name = name
        self.parameters = probatio.Schema(
            probatio.All(
                {probatio.Optional("what"): str, probatio.Optional("where"): str}, probatio.AtLeastOne("what", "where")
            )
        )
        self._act = act

    async def async_call(
        self, hass: HomeAssistant, tool_input: llm.ToolInput, llm_context: llm.LLMContext
    ) -> llm.ToolResult:
        return self._act(tool_input, llm_context)


class OddAPI(llm.API):
    """An API of odd tools."""

    tools: list[llm.Tool]
    requires_admin: bool = False

    def __init__(self, hass: HomeAssistant, *tools: llm.Tool, requires_admin: bool = False) -> None:
        super().__init__(hass=hass, id="odd", name="Odd")
        self.tools = list(tools)
        self.requires_admin = requires_admin

    async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
        return llm.APIInstance(self, "These tools are odd.", llm_context, self.tools)


def use_apis(hass: HomeAssistant, entry: MockConfigEntry, *apis: str) -> None:
    subentry = entry.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, "llm_hass_api": list(apis)})


def done(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    return llm.ToolResult({"done": tool_input.tool_args})


def refuse(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    return llm.ToolResult({"error": "Refused"}, error=True)


def fail(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    raise HomeAssistantError("It is stuck")


def fail_silently(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    raise HomeAssistantError


def complain(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    raise probatio.Invalid("No such place")


def crash(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
    raise RuntimeError("a secret")


async def test_names_are_made_fit_and_mapped_back(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    llm.async_register_api(hass, OddAPI(hass, *(OddTool(name, done) for name in ("küche.an", "k_che_an", LONG, "é"))))
    use_apis(hass, setup_integration, "odd")
    brain.plans.extend((Plan((Call("k_che_an", {"what": "lamp"}),)), Plan((Say("Done."),))))
    events: list[str] = []
    setup_integration.runtime_data.agents[AGENT_ID].activity.listen(
        lambda occurrence: events.append(str(occurrence.attributes.get("tool")))
    )
    await converse(hass, "Do it")
    names = [tool["name"] for tool in brain.contexts[0].tools]
    assert names == ["k_che_an", "k_che_an_2", LONG[:MAX_NAME_LENGTH], "_"]
    schema = brain.contexts[0].tools[0]["parameters"]
    assert schema["type"] == "object"
    assert set(schema["properties"]) == {"what", "where", "confirmation_token"}
    assert not {"anyOf", "oneOf", "allOf"} & set(schema)
    assert "küche.an" in events
    assert "These tools are odd." in brain.contexts[0].instructions


@pytest.mark.parametrize(
    ("act", "ok", "output"),
    [
        (done, True, {"done": {"what": "lamp"}}),
        (refuse, False, {"error": "Refused"}),
        (fail, False, {"error": "HomeAssistantError", "error_text": "It is stuck"}),
        (fail_silently, False, {"error": "HomeAssistantError"}),
        (complain, False, {"error": "Invalid", "error_text": "No such place"}),
    ],
)
async def test_what_the_model_is_told_of_a_tool(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    act: Callable[..., llm.ToolResult],
    ok: bool,
    output: dict[str, object],
) -> None:
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", act)))
    use_apis(hass, setup_integration, "odd")
    brain.plans.extend((Plan((Call("odd", {"what": "lamp"}),)), Plan((Say("Done."),))))
    await converse(hass, "Do it")
    (told,) = [item.body["output"] for item in brain.contexts[-1].items if item.kind == "function_call_output"]
    assert json.loads(told) == output
    last_tool = setup_integration.runtime_data.agents[AGENT_ID].activity.snapshot.last_tool
    assert last_tool is not None
    assert last_tool.ok is ok


async def test_a_tool_that_crashes_gives_nothing_away(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", crash)))
    use_apis(hass, setup_integration, "odd")
    brain.plans.extend((Plan((Call("odd", "{not json"), Call("odd"))), Plan((Say("It broke."),))))
    await converse(hass, "Do it")
    told = [item.body["output"] for item in brain.contexts[-1].items if item.kind == "function_call_output"]
    assert len(told) == 2
    assert not any("a secret" in output for output in told)


async def test_apis_that_do_not_exist_are_left_out_and_reported_once(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_apis(hass, setup_integration, "gone", "assist")
    await converse(hass, "Hello")
    await converse(hass, "Hello again")
    assert brain.contexts[0].tools
    assert caplog.text.count("The LLM API gone does not exist") == 1


async def test_without_apis_there_are_no_tools(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    use_apis(hass, setup_integration)
    await converse(hass, "Hello")
    assert brain.contexts[0].tools == ()


async def test_apis_for_administrators(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", done), requires_admin=True))
    use_apis(hass, setup_integration, "odd")
    for context in (Context(), context_of(hass_read_only_user), context_of(hass_admin_user), Context(user_id="gone")):
        await converse(hass, "Hello", context=context)
    assert [len(context.tools) for context in brain.contexts] == [0, 0, 1, 0]


async def test_tools_know_who_asks_and_where(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, hass_admin_user: MockUser
) -> None:
    asked: list[llm.LLMContext] = []

    def remember(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
        asked.append(llm_context)
        return llm.ToolResult({})

    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", remember)))
    use_apis(hass, setup_integration, "odd")
    satellite = device_of(hass, setup_integration.entry_id, SATELLITE_ID)
    kitchen = ar.async_get(hass).async_create("Kitchen")
    dr.async_get(hass).async_update_device(satellite.id, area_id=kitchen.id)
    brain.plans.extend((Plan((Call("odd"),)), Plan((Say("Done.", seconds=0.2),))))
    await hass.services.async_call(
        DOMAIN,
        "start",
        {"entity_id": SATELLITE, "prompt": "Do it."},
        blocking=True,
        context=context_of(hass_admin_user),
    )
    await async_wait_for_state(hass, SATELLITE, "responding")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    (llm_context,) = asked
    assert llm_context.device_id == satellite.id
    assert llm_context.context is not None
    assert llm_context.context.user_id == hass_admin_user.id
    assert llm_context.platform == DOMAIN
    assert llm_context.language == "en"
    assert "You are in the area Kitchen." in brain.contexts[0].instructions
    assert f"The user's name is {hass_admin_user.name}." in brain.contexts[0].instructions
