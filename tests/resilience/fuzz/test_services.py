"""Whatever the actions, triggers and conditions are given: it is refused in words, or works."""

import json
from typing import Any, Final

import probatio
import pytest
from homeassistant.core import HomeAssistant, ServiceResponse, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, TemplateError
from homeassistant.helpers import condition, trigger
from homeassistant.helpers import config_validation as cv
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import DOMAIN
from simulator import Plan, Say, ScriptedBrain, Turn
from tests.ha.house import AGENT, SATELLITE

from .explore import explore
from .quiet import WORDS, quiet
from .shapes import wild
from .shown import check_shown

# Home Assistant's own check of entities fails for what is neither text nor a list.
_entities: Final = st.sampled_from(
    [
        SATELLITE,
        SATELLITE,
        SATELLITE,
        AGENT,
        [SATELLITE, AGENT],
        "assist_satellite.none",
        "light.x",
        "all",
        "none",
        [],
        "",
    ]
)
_texts: Final = st.one_of(
    st.just(WORDS), st.sampled_from(["", " ", "💥", "\0", "x" * 5000, "{{ 1 }}", "nan", "-inf"]), wild
)
_numbers: Final = st.one_of(
    st.floats(0, 2), st.sampled_from(["nan", "inf", "1", "", None, True, -1, 0, 1e308, 2**63, 3]), wild
)
_sentences: Final = st.sampled_from(
    [
        "yes",
        "[it is] {number} degrees",
        "{",
        "}",
        "[",
        "(a|b)",
        "(",
        "{a}{b}",
        "<x>",
        "",
        "a|",
        "[[[[a]]]]",
        "{a",
        "ja\n",
        "*",
    ]
)
_answers: Final = st.one_of(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"id": _texts, "sentences": st.one_of(st.lists(_sentences, max_size=3), _texts)}
        ),
        max_size=3,
    ),
    wild,
)
_schemas: Final = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(
                st.sampled_from(["a", "b", "💥", ""]), st.one_of(st.just({"type": "string"}), wild), max_size=2
            ),
            "required": wild,
        },
    ),
    st.dictionaries(
        st.sampled_from(["a", "b", "A b", ""]),
        st.fixed_dictionaries(
            {},
            optional={
                "selector": st.one_of(st.just({"text": None}), st.just({"number": {}}), wild),
                "required": wild,
                "description": wild,
            },
        ),
        max_size=2,
    ),
    wild,
)
_fields: Final = {
    "agent": st.one_of(_entities, _texts),
    "message": _texts,
    "prompt": _texts,
    "instructions": _texts,
    "voice": _texts,
    "speech_speed": _numbers,
    "inactivity_timeout": _numbers,
    "record": st.one_of(st.booleans(), wild),
    "text": _texts,
    "image": st.one_of(
        _texts,
        st.sampled_from(
            [
                "camera.none",
                "image.none",
                "media-source://none/x",
                "../x",
                {"media_content_id": "x"},
                {"media_content_id": "media-source://x/../.."},
            ]
        ),
    ),
    "speed": _numbers,
    "satellite": _entities,
    "question": _texts,
    "answers": _answers,
    "schema": _schemas,
    "structure": _schemas,
    "timeout": st.one_of(st.floats(0, 0.3), st.sampled_from(["nan", "inf", -1, None, {"seconds": 0.1}])),
    "preannounce": st.one_of(st.booleans(), wild),
    "more": wild,
}
_of: Final = {
    "start": ("agent", "message", "prompt", "instructions", "voice", "speech_speed", "inactivity_timeout", "record"),
    "stop": (),
    "say": ("text",),
    "send_message": ("text", "image"),
    "interrupt": (),
    "set_speech_speed": ("speed",),
    "move": ("satellite",),
    "ask": ("question", "answers", "schema", "structure", "timeout"),
}


@st.composite
def _calls(draw: st.DrawFn) -> tuple[str, dict[str, Any], bool]:
    action = draw(st.sampled_from(list(_of)))
    data = {"entity_id": draw(_entities)} if draw(st.integers(0, 9)) else {}
    for field in _of[action]:
        if draw(st.integers(0, 2)):
            data[field] = draw(_fields[field])
    if draw(st.integers(0, 9)) == 0:
        field = draw(st.sampled_from(list(_fields)))
        data[field] = draw(_fields[field])
    if action == "ask":
        # Nobody answers here.
        data["timeout"] = draw(_fields["timeout"])
    return action, data, draw(st.booleans())


@pytest.fixture
def talkative(brain: ScriptedBrain) -> ScriptedBrain:
    """An agent that always has something to say."""
    for _ in range(3000):
        brain.add(Turn("", (Plan((Say(f"{WORDS}.", seconds=0.2),)),)))
    return brain


async def act(hass: HomeAssistant, action: str, data: dict[str, Any], *, responds: bool) -> ServiceResponse:
    """An action, with its answer where it has one and it is wanted; `start` would wait for the session's end."""
    support = hass.services.supports_response(DOMAIN, action)
    wanted = support is SupportsResponse.ONLY or (
        responds and support is SupportsResponse.OPTIONAL and action != "start"
    )
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=wanted)


async def test_no_data_break_an_action(
    hass: HomeAssistant, house: HomeAssistant, talkative: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    assert set(_of) == set(hass.services.async_services()[DOMAIN])

    async def attempt(calls: list[tuple[str, dict[str, Any], bool]]) -> None:
        with quiet():
            for action, data, responds in calls:
                try:
                    answer = await act(hass, action, data, responds=responds)
                except probatio.Invalid, ServiceValidationError, HomeAssistantError:
                    continue
                json.dumps(answer)
            await check_shown(hass, setup_integration)
            await act(hass, "stop", {"entity_id": SATELLITE}, responds=False)

    await explore(st.lists(_calls(), min_size=1, max_size=4), 40, attempt)


_targets: Final = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "entity_id": _entities,
            "area_id": _texts,
            "label_id": _texts,
            "device_id": _texts,
            "floor_id": _texts,
        },
    ),
    wild,
)
_options: Final = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "phrase": st.one_of(_sentences, st.lists(_sentences, max_size=3), wild),
            "behavior": st.sampled_from(["any", "all", "x", 5]),
            "who": st.sampled_from(["anyone", "user", "x", None]),
        },
    ),
    wild,
)
_TRIGGERS: Final = (
    "session_started",
    "session_ended",
    "user_started_speaking",
    "assistant_started_speaking",
    "phrase_said",
)
_triggers: Final = st.fixed_dictionaries(
    {"trigger": st.sampled_from(_TRIGGERS).map(lambda name: f"{DOMAIN}.{name}")},
    optional={"target": _targets, "options": _options, "more": wild},
)
_conditions: Final = st.fixed_dictionaries(
    {"condition": st.sampled_from(["is_in_session", "is_speaking"]).map(lambda name: f"{DOMAIN}.{name}")},
    optional={"target": _targets, "options": _options, "more": wild},
)


async def test_no_configuration_breaks_a_trigger_or_a_condition(
    hass: HomeAssistant, house: HomeAssistant, talkative: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    async def listen(config: dict[str, Any]) -> None:
        [checked] = await trigger.async_validate_trigger_config(hass, cv.TRIGGER_SCHEMA([config]))
        fired: list[Any] = []
        remove = await trigger.async_initialize_triggers(
            hass, [checked], lambda told, *_: fired.append(told), DOMAIN, "fuzz", lambda *_: None
        )
        if remove is not None:
            remove()

    async def ask(config: dict[str, Any]) -> None:
        checked = await condition.async_validate_condition_config(hass, cv.CONDITION_SCHEMA(config))
        check = await condition.async_from_config(hass, checked)
        assert check.async_check() in (True, False, None)

    async def attempt(configs: tuple[dict[str, Any], dict[str, Any]]) -> None:
        with quiet():
            for use, config in zip((listen, ask), configs, strict=True):
                try:
                    await use(config)
                except probatio.Invalid, HomeAssistantError, TemplateError:
                    continue

    await explore(st.tuples(_triggers, _conditions), 60, attempt)
