"""The commands that the card and other clients use."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rtvoice.bridge.toolbox.titles import readable
from custom_components.rtvoice.const import DOMAIN
from simulator import Call, Plan, Say, ScriptedBrain, Simulator, Turn

from .browser import PHONE, TABLET, TABLET_ID, Commands, Page, async_guest, state
from .conftest import AGENT_ID
from .house import AGENT, SATELLITE, async_build_house, async_wait_for_state, entity_of, state_of

AGENT_TOLD = {"name": "Voice agent", "entity_id": AGENT}


def of_type(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in told if one["type"] == kind]


def answered(told: list[dict[str, Any]], text: str) -> Callable[[], bool]:
    return lambda: any(turn["final"] and turn["text"] == text for turn in of_type(told, "turn"))


async def test_satellites_are_listed(commands: Commands, page: Page) -> None:
    told = (await commands.result("satellites"))["satellites"]
    assert told == [
        {
            "entity_id": SATELLITE,
            "name": "Local satellite",
            "kind": "local",
            "agent": AGENT_TOLD,
            "online": True,
            "can_control": True,
        },
        {
            "entity_id": TABLET,
            "name": "Tablet",
            "kind": "browser",
            "agent": AGENT_TOLD,
            "online": True,
            "can_control": True,
        },
        {
            "entity_id": PHONE,
            "name": "Phone",
            "kind": "browser",
            "agent": AGENT_TOLD,
            "online": False,
            "can_control": True,
        },
    ]


async def test_a_guest_sees_and_does_what_they_may(
    hass: HomeAssistant, two_browsers: MockConfigEntry, hass_ws_client: WebSocketGenerator, commands: Commands
) -> None:
    _, token = await async_guest(hass, {"entities": {"entity_ids": {SATELLITE: {"read": True}}}})
    guest = Commands(await hass_ws_client(hass, token))
    [seen] = (await guest.result("satellites"))["satellites"]
    assert (seen["entity_id"], seen["can_control"]) == (SATELLITE, False)
    told = await guest.follow(SATELLITE)
    assert told[0]["type"] == "snapshot"
    assert (await guest.error("session/subscribe", entity_id=TABLET))["code"] == "unauthorized"
    # Whether there is such a satellite is none of their business.
    assert (await guest.error("session/subscribe", entity_id="assist_satellite.none"))["code"] == "unauthorized"
    for command, fields in (
        ("session/start", {}),
        ("session/stop", {}),
        ("session/interrupt", {}),
        ("session/send_message", {"text": "Hello"}),
        ("session/set_muted", {"muted": True}),
        ("browser/connect", {}),
    ):
        assert (await guest.error(command, entity_id=SATELLITE, **fields))["code"] == "unauthorized"
    assert two_browsers.runtime_data.sessions == []
    await guest.close()


async def test_who_may_no_longer_look_is_told_nothing_more(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, commands: Commands
) -> None:
    user, token = await async_guest(hass, {"entities": {"entity_ids": {SATELLITE: {"read": True}}}})
    guest = Commands(await hass_ws_client(hass, token))
    told = await guest.follow(SATELLITE)
    user.mock_policy({})
    await commands.result("session/set_muted", entity_id=SATELLITE, muted=True)
    assert (await guest.error("session/subscribe", entity_id=SATELLITE))["code"] == "unauthorized"
    assert len(told) == 1
    await guest.close()


@pytest.mark.parametrize("entity_id", ["assist_satellite.none", AGENT, "switch.tablet_session", "light.kitchen"])
async def test_what_is_no_satellite(commands: Commands, entity_id: str) -> None:
    assert (await commands.error("session/subscribe", entity_id=entity_id))["code"] == "not_found"
    assert (await commands.error("session/start", entity_id=entity_id))["code"] == "not_found"


async def test_without_a_session_there_is_nothing_to_act_on(commands: Commands) -> None:
    for command, fields in (("session/interrupt", {}), ("session/send_message", {"text": "Hello"})):
        assert (await commands.error(command, entity_id=SATELLITE, **fields))["code"] == "not_allowed"
    assert await commands.result("session/stop", entity_id=SATELLITE) is None


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("session/start", {"message": "a", "prompt": "b"}),
        ("session/start", {"message": " "}),
        ("session/start", {"agent": "nobody"}),
        ("session/send_message", {}),
        ("session/send_message", {"text": ""}),
        ("session/set_muted", {"muted": "yes"}),
        ("session/subscribe", {"more": 1}),
    ],
)
async def test_what_is_malformed(commands: Commands, command: str, fields: dict[str, Any]) -> None:
    assert (await commands.error(command, entity_id=SATELLITE, **fields))["code"] == "invalid_format"


async def test_a_session_is_started_written_to_interrupted_and_stopped(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, hass_admin_user: MockUser
) -> None:
    brain.plans.append(Plan((Say("A tale that goes on. " * 20, seconds=20.0),)))
    told = await commands.follow(SATELLITE)
    answer = await commands.result("session/start", entity_id=SATELLITE, message="Good morning.", agent=AGENT)
    [session] = hass.config_entries.async_loaded_entries(DOMAIN)[0].runtime_data.sessions
    assert answer == {"session_id": session.session_id}
    assert session.context.user_id == hass_admin_user.id
    await commands.until(answered(told, "Good morning."))
    await commands.until(lambda: state(told).get("status") == "listening")
    await commands.result("session/send_message", entity_id=SATELLITE, text=" Tell me a tale. ")
    await commands.until(lambda: state(told)["assistant_speaking"])
    await asyncio.sleep(0.5)
    assert await commands.result("session/interrupt", entity_id=SATELLITE) is None
    await commands.until(lambda: any(turn["interrupted"] for turn in of_type(told, "turn")))
    await commands.result("session/stop", entity_id=SATELLITE)
    await commands.until(lambda: bool(of_type(told, "ended")))
    turns = {turn["item_id"]: turn for turn in of_type(told, "turn")}
    assert [(turn["role"], turn["final"], turn["interrupted"]) for turn in turns.values()] == [
        ("assistant", True, False),
        ("user", True, False),
        ("assistant", True, True),
    ]
    written = [turn["text"] for turn in turns.values() if turn["role"] == "user"]
    assert written == ["Tell me a tale."]
    states = of_type(told, "state")
    assert states[0]["status"] == "connecting"
    assert {state["session_id"] for state in states} == {answer["session_id"], None}
    assert states[-1] | {"agent": None} == {
        "type": "state",
        "status": "idle",
        "in_session": False,
        "session_id": None,
        "user_speaking": False,
        "assistant_speaking": False,
        "muted": False,
        "online": True,
        "agent": None,
    }

    later = await commands.follow(SATELLITE)
    assert later[0]["type"] == "snapshot"
    assert [turn["role"] for turn in later[0]["turns"]] == ["assistant", "user", "assistant"]
    assert [turn["after"] for turn in later[0]["turns"]] == [None, *[turn["item_id"] for turn in later[0]["turns"]][:2]]
    assert "type" not in later[0]["turns"][0]


async def test_a_start_that_is_impossible_says_why(
    hass: HomeAssistant, simulator: Simulator, commands: Commands
) -> None:
    told = await commands.follow(SATELLITE)
    simulator.behaviour.refusal = "insufficient_quota"
    error = await commands.error("session/start", entity_id=SATELLITE)
    assert (error["code"], error["translation_key"]) == ("home_assistant_error", "quota_exceeded")
    await commands.until(lambda: bool(of_type(told, "ended")))
    [ended] = of_type(told, "ended")
    assert (ended["reason"], ended["error"]) == ("quota_exceeded", error["message"])
    assert of_type(told, "error")[0]["code"] == "quota_exceeded"
    error = await commands.error("session/start", entity_id=SATELLITE, agent="conversation.nobody")
    assert error["translation_key"] == "unknown_target"


async def test_muting_is_told_and_remembered(hass: HomeAssistant, commands: Commands) -> None:
    told = await commands.follow(TABLET)
    await commands.result("session/set_muted", entity_id=TABLET, muted=True)
    await commands.until(lambda: state(told).get("muted") is True)
    assert state_of(hass, entity_of(hass, "switch", TABLET_ID, "mute")).state == "on"
    await commands.result("session/set_muted", entity_id=TABLET, muted=False)
    await commands.until(lambda: state(told).get("muted") is False)
    assert len(told) == 3


async def test_unsubscribing(hass: HomeAssistant, commands: Commands) -> None:
    told = await commands.follow(TABLET)
    await commands.socket.send_json(
        {"id": commands.last_id + 1, "type": "unsubscribe_events", "subscription": commands.last_id}
    )
    commands.last_id += 1
    await commands.until(lambda: commands.last_id in commands.answers)
    await commands.result("session/set_muted", entity_id=TABLET, muted=True)
    await commands.result("satellites")
    assert len(told) == 1


async def test_a_reload_is_survived(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands, page: Page
) -> None:
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET, message="Before.")
    await commands.until(answered(told, "Before."))
    assert await hass.config_entries.async_reload(two_browsers.entry_id)
    await hass.async_block_till_done()
    await commands.until(lambda: state(told).get("online") is False and state(told)["agent"] == AGENT_TOLD)
    assert [state["online"] for state in of_type(told, "state")].count(True) > 0
    snapshot = (await commands.follow(TABLET))[0]
    assert [turn["text"] for turn in snapshot["turns"]] == ["Before."]
    await commands.result("session/set_muted", entity_id=TABLET, muted=True)
    await commands.until(lambda: state(told).get("muted") is True)


async def test_the_agent_is_told(hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands) -> None:
    told = await commands.follow(TABLET)
    assert told[0]["agent"] == AGENT_TOLD
    hass.config_entries.async_remove_subentry(two_browsers, AGENT_ID)
    await commands.until(lambda: state(told).get("agent", 1) is None)


async def test_tools_are_told_without_what_they_were_called_with(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands
) -> None:
    await async_build_house(hass)
    calls = (
        Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]}),
        Call("intent__HassTurnOn", {"name": "Secret moon"}),
        Call("wait_for_user", {}),
    )
    brain.plans.extend((Plan(calls), Plan((Say("Done.", seconds=0.3),))))
    told = await commands.follow(SATELLITE)
    await commands.result("session/start", entity_id=SATELLITE)
    await commands.result("session/send_message", entity_id=SATELLITE, text="Go on.")
    await commands.until(answered(told, "Done."))
    await commands.result("session/stop", entity_id=SATELLITE)
    tools = of_type(told, "tool")
    assert sorted((tool["name"], tool["status"]) for tool in tools) == [
        ("Turn on", "failed"),
        ("Turn on", "ok"),
        ("Turn on", "running"),
        ("Turn on", "running"),
    ]
    assert set(tools[0]) == {"type", "call_id", "name", "status", "message"}
    assert "moon" not in str(tools)
    assert "Kitchen" not in str(tools)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("intent__HassTurnOn", "Turn on"),
        ("GetLiveContext", "Get live context"),
        ("shopping_list__addItem", "Add item"),
        ("watch-TV", "Watch TV"),
        ("play 3 songs", "Play 3 songs"),
        ("Hass", "Hass"),
        ("__", "__"),
    ],
)
def test_a_name_without_a_title_is_put_into_words(name: str, words: str) -> None:
    assert readable(name) == words


async def test_the_pin_is_never_told(
    hass: HomeAssistant, two_browsers: MockConfigEntry, brain: ScriptedBrain, commands: Commands
) -> None:
    agent = two_browsers.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        two_browsers, agent, data={**agent.data, "pin": "4271", "sensitive_permission": "pin"}
    )
    told = await commands.follow(SATELLITE)
    brain.plans.append(Plan((Say("You said 4 2 7 1, or four two seven one, that is 4271 indeed.", seconds=2.0),)))
    await commands.result("session/start", entity_id=SATELLITE)
    await commands.result("session/send_message", entity_id=SATELLITE, text="My PIN is four two seven one, is it?")
    await commands.until(lambda: any(t["final"] and t["role"] == "assistant" for t in of_type(told, "turn")))
    await commands.result("session/stop", entity_id=SATELLITE)
    words = " ".join(turn["text"] for turn in of_type(told, "turn"))
    for piece in ("4271", "427", "4 2", "four two", "four"):
        assert piece not in words
    assert "••••" in words


async def test_words_come_together_while_they_are_spoken(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, commands: Commands
) -> None:
    text = "Word after word after word. " * 20
    brain.add(Turn("Go.", ()))
    told = await commands.follow(SATELLITE)
    await commands.result("session/start", entity_id=SATELLITE, message=text.strip())
    await commands.until(answered(told, text.strip()))
    turns = of_type(told, "turn")
    deltas = [event for event in simulator.server_events if event["type"] == "response.output_audio_transcript.delta"]
    assert len(turns) <= len(deltas)
    texts = [turn["text"] for turn in turns]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    await commands.result("session/stop", entity_id=SATELLITE)
    await async_wait_for_state(hass, SATELLITE, "idle")
