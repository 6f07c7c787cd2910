"""Adding and changing an agent."""

from typing import Any

import probatio
import pytest
from homeassistant import data_entry_flow
from homeassistant.config_entries import SOURCE_USER, SubentryFlowResult
from homeassistant.const import CONF_LLM_HASS_API, CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.voices import voices_of
from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_DAY_BUDGET,
    CONF_DIALECT,
    CONF_EAGERNESS,
    CONF_FALLBACK,
    CONF_INACTIVITY_TIMEOUT,
    CONF_INSTRUCTIONS,
    CONF_LANGUAGE,
    CONF_MAX_DURATION,
    CONF_MAX_OUTPUT_TOKENS,
    CONF_MODEL,
    CONF_MONTH_BUDGET,
    CONF_NOISE_REDUCTION,
    CONF_PREFIX_PADDING,
    CONF_PROVIDER,
    CONF_REASONING_EFFORT,
    CONF_RECORDING,
    CONF_SILENCE_DURATION,
    CONF_SPEECH_SPEED,
    CONF_THRESHOLD,
    CONF_TRANSCRIPTION_MODEL,
    CONF_TURN_DETECTION,
    CONF_VOICE,
    DEFAULT_AGENT_NAME,
    DEFAULT_INSTRUCTIONS,
    DOMAIN,
    PROVIDER_COMPATIBLE,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
)
from custom_components.rtvoice.flows.agent_form import agent_schema
from custom_components.rtvoice.flows.defaults import default_agent
from simulator import Simulator

from .conftest import AGENT_ID

FILLED = {
    CONF_NAME: "Butler",
    CONF_INSTRUCTIONS: "You serve {{ 'tea' }}.",
    CONF_LLM_HASS_API: ["assist"],
    CONF_MODEL: "gpt-realtime-2.1",
    "speaking": {CONF_VOICE: "cedar", CONF_SPEECH_SPEED: 1.25},
    "listening": {
        CONF_LANGUAGE: "de",
        CONF_TRANSCRIPTION_MODEL: "whisper-1",
        CONF_NOISE_REDUCTION: "off",
        CONF_TURN_DETECTION: "server_vad",
        CONF_EAGERNESS: "low",
        CONF_THRESHOLD: 0.6,
        CONF_PREFIX_PADDING: 200.0,
        CONF_SILENCE_DURATION: 700.0,
    },
    "tools": {"read_states": False, "actions": ["script.good_night"], "dangerous_actions": ["lock.unlock"]},
    "policy": {
        "sensitive_permission": "deny",
        "sensitive": ["lock", "switch.oven_*"],
        "quiet_start": "22:00:00",
        "quiet_end": "06:30:00",
        "quiet_permission": "confirm",
        "restricted_satellites": ["assist_satellite.nursery"],
        "restricted_denied": ["cover"],
        "restricted_only": ["light"],
    },
    "budget": {CONF_DAY_BUDGET: 1.5, CONF_MONTH_BUDGET: 20.0},
    "privacy": {"private_transcripts": True, "keep_transcripts": 7.0},
    "advanced": {
        CONF_INACTIVITY_TIMEOUT: 60,
        CONF_MAX_DURATION: 15.0,
        CONF_RECORDING: True,
        CONF_REASONING_EFFORT: "low",
        CONF_MAX_OUTPUT_TOKENS: 500.0,
    },
}


async def add(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Open the form of a new agent."""
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_AGENT), context={"source": SOURCE_USER}
    )
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {})
    return form


async def submit(hass: HomeAssistant, form: SubentryFlowResult, user_input: dict[str, Any]) -> SubentryFlowResult:
    """Fill the form in."""
    return await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)


def suggested(form: SubentryFlowResult) -> dict[str, Any]:
    """What the form shows as values, sections in place."""
    return _suggested(form["data_schema"].schema)


def _suggested(fields: dict[Any, Any]) -> dict[str, Any]:
    values = {}
    for marker, field in fields.items():
        if hasattr(field, "options") and hasattr(field, "schema"):
            values[marker.schema] = _suggested(field.schema.schema)
        elif marker.description:
            values[marker.schema] = marker.description["suggested_value"]
    return values


async def test_the_form_shows_what_works_without_a_change(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    shown = suggested(await add(hass, mock_entry))
    assert shown[CONF_NAME] == f"{DEFAULT_AGENT_NAME} 2"
    assert shown[CONF_INSTRUCTIONS] == DEFAULT_INSTRUCTIONS
    assert shown[CONF_LLM_HASS_API] == ["assist"]
    assert shown[CONF_MODEL] == "gpt-realtime-2.1-mini"
    assert shown["listening"][CONF_TURN_DETECTION] == "semantic_vad"
    assert shown["advanced"] == {CONF_INACTIVITY_TIMEOUT: 30.0, CONF_MAX_DURATION: 60.0}


async def test_the_basics_come_first_and_the_account_says_which_models_there_are(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await add(hass, mock_entry)
    names = [str(key) for key in form["data_schema"].schema]
    assert names == [
        CONF_NAME, CONF_INSTRUCTIONS, CONF_LLM_HASS_API, CONF_MODEL, "speaking", "listening", "tools", "policy",
        "budget", "privacy", "advanced",
    ]  # fmt: skip
    models = form["data_schema"].schema[CONF_MODEL].config["options"]
    assert models[0] == "gpt-realtime-2.1-mini"
    assert models[-1] == "gpt-realtime-mini"


async def test_everything_is_stored_flat(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    result = await submit(hass, await add(hass, mock_entry), FILLED)
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Butler")
    assert result["data"] == {
        CONF_INSTRUCTIONS: "You serve {{ 'tea' }}.",
        CONF_LLM_HASS_API: ["assist"],
        CONF_MODEL: "gpt-realtime-2.1",
        **FILLED["speaking"],
        **FILLED["listening"],
        **FILLED["tools"],
        **FILLED["policy"],
        **FILLED["budget"],
        **FILLED["privacy"],
        **FILLED["advanced"],
    }
    assert type(result["data"][CONF_SILENCE_DURATION]) is int
    assert len(mock_entry.get_subentries_of_type(SUBENTRY_AGENT)) == 2


async def test_sections_that_were_not_opened_keep_their_values(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    result = await submit(hass, await add(hass, mock_entry), {CONF_INSTRUCTIONS: "Hum."})
    untouched = default_agent(PROVIDER_COMPATIBLE, "gpt-realtime-2.1-mini")
    assert result["title"] == f"{DEFAULT_AGENT_NAME} 2"
    assert result["data"] == {
        key: value for key, value in untouched.items() if key not in {CONF_INSTRUCTIONS, CONF_LLM_HASS_API}
    } | {CONF_INSTRUCTIONS: "Hum."}


async def test_emptied_fields_are_absent(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    emptied = {CONF_NAME: "", CONF_INSTRUCTIONS: "", CONF_LLM_HASS_API: [], CONF_MODEL: " ", "listening": {}}
    warning = await submit(hass, await add(hass, mock_entry), emptied)
    result = await submit(hass, warning, {"next_step_id": "save"})
    assert result["title"] == f"{DEFAULT_AGENT_NAME} 2"
    assert CONF_TRANSCRIPTION_MODEL not in result["data"]
    assert CONF_INSTRUCTIONS not in result["data"]
    assert CONF_LLM_HASS_API not in result["data"]
    assert result["data"][CONF_MODEL] == "gpt-realtime-2.1-mini"


async def test_a_changed_agent_keeps_its_identity(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    form = await setup_integration.start_subentry_reconfigure_flow(hass, AGENT_ID)
    assert suggested(form)[CONF_NAME] == DEFAULT_AGENT_NAME
    result = await submit(hass, form, FILLED)
    await hass.async_block_till_done()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    agent = setup_integration.subentries[AGENT_ID]
    assert agent.title == "Butler"
    assert agent.data[CONF_VOICE] == "cedar"
    assert agent.data[CONF_TURN_DETECTION] == "server_vad"


async def test_apis_that_are_gone_are_not_shown(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    subentry = mock_entry.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        mock_entry, subentry, data={**subentry.data, CONF_LLM_HASS_API: ["gone", "assist"]}
    )
    form = await mock_entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    assert suggested(form)[CONF_LLM_HASS_API] == ["assist"]


async def test_a_model_that_the_provider_refuses_is_told_and_nothing_is_lost(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await submit(hass, await add(hass, mock_entry), {**FILLED, CONF_MODEL: "gpt-9"})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {CONF_MODEL: "model_refused"})
    assert suggested(form) == {**FILLED, CONF_MODEL: "gpt-9"}

    result = await submit(hass, form, FILLED)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_model_that_is_not_listed_may_be_accepted(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    simulator.models = ("house-voice",)
    form = await add(hass, mock_entry)
    assert form["data_schema"].schema[CONF_MODEL].config["options"] == []
    # Where the account lists no realtime model, the new agent begins with what the other one uses.
    assert suggested(form)[CONF_MODEL] == "gpt-realtime-2.1-mini"
    result = await submit(hass, form, {**FILLED, CONF_MODEL: "house-voice"})
    assert result["data"][CONF_MODEL] == "house-voice"


async def test_an_unreachable_provider_is_no_reason_to_lose_a_change(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    await simulator.stop()
    result = await submit(hass, await add(hass, mock_entry), {**FILLED, CONF_MODEL: "gpt-realtime-9"})
    assert result["data"][CONF_MODEL] == "gpt-realtime-9"


def test_fields_of_the_other_turn_detection_are_hidden_where_home_assistant_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Optional(probatio.Optional):
        """The marker of Home Assistant 2026.11."""

        def __init__(self, key: str, *, visible: dict[str, str] | None = None) -> None:
            super().__init__(key)
            self.visible = visible

    if not hasattr(data_entry_flow, "Optional"):
        monkeypatch.setattr(data_entry_flow, "Optional", Optional, raising=False)
    fields = agent_schema("name", "model", (), (), {}).schema["listening"].schema.schema
    shown_for = {str(key): key.visible["value"] for key in fields if getattr(key, "visible", None)}
    assert shown_for == {
        CONF_EAGERNESS: "semantic_vad",
        CONF_THRESHOLD: "server_vad",
        CONF_PREFIX_PADDING: "server_vad",
        CONF_SILENCE_DURATION: "server_vad",
    }


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("speaking", CONF_SPEECH_SPEED, 3),
        ("listening", CONF_THRESHOLD, -1),
        ("listening", CONF_THRESHOLD, "nan"),
        ("budget", CONF_DAY_BUDGET, "nan"),
        ("listening", CONF_LANGUAGE, "klingon"),
        ("listening", CONF_TURN_DETECTION, "guess"),
        ("advanced", CONF_MAX_OUTPUT_TOKENS, 0),
    ],
)
async def test_impossible_values_are_refused(
    hass: HomeAssistant, mock_entry: MockConfigEntry, section: str, field: str, value: Any
) -> None:
    form = await add(hass, mock_entry)
    with pytest.raises(InvalidData):
        await submit(hass, form, {**FILLED, section: {field: value}})
    result = await submit(hass, form, FILLED)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_invalid_template_is_refused(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await add(hass, mock_entry)
    with pytest.raises(InvalidData):
        await submit(hass, form, {**FILLED, CONF_INSTRUCTIONS: "{{ nothing"})


@pytest.fixture
def openai_entry(hass: HomeAssistant, mock_entry: MockConfigEntry) -> MockConfigEntry:
    """The account is one at OpenAI, whose models are shut down on known days."""
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, CONF_PROVIDER: PROVIDER_OPENAI})
    return mock_entry


@pytest.mark.parametrize(
    ("choice", "model", "day"),
    [
        ({CONF_MODEL: "gpt-realtime"}, "gpt-realtime", "2027-01-20"),
        ({"listening": {CONF_TRANSCRIPTION_MODEL: "whisper-1"}}, "whisper-1", "2027-02-26"),
        (
            {CONF_MODEL: "gpt-realtime-mini", "listening": {CONF_TRANSCRIPTION_MODEL: "whisper-1"}},
            "gpt-realtime-mini",
            "2027-01-20",
        ),
    ],
)
async def test_a_model_that_will_be_shut_down_is_told_before_it_is_saved(
    hass: HomeAssistant, openai_entry: MockConfigEntry, choice: dict[str, Any], model: str, day: str
) -> None:
    menu = await submit(hass, await add(hass, openai_entry), {CONF_NAME: "Old", **choice})
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "retiring")
    assert menu["description_placeholders"] == {"model": model, "date": day}

    form = await submit(hass, menu, {"next_step_id": "init"})
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "init")
    assert suggested(form)[CONF_NAME] == "Old"
    assert suggested(form)[CONF_MODEL] == choice.get(CONF_MODEL, "gpt-realtime-2.1-mini")

    menu = await submit(hass, form, {CONF_NAME: "Old", **choice})
    result = await submit(hass, menu, {"next_step_id": "save"})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Old")


async def test_another_servers_models_are_its_own_affair(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    result = await submit(hass, await add(hass, mock_entry), {CONF_MODEL: "gpt-realtime"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_voice_that_the_model_lacks_is_told(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    form = await submit(hass, await add(hass, mock_entry), {"speaking": {CONF_VOICE: "darth"}})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {CONF_VOICE: "voice_refused"})
    assert suggested(form)["speaking"] == {CONF_VOICE: "darth"}
    result = await submit(hass, form, {"speaking": {CONF_VOICE: "cedar"}})
    assert result["type"] is FlowResultType.CREATE_ENTRY

    # What cannot be tested now is believed.
    form = await add(hass, mock_entry)
    await simulator.stop()
    result = await submit(hass, form, {"speaking": {CONF_VOICE: "darth"}})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("account", "first"),
    [
        ({}, "marin"),
        ({CONF_BASE_URL: "http://homeserver:8080/v1", CONF_DIALECT: "auto"}, "marin"),
        ({CONF_DIALECT: "xai"}, "eve"),
        ({CONF_BASE_URL: "wss://api.x.ai/v1"}, "eve"),
    ],
)
def test_the_voices_are_those_of_the_provider(account: dict[str, str], first: str) -> None:
    assert voices_of(account)[0] == first


async def test_voices_are_offered_and_others_can_be_typed_in(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, CONF_DIALECT: "xai"})
    form = await add(hass, mock_entry)
    offer = form["data_schema"].schema["speaking"].schema.schema[CONF_VOICE].config
    assert (offer["options"], offer["custom_value"]) == (["eve", "ara", "leo", "rex", "sal"], True)


async def test_openais_own_voices_are_not_tested(
    hass: HomeAssistant, simulator: Simulator, openai_entry: MockConfigEntry
) -> None:
    form = await add(hass, openai_entry)
    simulator.requests.clear()
    result = await submit(hass, form, {"speaking": {CONF_VOICE: "cedar"}})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert simulator.requests == []


async def test_a_voice_that_was_saved_is_not_tested_again(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    subentry = mock_entry.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(mock_entry, subentry, data={**subentry.data, CONF_VOICE: "darth"})
    form = await mock_entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    result = await submit(hass, form, {"speaking": {CONF_VOICE: "darth"}})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_another_account_can_stand_in(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await add(hass, mock_entry)
    assert CONF_FALLBACK not in form["data_schema"].schema["advanced"].schema.schema

    data = {CONF_PROVIDER: PROVIDER_COMPATIBLE, CONF_BASE_URL: "http://other/v1"}
    other = MockConfigEntry(domain=DOMAIN, title="Other", data=data)
    other.add_to_hass(hass)
    form = await add(hass, mock_entry)
    [offered] = form["data_schema"].schema["advanced"].schema.schema[CONF_FALLBACK].config["options"]
    assert offered == {"value": other.entry_id, "label": "Other"}
    result = await submit(hass, form, {"advanced": {CONF_FALLBACK: other.entry_id}})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    [_, agent] = mock_entry.get_subentries_of_type(SUBENTRY_AGENT)
    assert agent.data[CONF_FALLBACK] == other.entry_id
    form = await mock_entry.start_subentry_reconfigure_flow(hass, agent.subentry_id)
    assert suggested(form)["advanced"][CONF_FALLBACK] == other.entry_id

    # An account that is gone is not shown any more, as the form would refuse it.
    await hass.config_entries.async_remove(other.entry_id)
    form = await mock_entry.start_subentry_reconfigure_flow(hass, agent.subentry_id)
    assert CONF_FALLBACK not in suggested(form)["advanced"]
