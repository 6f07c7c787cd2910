"""A user who is logged in and may do little: what Home Assistant does not let them do, they cannot do by an agent."""

import base64
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.rtvoice.const import DOMAIN
from simulator import Plan, Say, ScriptedBrain, Simulator
from tests.ha.browser import TABLET, Commands, async_guest
from tests.ha.conftest import AGENT_ID, SATELLITE_ID
from tests.ha.house import AGENT, SATELLITE, async_wait_for_state, context_of, entity_of, state_of
from tests.ha.test_policy import LOCK, Schemer, async_build_locks, set_options, unlock
from tests.ha.test_services import PNG, _add_doorbell

SATELLITE_ONLY = {"entities": {"entity_ids": {SATELLITE: True}}}
AGENT_ONLY = {"entities": {"entity_ids": {AGENT: True}}}
DOORBELL = "image.doorbell"


@pytest.fixture
def guest(hass: HomeAssistant) -> MockUser:
    """A user who may do nothing until a test says otherwise."""
    user = MockUser(name="Guest", groups=[]).add_to_hass(hass)
    user.mock_policy({})
    return user


async def act(hass: HomeAssistant, user: MockUser, action: str, **data: Any) -> None:
    """Call an action of ours as a user."""
    await hass.services.async_call(DOMAIN, action, data, blocking=True, context=context_of(user))


ACTIONS: dict[str, dict[str, Any]] = {
    "start": {},
    "stop": {},
    "say": {"text": "Boo"},
    "send_message": {"text": "Boo"},
    "interrupt": {},
    "set_speech_speed": {"speed": 1.0},
    "move": {"satellite": SATELLITE},
}


async def test_no_action_works_on_what_is_not_theirs(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    assert {*ACTIONS, "ask"} == hass.services.async_services_for_domain(DOMAIN).keys()
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    spoken = len(brain.contexts)
    for policy in ({}, {"entities": {"all": {"read": True}}}):
        guest.mock_policy(policy)
        for action, fields in ACTIONS.items():
            with pytest.raises(Unauthorized):
                await act(hass, guest, action, entity_id=SATELLITE, **fields)
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                DOMAIN,
                "ask",
                {"entity_id": SATELLITE, "question": "What is the PIN?"},
                blocking=True,
                context=context_of(guest),
                return_response=True,
            )
    (session,) = setup_integration.runtime_data.sessions
    assert session.live
    assert len(brain.contexts) == spoken
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_no_entity_works_that_is_not_theirs(
    hass: HomeAssistant, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    for service, entity_id, fields in (
        ("switch.turn_on", entity_of(hass, "switch", SATELLITE_ID, "session"), {}),
        ("switch.turn_on", entity_of(hass, "switch", AGENT_ID, "mute"), {}),
        ("select.select_option", entity_of(hass, "select", SATELLITE_ID, "agent"), {"option": "Voice agent"}),
        ("number.set_value", entity_of(hass, "number", AGENT_ID, "speech_speed"), {"value": 0.5}),
        ("button.press", entity_of(hass, "button", AGENT_ID, "create_pipeline"), {}),
        ("assist_satellite.announce", SATELLITE, {"message": "Boo"}),
    ):
        domain, name = service.split(".")
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                domain, name, {"entity_id": entity_id, **fields}, blocking=True, context=context_of(guest)
            )
    assert setup_integration.runtime_data.sessions == []


async def test_another_agent_is_not_theirs_because_a_satellite_is(
    hass: HomeAssistant, two_browsers: MockConfigEntry, hass_ws_client: WebSocketGenerator, guest: MockUser
) -> None:
    """An agent may be allowed more than the one that a satellite has."""
    guest.mock_policy(SATELLITE_ONLY)
    with pytest.raises(Unauthorized):
        await act(hass, guest, "start", entity_id=SATELLITE, agent=AGENT)
    _, token = await async_guest(hass, SATELLITE_ONLY)
    page = Commands(await hass_ws_client(hass, token))
    assert (await page.error("session/start", entity_id=SATELLITE, agent=AGENT))["code"] == "unauthorized"
    # Whether there is such an agent is none of their business.
    told = await page.error("session/start", entity_id=SATELLITE, agent="conversation.none")
    assert told["code"] == "unauthorized"
    assert two_browsers.runtime_data.sessions == []
    await page.result("session/start", entity_id=SATELLITE)
    await page.result("session/stop", entity_id=SATELLITE)
    await page.close()


async def test_a_microphone_is_not_theirs_because_an_agent_is(
    hass: HomeAssistant, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    guest.mock_policy(AGENT_ONLY)
    with pytest.raises(Unauthorized):
        await act(hass, guest, "start", entity_id=AGENT)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "ask",
            {"entity_id": AGENT, "question": "Who is there?"},
            blocking=True,
            context=context_of(guest),
            return_response=True,
        )
    assert setup_integration.runtime_data.sessions == []


async def test_a_picture_that_they_may_not_see_is_shown_to_no_agent_of_theirs(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    await _add_doorbell(hass)
    guest.mock_policy(SATELLITE_ONLY)
    await act(hass, guest, "start", entity_id=SATELLITE)
    for picture in (DOORBELL, {"media_content_id": DOORBELL}, f"media-source://image/{DOORBELL}"):
        with pytest.raises(Unauthorized):
            await act(hass, guest, "send_message", entity_id=SATELLITE, text="What is it?", image=picture)
    encoded = base64.b64encode(PNG).decode()
    assert encoded not in str(simulator.client_events)
    guest.mock_policy({"entities": {"entity_ids": {SATELLITE: True, DOORBELL: {"read": True}}}})
    await act(hass, guest, "send_message", entity_id=SATELLITE, text="What is it?", image=DOORBELL)
    await simulator.wait_for("conversation.item.create")
    await act(hass, guest, "stop", entity_id=SATELLITE)


async def test_a_picture_of_any_size_is_not_read(
    hass: HomeAssistant, setup_integration: MockConfigEntry, tmp_path: Any
) -> None:
    hass.config.media_dirs = {"local": str(tmp_path)}
    with (tmp_path / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(50_000_000_000)
    assert await async_setup_component(hass, "media_source", {})
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            DOMAIN,
            "send_message",
            {"entity_id": SATELLITE, "text": "Look", "image": "media-source://media_source/local/huge.png"},
            blocking=True,
        )
    assert refusal.value.translation_key == "media_unsupported"
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_a_voice_assistant_is_made_by_administrators(
    hass: HomeAssistant, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    """Home Assistant itself lets nobody else make one."""
    button = entity_of(hass, "button", AGENT_ID, "create_pipeline")
    guest.mock_policy({"entities": {"entity_ids": {button: True}}})
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True, context=context_of(guest)
        )


async def test_what_an_agent_does_for_them_is_what_they_may_do(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, guest: MockUser
) -> None:
    """Even where the agent itself may do everything."""
    await async_build_locks(hass)
    set_options(hass, setup_integration, sensitive_permission="allow")
    guest.mock_policy({"entities": {"all": {"read": True}}})
    schemer = Schemer(brain, unlock())
    await conversation.async_converse(
        hass, "Unlock the front door", None, context_of(guest), language="en", agent_id=AGENT
    )
    assert schemer.told[0].get("error") or schemer.told[0]["data"]["failed"]
    assert state_of(hass, LOCK).state == "locked"


async def test_diagnostics_are_for_administrators(
    hass: HomeAssistant,
    setup_integration: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    hass_read_only_access_token: str,
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client(hass_read_only_access_token)
    answer = await client.get(f"/api/diagnostics/config_entry/{setup_integration.entry_id}")
    assert answer.status == 401


async def test_what_was_said_at_a_satellite_that_is_not_theirs(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    two_browsers: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Neither by our commands nor by those of Home Assistant."""
    secret = "The code of the safe is in the blue book."
    _, token = await async_guest(hass, {"entities": {"entity_ids": {TABLET: True}}})
    socket = await hass_ws_client(hass, token)
    page = Commands(socket)
    brain.plans.append(Plan((Say(secret, seconds=0.2),)))
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE, "prompt": "Tell it."}, blocking=True)
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await async_wait_for_state(hass, said, secret)
    assert (await page.error("session/subscribe", entity_id=SATELLITE))["code"] == "unauthorized"
    assert secret not in str(await page.result("satellites"))
    await page.follow(TABLET)
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    assert secret not in str(page.events)
    await page.close()
    bare = await hass_ws_client(hass, token)
    for message in (
        {"type": "get_states"},
        {"type": "subscribe_events", "event_type": "rtvoice_activity"},
        {"type": "subscribe_events", "event_type": "call_service"},
        {"type": "assist_pipeline/pipeline_debug/list", "pipeline_id": "x"},
        {"type": "config_entries/subentries/list", "entry_id": two_browsers.entry_id},
        {"type": "config_entries/get"},
    ):
        await bare.send_json_auto_id(message)
        answer = await bare.receive_json()
        assert secret not in str(answer)
        assert message["type"] == "get_states" or not answer["success"]
