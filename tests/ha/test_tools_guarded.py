"""Tools that others put into a session are judged too, and what follows a call is waited for."""

import asyncio
import json
from typing import Any

import probatio
import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm, service
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.compose import llm_context_of
from custom_components.rtvoice.bridge.policy import guard as guard_module
from custom_components.rtvoice.bridge.policy.guard import TOKEN, Guard, Trust
from custom_components.rtvoice.bridge.policy.options import PolicyOptions
from custom_components.rtvoice.bridge.policy.pin import PinTries
from custom_components.rtvoice.bridge.toolbox.guarded import GuardedTools, Judge
from custom_components.rtvoice.bridge.tools import Toolbox, ToolSource, async_build_toolbox
from custom_components.rtvoice.engine import RealtimeAgent, Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall
from custom_components.rtvoice.engine.devices import NullInput, NullOutput
from custom_components.rtvoice.engine.events import (
    AgentSessionConnectedEvent,
    AgentStoppedEvent,
    UserTranscriptCompletedEvent,
)
from simulator import Call, Heard, Plan, ScriptedBrain, Turn

from .conftest import AGENT_ID, API_KEY, SATELLITE_ID
from .house import async_wait_until, entity_of, state_of
from .test_policy import (
    LOCK,
    Schemer,
    async_build_locks,
    say,
    set_options,
    speak_turns,
    start,
    stop,
    unlock,
    unlock_with_token,
    write,
)
from .test_tools import OddAPI, OddTool, done, use_apis
from .test_tools_actions import offered, pictures, use  # noqa: F401 - a fixture


class Others:
    """A registry that others have put tools into."""

    def __init__(self, hass: HomeAssistant, **options: Any) -> None:
        rules = PolicyOptions.read(options)
        self.guard = Guard(hass, rules, Trust.new(rules, PinTries()), device_id=None)
        self.tools = GuardedTools(max_output_chars=1000, judge=Judge(hass, self.guard))
        self.ran: list[str] = []

        @self.tools.action("Open the gate.")
        def open_gate(which: str = "front") -> str:
            self.ran.append(which)
            return "open"

        @self.tools.action("Say hello.")
        def hello() -> str:
            self.ran.append("hello")
            return "Hello"

    async def call(self, name: str, arguments: str = "{}", *, complete: bool = True) -> Any:
        outcome = await self.tools.clone().run(ToolCall("1", name, arguments, complete=complete))
        return outcome.output if outcome.ok else (json.loads(outcome.output) if "{" in outcome.output else None)


async def test_tools_of_others_are_judged(hass: HomeAssistant) -> None:
    others = Others(hass)
    assert await others.call("hello") == "Hello"
    assert await others.call("hello", "") == "Hello"
    told = await others.call("open_gate", '{"which": "back"}')
    assert told["confirmation_required"] == "open_gate"
    assert await others.call("open_gate", "not JSON") is None
    assert await others.call("open_gate", "[]") is None
    assert await others.call("open_gate", complete=False) is None
    assert await others.call("nothing") is None
    assert others.ran == ["hello", "hello"]
    assert [TOKEN in tool.parameters["properties"] for tool in others.tools.definitions()] == [True, True]


@pytest.mark.parametrize("arguments", ["", " ", "\n", '{"which": NaN}', '{"which": "back", "other": NaN}'])
async def test_odd_arguments_are_no_way_around_the_guard(hass: HomeAssistant, arguments: str) -> None:
    others = Others(hass)
    await others.call("open_gate", arguments)
    assert others.ran == []


@pytest.mark.parametrize("depth", [250, 254, 300, 1000])
async def test_arguments_that_cannot_be_passed_on_are_refused(hass: HomeAssistant, depth: int) -> None:
    others = Others(hass)
    deep = '{"which": ' + "[" * depth + "]" * depth + "}"
    outcome = await others.tools.run(ToolCall("1", "open_gate", deep))
    assert (outcome.ok, outcome.output.endswith("nested too deeply")) == (False, True)
    assert others.ran == []


async def test_a_guard_that_fails_lets_nothing_run(hass: HomeAssistant) -> None:
    others = Others(hass, sensitive_permission="allow")

    async def admit() -> bool:
        raise KeyError("odd")

    others.guard.admit = admit
    outcome = await others.tools.run(ToolCall("1", "open_gate", "{}"))
    assert not outcome.ok
    assert "odd" not in outcome.output
    assert others.ran == []


async def test_what_is_allowed_of_others_runs_as_it_is(hass: HomeAssistant) -> None:
    others = Others(hass, sensitive_permission="allow")
    assert await others.call("open_gate", '{"which": "back", "confirmation_token": "x"}') == "open"
    assert others.ran == ["back"]
    assert [TOKEN in tool.parameters["properties"] for tool in others.tools.definitions()] == [False, False]
    assert (await GuardedTools(max_output_chars=10).run(ToolCall("1", "nothing", "{}"))).ok is False


async def test_what_others_put_in_survives_a_change_of_the_house(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    runtime = setup_integration.runtime_data
    agent, satellite = runtime.agents[AGENT_ID], runtime.satellites[SATELLITE_ID]
    context = llm_context_of(hass, agent, satellite, Context())
    toolbox = await async_build_toolbox(hass, ToolSource(agent=agent, llm_context=context, live=True))

    @toolbox.tools.action("Tell a joke.")
    def joke() -> str:
        return "Knock, knock."

    before = set(toolbox.tools.names())
    assert {"joke", "wait_for_user", "get_state"} <= before
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", done), OddTool("joke", done)))
    use_apis(hass, setup_integration, "assist", "odd")
    assert await toolbox.async_refresh()
    assert set(toolbox.tools.names()) - before == {"odd", "joke_2"}
    assert toolbox.names["joke_2"] == "joke"
    assert not await toolbox.async_refresh()


async def test_a_toolbox_of_somebody_elses_tools_is_left_alone(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    toolbox = Toolbox(Tools())
    engine = RealtimeAgent(
        tools=toolbox.tools,
        audio_input=NullInput(),
        audio_output=NullOutput(),
        provider=setup_integration.runtime_data.provider,
    )
    toolbox.attach(engine)
    assert not await toolbox.async_refresh()
    event = UserTranscriptCompletedEvent("4711")
    assert toolbox.hide(event) is event
    assert toolbox.prompt == ""


async def test_a_session_that_ends_before_it_begins_leaves_nothing(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    runtime = setup_integration.runtime_data
    agent, satellite = runtime.agents[AGENT_ID], runtime.satellites[SATELLITE_ID]
    context = llm_context_of(hass, agent, satellite, Context())
    listeners = dict(hass.bus.async_listeners())
    toolbox = await async_build_toolbox(hass, ToolSource(agent=agent, llm_context=context, live=True))
    engine = RealtimeAgent(
        tools=toolbox.tools, audio_input=NullInput(), audio_output=NullOutput(), provider=runtime.provider
    )
    toolbox.attach(engine)
    await engine.event_bus.dispatch(AgentStoppedEvent())
    assert dict(hass.bus.async_listeners()) == listeners
    await engine.event_bus.dispatch(AgentSessionConnectedEvent())
    await engine.event_bus.dispatch(AgentSessionConnectedEvent())
    assert dict(hass.bus.async_listeners()) != listeners
    await engine.event_bus.dispatch(AgentStoppedEvent())
    assert dict(hass.bus.async_listeners()) == listeners


async def test_states_are_waited_for(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    pictures: None,  # noqa: F811 - a fixture
) -> None:
    async def slow(call: ServiceCall) -> None:
        (entity_id,) = call.data["entity_id"]

        async def later() -> None:
            await asyncio.sleep(0.1)
            hass.states.async_set(entity_id, "opening")
            await asyncio.sleep(0.1)
            hass.states.async_set(entity_id, call.service.removesuffix("_cover"), {"position": 100})

        hass.async_create_background_task(later(), "a slow blind")

    assert await async_setup_component(hass, "cover", {})
    for name in ("open_cover", "close_cover"):
        hass.services.async_register("cover", name, slow)
    hass.services.async_register("cover", "set_cover_position", slow)
    hass.states.async_set("cover.blind", "closed", {"friendly_name": "Blind"})
    async_expose_entity(hass, "conversation", "cover.blind", True)
    set_options(hass, setup_integration, actions=["cover.open_cover", "cover.set_cover_position", "cover.gone"])
    told = await use(
        hass,
        brain,
        Call("cover__open_cover", {"targets": ["Blind"]}),
        Call("cover__set_cover_position", {"targets": ["Blind"], "position": 100}),
    )
    assert told[0]["states"]["cover.blind"]["state"] == "opening"
    assert [one["verified"] for one in told] == [True, True]


async def test_what_vanishes_is_not_verified(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    pictures: None,  # noqa: F811 - a fixture
) -> None:
    async def vanish(call: ServiceCall) -> None:
        hass.states.async_remove("switch.ghost")

    assert await async_setup_component(hass, "switch", {})
    hass.services.async_register("switch", "turn_off", vanish)
    hass.states.async_set("switch.ghost", "on", {"friendly_name": "Ghost"})
    async_expose_entity(hass, "conversation", "switch.ghost", True)
    set_options(hass, setup_integration, actions=["switch.turn_off"])
    (told,) = await use(hass, brain, Call("switch__turn_off", {"targets": ["switch.ghost"]}))
    assert told["states"] == {"switch.ghost": {"state": "unknown"}}
    assert told["verified"] is False


async def test_without_descriptions_there_are_no_actions(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(hass: HomeAssistant) -> None:
        raise ImportError("No module named 'turbojpeg'")

    monkeypatch.setattr(service, "async_get_all_descriptions", broken)
    set_options(hass, setup_integration, actions=["light.turn_on"])
    await use(hass, brain)
    assert "light__turn_on" not in offered(brain)
    assert "turbojpeg" in caplog.text


async def test_an_action_that_describes_itself_wrongly_is_left_out(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    pictures: None,  # noqa: F811 - a fixture
    caplog: pytest.LogCaptureFixture,
) -> None:
    hass.services.async_register("odd", "act", lambda call: None)
    hass.services.async_register("odd", "look", lambda call: None)
    wrong = {"fields": {"x": {"selector": {"nothing": {}}}}}
    service.async_set_service_schema(hass, "odd", "act", wrong)
    service.async_set_service_schema(hass, "odd", "look", {"fields": {}})
    set_options(hass, setup_integration, actions=["odd.act", "odd.look"])
    await use(hass, brain)
    assert "odd__look" in offered(brain)
    assert "odd__act" not in offered(brain)
    assert "The action odd.act describes itself wrongly" in caplog.text


async def test_an_api_that_crashes_is_left_out(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Crashing(OddAPI):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            raise RuntimeError("a secret")

    llm.async_register_api(hass, Crashing(hass))
    use_apis(hass, setup_integration, "odd", "assist")
    await use(hass, brain)
    assert "get_state" in offered(brain)
    assert "The LLM API odd failed (RuntimeError)" in caplog.text


async def test_a_tool_that_cannot_be_described_is_left_out(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = OddTool("strange", done)
    odd.parameters = probatio.Schema({probatio.Optional("what", description=object()): str})
    llm.async_register_api(hass, OddAPI(hass, odd, OddTool("plain", done)))
    use_apis(hass, setup_integration, "odd")
    for _ in range(2):
        await use(hass, brain)
    assert set(offered(brain)) == {"plain"}
    assert caplog.text.count("The tool strange cannot be described and is left out") == 1


async def test_the_area_of_a_device_is_that_of_its_entities(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    attic = ar.async_get(hass).async_create("Attic")
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    device_id = er.async_get(hass).async_get(status).device_id  # type: ignore[union-attr]  # it is registered
    dr.async_get(hass).async_update_device(device_id, area_id=attic.id)
    async_expose_entity(hass, "conversation", status, True)
    (told,) = await use(hass, brain, Call("get_state", {"names": [status]}))
    assert told["entities"][0]["area"] == "Attic"


async def test_a_transcript_that_never_comes_confirms_nothing(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard_module, "WORDS_TIMEOUT_S", 0.3)
    await async_build_locks(hass)
    speak_turns(microphone, 0.2, 2.5)
    brain.add(Turn(Heard("Unlock the front door.")))
    brain.add(Turn(Heard("Yes.", written=False)))
    schemer = Schemer(brain, unlock(), say("Shall I unlock the front door?"), unlock_with_token(), say("Well."))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass)
    await async_wait_until(hass, lambda: not schemer.steps and state_of(hass, said).state == "Well.")
    await stop(hass)
    assert schemer.told[-1]["error"] == "not_confirmed"
    assert state_of(hass, LOCK).state == "locked"


async def test_only_so_many_conversations_are_remembered(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.tools._MAX_CONVERSATIONS", 1)
    await async_build_locks(hass)
    schemer = Schemer(brain, unlock(), say("Shall I unlock the front door?"))
    chat = await write(hass, "Unlock the front door")
    token = schemer.told[0]["token"]
    await write(hass, "Something else")
    schemer.steps = [unlock(**{TOKEN: token}), say("Hm.")]
    await write(hass, "Yes", chat)
    assert schemer.told[-1]["error"] == "unknown_token"
    assert state_of(hass, LOCK).state == "locked"


async def test_several_apis_are_described_together(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", done)))
    use_apis(hass, setup_integration, "assist", "odd")
    schemer = Schemer(brain, lambda _: Plan((Call("odd", {"what": "lamp"}),)), unlock(), say("Well."))
    await write(hass, "Do it")
    assert schemer.told[0] == {"done": {"what": "lamp"}}
    assert schemer.told[1]["confirmation_required"] == "Front door"
    assert API_KEY not in str(brain.contexts)
