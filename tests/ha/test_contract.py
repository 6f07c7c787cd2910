"""The names that users write into automations, scripts and cards, held against the contract in a house that has all."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import probatio
import pytest
from homeassistant.components.assist_satellite import AssistSatelliteEntityFeature
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import CONF_DESCRIPTION, CONF_HOST, CONF_PORT, CONF_URL, Platform
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import condition, trigger
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice import RtvoiceConfigFlow
from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_KIND,
    CONF_MODEL,
    CONF_TRANSPORT,
    DIALECTS,
    DOMAIN,
    KIND_BROWSER,
    KIND_WYOMING,
    SUBENTRY_MCP_SERVER,
    SUBENTRY_SUBAGENT,
)
from simulator import Call, Plan, Say, ScriptedBrain, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import (
    AGENT,
    SATELLITE,
    add_satellite,
    async_build_house,
    async_wait_for_state,
    entity_of,
    loaded,
    speak_into,
    state_of,
)
from .test_equipment import add

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "custom_components" / "rtvoice"
TABLET_ID, HALL_ID = "tablet", "hall"
SATELLITES = (SATELLITE_ID, TABLET_ID, HALL_ID)

SHARED = {
    "sensor": {"status", "user_transcript", "assistant_transcript", "last_tool", "response_latency"},
    "binary_sensor": {"session", "user_speaking", "assistant_speaking"},
    "event": {"activity"},
    "switch": {"session", "mute"},
    "button": {"interrupt"},
}
AGENT_ENTITIES = {
    **SHARED,
    "conversation": {""},
    "stt": {"stt"},
    "tts": {"tts"},
    "sensor": SHARED["sensor"] | {"tokens", "cost", "cost_today"},
    "number": {"speech_speed"},
    "select": {"voice"},
    # Beside the contract: it makes a voice assistant of the agent.
    "button": {"interrupt", "create_pipeline"},
}
SATELLITE_ENTITIES = {**SHARED, "assist_satellite": {""}, "select": {"agent"}}

TARGET = {"entity_id", "device_id", "area_id", "floor_id", "label_id"}
ACTIONS: dict[str, tuple[set[str], SupportsResponse]] = {
    "start": (
        {
            "agent",
            "message",
            "prompt",
            "instructions",
            "voice",
            "speech_speed",
            "inactivity_timeout",
            "record",
        },
        SupportsResponse.OPTIONAL,
    ),
    "ask": ({"question", "answers", "schema", "timeout"}, SupportsResponse.ONLY),
    "stop": (set(), SupportsResponse.NONE),
    "say": ({"text"}, SupportsResponse.NONE),
    "send_message": ({"text", "image"}, SupportsResponse.NONE),
    "interrupt": (set(), SupportsResponse.NONE),
    "set_speech_speed": ({"speed"}, SupportsResponse.NONE),
    "move": ({"satellite"}, SupportsResponse.NONE),
}
WEBSOCKET = {
    "satellites",
    "session/subscribe",
    "session/start",
    "session/stop",
    "session/interrupt",
    "session/send_message",
    # Beside the contract: what the card needs.
    "session/set_muted",
    "browser/connect",
}


@pytest.fixture
async def house(hass: HomeAssistant, mock_entry: MockConfigEntry) -> AsyncIterator[MockConfigEntry]:
    """An account with one agent, a satellite of each kind, a subagent and an MCP server."""
    await async_build_house(hass)
    add_satellite(hass, mock_entry, TABLET_ID, {CONF_KIND: KIND_BROWSER})
    add_satellite(hass, mock_entry, HALL_ID, {CONF_KIND: KIND_WYOMING, CONF_HOST: "127.0.0.1", CONF_PORT: 9})
    cook = {CONF_DESCRIPTION: "Plans meals.", CONF_MODEL: "tiny", CONF_BASE_URL: "http://127.0.0.1:9/v1"}
    await add(hass, mock_entry, SUBENTRY_SUBAGENT, "Cook", cook)
    server = {CONF_TRANSPORT: "auto", CONF_URL: "http://127.0.0.1:9/mcp"}
    await add(hass, mock_entry, SUBENTRY_MCP_SERVER, "Workshop", server)
    async with loaded(hass, mock_entry):
        yield mock_entry


def entities_of(hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str) -> dict[str, set[str]]:
    """Keys of a subentry's entities by domain; the main entity's is empty."""
    found: dict[str, set[str]] = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if entity.config_subentry_id != subentry_id:
            continue
        main, _, key = entity.unique_id.partition(subentry_id)
        assert (main, key[:1]) in (("", ""), ("", "_")), entity.unique_id
        found.setdefault(entity.domain, set()).add(key.removeprefix("_"))
    return found


def fields_of(schema: Any) -> dict[str, Any]:
    """The fields of an action's schema, wherever it is wrapped."""
    while not isinstance(schema, probatio.Schema) or not isinstance(schema.schema, dict):
        schema = schema.schema if isinstance(schema, probatio.Schema) else schema.validators[0]
    return {
        str(marker.schema if isinstance(marker, probatio.Marker) else marker): each
        for marker, each in schema.schema.items()
    }


def manifest() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8")))


def test_the_manifest() -> None:
    told = manifest()
    assert (told["domain"], told["name"], told["codeowners"]) == ("rtvoice", "Realtime Voice", ["@rtvoice"])
    assert told["documentation"] == "https://github.com/rtvoice/rtvoice"
    assert told["issue_tracker"].startswith("https://github.com/rtvoice/rtvoice/")
    assert [part.isdecimal() for part in told["version"].split(".")] == [True] * 3
    assert told["version"].startswith("0.")
    hacs = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    assert hacs["homeassistant"] == "2026.10.0"


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("openai", {"api_key"}),
        ("azure_openai", {"resource", "deployment", "api_key"}),
        ("compatible", {"base_url", "api_key", "dialect"}),
    ],
)
async def test_the_forms_of_an_account(hass: HomeAssistant, provider: str, names: set[str]) -> None:
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "user")
    assert menu["menu_options"] == ["openai", "azure_openai", "compatible"]
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": provider})
    schema = form["data_schema"]
    assert schema is not None
    fields = {str(marker.schema): marker for marker in schema.schema}
    assert names <= set(fields)
    required = {name for name, marker in fields.items() if isinstance(marker, probatio.Required)}
    assert ("api_key" in required) is (provider != "compatible")
    # The rest is folded away or may be left out.
    assert required - {"advanced"} <= names


def test_the_dialects() -> None:
    assert DIALECTS == ("auto", "ga", "beta", "xai")


def test_the_errors_of_an_account_have_words() -> None:
    told = json.loads((FOLDER / "translations" / "en.json").read_text(encoding="utf-8"))["config"]
    errors = {"invalid_auth", "cannot_connect", "no_realtime_model", "quota_exceeded", "unknown"}
    assert errors <= set(told["error"])
    assert {"already_configured", "reauth_successful", "reconfigure_successful"} <= set(told["abort"])
    assert all(hasattr(RtvoiceConfigFlow, f"async_step_{step}") for step in ("user", "reauth", "reconfigure"))


async def test_the_kinds_of_subentries(hass: HomeAssistant, house: MockConfigEntry) -> None:
    assert set(RtvoiceConfigFlow.async_get_supported_subentry_types(house)) == {
        "agent",
        "satellite",
        "subagent",
        "mcp_server",
    }
    for kind in ("agent", "satellite", "subagent", "mcp_server"):
        assert list(house.get_subentries_of_type(kind)), kind
    menu = await hass.config_entries.subentries.async_init(
        (house.entry_id, "satellite"), context={"source": SOURCE_USER}
    )
    assert set(menu["menu_options"]) == {"local", "wyoming", "browser"}


async def test_the_entities(hass: HomeAssistant, house: MockConfigEntry) -> None:
    assert entities_of(hass, house, AGENT_ID) == AGENT_ENTITIES
    for satellite in SATELLITES:
        assert entities_of(hass, house, satellite) == SATELLITE_ENTITIES
    known = er.async_entries_for_config_entry(er.async_get(hass), house.entry_id)
    assert {entity.config_subentry_id for entity in known} == {AGENT_ID, *SATELLITES}
    for party in (AGENT_ID, *SATELLITES):
        devices = {entity.device_id for entity in known if entity.config_subentry_id == party}
        assert len(devices) == 1
        device = dr.async_get(hass).async_get(devices.pop() or "")
        assert device is not None
        assert (DOMAIN, party) in device.identifiers


async def test_what_states_say(hass: HomeAssistant, house: MockConfigEntry) -> None:
    for party in (AGENT_ID, SATELLITE_ID):
        status = state_of(hass, entity_of(hass, Platform.SENSOR, party, "status"))
        assert status.attributes["options"] == [
            "idle",
            "connecting",
            "listening",
            "thinking",
            "speaking",
            "reconnecting",
        ]
        latency = state_of(hass, entity_of(hass, Platform.SENSOR, party, "response_latency"))
        assert latency.attributes["unit_of_measurement"] == "ms"
        assert "text" in state_of(hass, entity_of(hass, Platform.SENSOR, party, "user_transcript")).attributes
        activity = state_of(hass, entity_of(hass, Platform.EVENT, party, "activity"))
        assert set(activity.attributes["event_types"]) == {
            "session_started",
            "session_ended",
            "user_turn",
            "assistant_turn",
            "interrupted",
            "tool_called",
            "tool_failed",
            "handoff",
            "error",
        }
    cost = state_of(hass, entity_of(hass, Platform.SENSOR, AGENT_ID, "cost"))
    assert (cost.attributes["unit_of_measurement"], cost.attributes["state_class"]) == ("USD", "total")
    features = state_of(hass, SATELLITE).attributes["supported_features"]
    assert features == AssistSatelliteEntityFeature.ANNOUNCE | AssistSatelliteEntityFeature.START_CONVERSATION


async def test_the_actions(hass: HomeAssistant, house: MockConfigEntry) -> None:
    known = hass.services.async_services_for_domain(DOMAIN)
    assert set(known) == set(ACTIONS)
    for name, (fields, response) in ACTIONS.items():
        # Home Assistant's editor adds "metadata".
        assert set(fields_of(known[name].schema)) - TARGET - {"metadata"} == fields, name
        assert known[name].supports_response is response, name


async def test_the_response_of_a_session(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone)
    light = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    brain.add(Turn("Turn on the light.", (Plan((light,)), Plan((Say("It is on.", seconds=0.2),)))))
    call = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            "start",
            {
                "entity_id": SATELLITE,
                "instructions": "Be brief.",
                "voice": "cedar",
                "speech_speed": 1.2,
                "record": False,
            },
            blocking=True,
            return_response=True,
        )
    )
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript"), "It is on.")
    # The agent stands for its own satellite.
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": AGENT}, blocking=True)
    response = await call
    assert response is not None
    assert set(response) == {"session_id", "end_reason", "duration", "turns", "tools", "usage", "recording"}
    assert response["turns"] == [
        {"role": "user", "text": "Turn on the light.", "interrupted": False},
        {"role": "assistant", "text": "It is on.", "interrupted": False},
    ]
    assert response["tools"] == [
        {"name": "intent__HassTurnOn", "arguments": {"name": "Kitchen light", "domain": ["light"]}, "ok": True}
    ]
    assert (response["end_reason"], response["recording"]) == ("stopped", None)


async def test_the_response_of_a_question(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.plans.append(Plan((Say("Shall I close it?", seconds=0.2),)))
    brain.add(Turn("Yes please."))
    question = {
        "question": "Shall I close it?",
        "answers": [{"id": "yes", "sentences": ["yes [please]"]}],
        "timeout": 20,
    }
    response = await hass.services.async_call(
        DOMAIN, "ask", {"entity_id": SATELLITE, **question}, blocking=True, return_response=True
    )
    assert response == {"answer_id": "yes", "text": "Yes please.", "data": None}


async def test_the_triggers_and_conditions(hass: HomeAssistant, house: MockConfigEntry) -> None:
    assert await async_setup_component(hass, "automation", {})
    triggers = await trigger.async_get_all_descriptions(hass)
    assert {name for name in triggers if name.startswith(f"{DOMAIN}.")} == {
        f"{DOMAIN}.{name}"
        for name in (
            "session_started",
            "session_ended",
            "user_started_speaking",
            "assistant_started_speaking",
            "phrase_said",
        )
    }
    conditions = await condition.async_get_all_descriptions(hass)
    assert {name for name in conditions if name.startswith(f"{DOMAIN}.")} == {
        f"{DOMAIN}.is_in_session",
        f"{DOMAIN}.is_speaking",
    }


async def test_the_websocket_commands(hass: HomeAssistant, house: MockConfigEntry) -> None:
    known = {name.removeprefix(f"{DOMAIN}/") for name in hass.data["websocket_api"] if name.startswith(f"{DOMAIN}/")}
    assert known == WEBSOCKET
