"""Whatever a model calls our own tools with, it is told something, and nothing else comes of it."""

import json
from typing import Any, Final

import orjson
import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import llm
from homeassistant.setup import async_setup_component
from hypothesis import given
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.tools import MAX_OUTPUT_CHARS, Toolbox, ToolSource, async_build_toolbox
from custom_components.rtvoice.const import DOMAIN
from custom_components.rtvoice.engine import EventBus, RealtimeAgent, Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall
from custom_components.rtvoice.engine.everyday import (
    add_current_time,
    add_end_conversation,
    add_set_speech_speed,
    add_set_volume,
    add_wait_for_user,
)
from tests.engine.fakes import FakeMicrophone, FakeProvider, FakeSpeaker
from tests.engine.virtual_time import run
from tests.ha.conftest import AGENT_ID, SoundLibrary
from tests.ha.house import LIGHT, loaded
from tests.ha.test_policy import async_build_locks, set_options
from tests.ha.test_tools_actions import pictures  # noqa: F401 - a fixture

from .explore import explore
from .profile import examples
from .quiet import PIN, SECRETS, WORDS, quiet
from .shapes import mutated, wild

LOCK: Final = "lock.front_door"

_values: Final = st.one_of(
    wild,
    st.sampled_from(
        [LIGHT, LOCK, "Kitchen light", "kitchen", "Front door", "light.none", "all", "none", "{{ states }}", WORDS, ""]
    ),
    st.sampled_from(
        [
            "2026-01-01T00:00:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "0001-01-01",
            "9999-12-31T23:59:59",
            "2026-02-30T00:00:00",
            "1969-12-31T00:00:00Z",
            "yesterday",
            "12:00",
        ]
    ),
    st.sampled_from(["changes", "5minute", "hour", "day", "week", "month", "year"]),
    st.sampled_from([float("inf"), float("nan"), -float("inf"), 10**40, "nan", "inf", "1e400"]),
    st.lists(st.sampled_from([LIGHT, LOCK, "Kitchen light", 5, None, ["x"]]), max_size=4),
)
_deep: Final = st.sampled_from([10, 200, 254, 300, 900, 2000]).map(
    lambda depth: '{"names":' + "[" * depth + "]" * depth + "}"
)
_raw: Final = st.sampled_from(
    [
        "",
        " ",
        "{",
        "[]",
        "null",
        "5",
        '"x"',
        '{"names": NaN}',
        '{"a": "\\ud800"}',
        "\ud800",
        "{}" * 9,
        '{"name": "' + "x" * 90_000 + '"}',
    ]
)


def _fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema asks for, more or less."""
    if schema.get("enum"):
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            fields = {name: st.one_of(_fitting(inner), _fitting(inner), _values) for name, inner in properties.items()}
            required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
            return st.fixed_dictionaries(required, optional=fields)
        case "array":
            return st.lists(_fitting(schema.get("items", {})), max_size=3)
        case "integer" | "number":
            return st.one_of(st.integers(-300, 300), st.floats(allow_nan=False, width=32))
        case "boolean":
            return st.booleans()
        case _:
            return _values


def calls(definitions: Any) -> st.SearchStrategy[ToolCall]:
    """Calls of these tools, and of some that are not there."""
    by_name = {one.name: _fitting(dict(one.parameters)) for one in definitions}
    extra = st.fixed_dictionaries({}, optional={"confirmation_token": _values, "more": wild})
    return st.one_of(
        *[
            st.builds(
                ToolCall,
                st.just("c"),
                st.just(name),
                st.one_of(
                    mutated(st.builds(lambda a, b: {**a, **b}, fitting, extra), _values, 2).map(json.dumps),
                    fitting.map(json.dumps),
                    _raw,
                    _deep,
                ),
                st.just("i"),
                complete=st.sampled_from([True, True, True, False]),
            )
            for name, fitting in by_name.items()
        ],
        st.builds(ToolCall, st.just("c"), st.sampled_from(["none", "", "💥", "light__turn_on "]), _raw),
    )


async def check(tools: Tools, call: ToolCall, limit: int) -> None:
    outcome = await tools.run(call)
    orjson.dumps(outcome.output)
    assert len(outcome.output) <= limit
    assert not any(secret in outcome.output for secret in SECRETS)


@pytest.fixture
async def toolbox(
    recorder_mock: object,
    hass: HomeAssistant,
    enable_custom_integrations: None,
    pictures: None,  # noqa: F811
    sound_library: SoundLibrary,
    mock_entry: MockConfigEntry,
) -> Any:
    """All tools of an agent that may do a lot."""
    assert await async_setup_component(hass, "homeassistant", {})
    async with loaded(hass, mock_entry):
        await async_build_locks(hass)
        assert await async_setup_component(hass, "input_number", {"input_number": {"warmth": {"min": 0, "max": 50}}})
        async_expose_entity(hass, "conversation", "input_number.warmth", True)
        set_options(
            hass,
            mock_entry,
            actions=[
                "light.turn_on",
                "light.turn_off",
                "input_number.set_value",
                "lock.unlock",
                "persistent_notification.create",
            ],
            dangerous_actions=["lock.unlock", "homeassistant.update_entity"],
            pin=PIN,
            sensitive_permission="pin",
        )
        await hass.async_block_till_done()
        agent = mock_entry.runtime_data.agents[AGENT_ID]
        context = llm.LLMContext(
            platform=DOMAIN, context=Context(), language="en", assistant="conversation", device_id=None
        )
        yield await async_build_toolbox(hass, ToolSource(agent=agent, llm_context=context, live=True))


async def test_no_arguments_break_a_tool_of_the_house(toolbox: Toolbox, hass: HomeAssistant) -> None:
    # Home Assistant's own intents are not ours to answer for.
    definitions = [one for one in toolbox.tools.definitions() if "Hass" not in one.name]
    assert {"get_state", "get_history", "watch", "wait_for_user", "light__turn_on"} <= {one.name for one in definitions}

    async def attempt(call: ToolCall) -> None:
        with quiet(warnings=False):
            await check(toolbox.tools, call, MAX_OUTPUT_CHARS)
        assert hass.states.get(LOCK).state == "locked"

    await explore(calls(definitions), 120, attempt)


def everyday() -> Tools:
    """Tools of the engine, and of its users."""
    tools = Tools()
    for add in (add_current_time, add_end_conversation, add_set_speech_speed, add_set_volume, add_wait_for_user):
        add(tools)

    @tools.action("Takes many things")
    async def many(
        text: str,
        number: int = 0,
        share: float | None = None,
        some: list[str] | None = None,
        more: dict[str, int] | None = None,
    ) -> str:
        return text

    @tools.action("Runs in a thread", status="{text} is on its way")
    def slow(text: str = "x") -> str:
        return text

    return tools


async def use(call: ToolCall) -> None:
    agent = RealtimeAgent(
        provider=FakeProvider(),
        audio_input=FakeMicrophone(),
        audio_output=FakeSpeaker(),
        event_bus=EventBus(),
        tools=everyday(),
    )
    tools = agent._tools
    tools.status_of(call)
    await check(tools, call, 16_000)


@given(calls(everyday().definitions()))
@examples(50)
def test_no_arguments_break_an_everyday_tool(call) -> None:
    with quiet(warnings=False):
        run(use(call))
