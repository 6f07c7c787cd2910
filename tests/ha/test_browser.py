"""Talking with the agent through a page in a browser, as the card does."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import DOMAIN
from custom_components.rtvoice.engine.errors import SinkError
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Turn

from .browser import PHONE, PHONE_ID, TABLET, TABLET_ID, Commands, Page, state
from .house import (
    LIGHT,
    async_build_house,
    async_wait_for_state,
    entity_of,
    happenings,
    state_of,
)


async def reopen(commands: Commands, web: TestClient, entity_id: str = TABLET, **options: object) -> Page:
    """Open a page."""
    url = (await commands.result("browser/connect", entity_id=entity_id))["url"]
    return await Page.open(web, url, **options)


async def test_a_spoken_command_turns_on_the_light(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, commands: Commands, page: Page
) -> None:
    await async_build_house(hass)
    call = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    brain.add(Turn(Heard("Turn on the kitchen light."), (Plan((call,)), Plan((Say("The light is on.", seconds=0.8),)))))
    told = await commands.follow(TABLET)
    assert (told[0]["type"], told[0]["online"], told[0]["status"]) == ("snapshot", True, "idle")
    started = await commands.result("session/start", entity_id=TABLET)
    assert page.got("microphone", open=True)
    await page.speak(0.6)
    await commands.until(lambda: ended_turn(told, "The light is on."))
    await page.until(lambda: sum(page.played.values()) * 2 == len(page.all_audio) >= 0.8 * 48_000)
    assert any(page.all_audio)
    assert state_of(hass, LIGHT).state == "on"
    await commands.until(lambda: state(told).get("status") == "listening")
    assert await commands.result("session/stop", entity_id=TABLET) is None
    await page.until(lambda: page.got("microphone", open=False))
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    [ended] = [one for one in told if one["type"] == "ended"]
    assert ended == {"type": "ended", "session_id": started["session_id"], "reason": "stopped", "error": None}
    tools = [(one["name"], one["status"], one["message"]) for one in told if one["type"] == "tool"]
    assert tools == [("Turn on", "running", None), ("Turn on", "ok", None)]
    assert "Kitchen light" not in str([one for one in told if one["type"] == "tool"])
    finals = [(one["role"], one["text"], one["interrupted"]) for one in told if one["type"] == "turn" and one["final"]]
    assert finals == [
        ("user", "Turn on the kitchen light.", False),
        ("assistant", "The light is on.", False),
    ]


def ended_turn(told: list[dict[str, object]], text: str) -> bool:
    """Whether such a turn was told to its end."""
    return any(one["type"] == "turn" and one["final"] and one["text"] == text for one in told)


async def test_speaking_over_the_agent_silences_the_page_at_once(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, commands: Commands, web: TestClient
) -> None:
    page = await reopen(commands, web, speed=1.0)
    brain.add(Turn(Heard("Tell me a story."), (Plan((Say("Once upon a time. " * 20, seconds=20.0),)),)))
    brain.add(Turn(Heard("Stop."), (Plan((Say("All right.", seconds=0.4),)),)))
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET)
    await page.speak(0.6)
    await page.until(lambda: page.played.get(page.epoch, 0) > 12_000)
    epoch = page.epoch
    # No more than two seconds are ever ahead of what was played.
    assert len(page.audio[epoch]) // 2 - page.played[epoch] <= 2 * 24_000
    await page.speak(0.5, silence_s=0.0)
    started = await simulator.wait_for_sent("input_audio_buffer.speech_started", count=2)
    await page.until(lambda: page.epoch > epoch)
    # On a machine that does nothing else it is some milliseconds.
    assert page.times["clear"] - started.at_s < 0.5
    await page.speak(0.1)
    await commands.until(lambda: any(one.get("interrupted") for one in told))
    [cut] = [one for one in told if one.get("interrupted")]
    assert (cut["role"], cut["final"]) == ("assistant", True)
    assert 0 < len(cut["text"]) < 360
    truncated = await simulator.wait_for("conversation.item.truncate")
    assert truncated["audio_end_ms"] <= page.played[epoch] / 24
    await commands.until(lambda: ended_turn(told, "All right."))
    await commands.result("session/stop", entity_id=TABLET)
    await page.leave()


async def test_two_browsers_never_mix(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, web: TestClient
) -> None:
    tablet, phone = await reopen(commands, web), await reopen(commands, web, PHONE)
    told, told_of_phone = await commands.follow(TABLET), await commands.follow(PHONE)
    await commands.result("session/start", entity_id=TABLET, message="This is the tablet, and it has a lot to say.")
    await commands.result("session/start", entity_id=PHONE, message="Phone.")
    await commands.until(lambda: ended_turn(told, "This is the tablet, and it has a lot to say."))
    await commands.until(lambda: ended_turn(told_of_phone, "Phone."))
    for page, entity_id in ((tablet, TABLET), (phone, PHONE)):
        await page.until(lambda page=page: 0 < len(page.all_audio) == 2 * sum(page.played.values()))
        await commands.result("session/stop", entity_id=entity_id)
    assert len(tablet.all_audio) > 2 * len(phone.all_audio)
    assert "Phone." not in str(told)
    assert "tablet" not in str(told_of_phone)
    await tablet.leave()
    await phone.leave()


async def test_without_a_page_nothing_can_be_said(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands, web: TestClient
) -> None:
    session_switch = entity_of(hass, "switch", TABLET_ID, "session")
    status = entity_of(hass, "sensor", TABLET_ID, "status")
    shown = (state_of(hass, TABLET).state, state_of(hass, session_switch).state, state_of(hass, status).state)
    assert shown == ("unavailable", "unavailable", "idle")
    for action, fields in (("start", {}), ("ask", {"question": "Anybody?"})):
        with pytest.raises(ServiceValidationError) as refusal:
            await hass.services.async_call(
                DOMAIN,
                action,
                {"entity_id": TABLET, **fields},
                blocking=True,
                return_response=action == "ask",
            )
        assert refusal.value.translation_key == "page_not_open"
    error = await commands.error("session/start", entity_id=TABLET)
    assert (error["code"], error["translation_key"]) == ("home_assistant_error", "page_not_open")
    assert error["message"] == "The page of Tablet is not open. Open a dashboard with its card there"

    page = await reopen(commands, web)
    await hass.async_block_till_done()
    assert (state_of(hass, TABLET).state, state_of(hass, session_switch).state) == ("idle", "off")
    await page.leave()
    await async_wait_for_state(hass, TABLET, "unavailable")
    await async_wait_for_state(hass, session_switch, "unavailable")


async def test_an_agents_own_satellite_is_one_whose_page_is_open(
    hass: HomeAssistant, two_browsers: MockConfigEntry, page: Page
) -> None:
    runtime = two_browsers.runtime_data
    [agent] = runtime.agents.values()
    assert runtime.satellite_of(agent).title == "Local satellite"
    hass.config_entries.async_update_subentry(
        two_browsers, two_browsers.subentries["satellite_one"], data={"kind": "local", "agent": "agent_one"}
    )
    del runtime.satellites["satellite_one"]
    assert runtime.satellite_of(agent).title == "Tablet"


async def test_a_page_that_loads_again_goes_on(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, web: TestClient
) -> None:
    page = await reopen(commands, web, speed=1.0)
    brain.add(Turn(Heard("Tell me."), (Plan((Say("A tale of some length. " * 4, seconds=4.0),)),)))
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET)
    await page.speak(0.6)
    await page.until(lambda: page.played.get(page.epoch, 0) > 12_000)
    await page.vanish()
    heard_before = sum(page.played.values())
    await commands.until(lambda: state(told).get("online") is False)
    assert state_of(hass, TABLET).state == "responding"
    again = await reopen(commands, web)
    await commands.until(lambda: state(told)["online"])
    assert again.got("microphone", open=True)
    assert again.epoch > page.epoch
    await again.until(lambda: heard_before + sum(again.played.values()) == 4 * 24_000)
    await commands.until(lambda: state(told).get("status") == "listening")
    await commands.result("session/stop", entity_id=TABLET)
    assert not any(one["type"] == "error" for one in told)
    await again.leave()


async def test_a_page_that_stays_away_ends_the_session(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, web: TestClient
) -> None:
    page = await reopen(commands, web, speed=1.0)
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET, message="A long story. " * 40)
    await page.until(lambda: page.played.get(page.epoch, 0) > 12_000)
    page.freeze()
    loop = asyncio.get_running_loop()
    gone_s = loop.time()
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    assert loop.time() - gone_s < 10.0
    [ended] = [one for one in told if one["type"] == "ended"]
    assert (ended["reason"], ended["error"]) == ("device_failed", "The page was closed")
    assert [one["code"] for one in told if one["type"] == "error"] == ["page_gone"]
    assert state_of(hass, TABLET).state == "unavailable"
    await page.leave()


async def test_a_closed_page_ends_the_session_within_ten_seconds(
    hass: HomeAssistant, commands: Commands, page: Page
) -> None:
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET)
    await page.leave()
    loop = asyncio.get_running_loop()
    gone_s = loop.time()
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    assert 5.0 < loop.time() - gone_s < 10.0


async def test_another_page_takes_over(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, web: TestClient, page: Page
) -> None:
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET, message="I am here and will go on for a while.")
    other = await reopen(commands, web)
    assert await page.until_closed() == 4001
    assert page.messages[-1] == {"type": "replaced"}
    assert other.got("microphone", open=True)
    await commands.until(lambda: state(told).get("status") == "listening")
    assert not any(one.get("online") is False for one in told)
    brain.add(Turn(Heard("Still there?"), (Plan((Say("Yes.", seconds=0.3),)),)))
    await other.speak(0.6)
    await commands.until(lambda: ended_turn(told, "Yes."))
    await commands.result("session/stop", entity_id=TABLET)
    await other.leave()


async def test_a_page_of_another_rate_cannot_go_on_with_a_session(
    hass: HomeAssistant, commands: Commands, web: TestClient, page: Page
) -> None:
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET)
    other = await reopen(commands, web, rate_hz=48_000)
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    assert [one["code"] for one in told if one["type"] == "error"] == ["page_changed"]
    # The next one is at that rate.
    await commands.result("session/start", entity_id=TABLET, message="Now I speak up.")
    await other.until(lambda: 0 < len(other.all_audio) == 2 * sum(other.played.values()))
    await commands.result("session/stop", entity_id=TABLET)
    await other.leave()


@pytest.mark.parametrize("reason", ["denied", "missing", "insecure", "lost", "silent"])
async def test_a_page_without_a_microphone_says_why(
    hass: HomeAssistant, commands: Commands, page: Page, reason: str
) -> None:
    told = await commands.follow(TABLET)
    await page.say("microphone_failed", reason=reason)
    await commands.result("session/start", entity_id=TABLET)
    await page.say("microphone_failed", reason=reason)
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    [error] = [one for one in told if one["type"] == "error"]
    assert error["code"] == f"microphone_{reason}"
    assert "browser" in error["message"]
    [ended] = [one for one in told if one["type"] == "ended"]
    assert (ended["reason"], ended["error"]) == ("device_failed", error["message"])


async def test_a_microphone_that_is_refused_before_the_agent_is_there(
    hass: HomeAssistant, simulator: Simulator, commands: Commands, page: Page
) -> None:
    simulator.behaviour.settle_s = 1.0
    starting = asyncio.create_task(commands.error("session/start", entity_id=TABLET))
    await page.until(lambda: page.got("microphone", open=True))
    await page.say("microphone_failed", reason="denied")
    error = await starting
    assert (error["code"], error["translation_key"]) == ("home_assistant_error", "microphone_denied")
    assert "Allow it" in error["message"]


async def test_a_page_that_plays_nothing_ends_the_session(
    hass: HomeAssistant, commands: Commands, web: TestClient
) -> None:
    page = await reopen(commands, web)
    page.reports = False
    told = await commands.follow(TABLET)
    await commands.result("session/start", entity_id=TABLET, message="Nobody hears me. " * 10)
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    assert len(page.all_audio) <= 2 * 48_000
    [ended] = [one for one in told if one["type"] == "ended"]
    assert (ended["reason"], ended["error"]) == ("device_failed", "The speaker stopped playing")
    await page.leave()


async def test_an_announcement_is_no_session(hass: HomeAssistant, commands: Commands, page: Page) -> None:
    told = await commands.follow(TABLET)
    activity = happenings(hass, entity_of(hass, "event", TABLET_ID, "activity"))
    await hass.services.async_call(
        "assist_satellite",
        "announce",
        {"entity_id": TABLET, "message": "The washing is done."},
        blocking=True,
    )
    assert not page.got("microphone")
    # The chime and the message.
    assert len(page.all_audio) == 2 * sum(page.played.values()) > 48_000
    assert ended_turn(told, "The washing is done.")
    assert {one["session_id"] for one in told if one["type"] == "state"} == {None}
    assert not any(one["type"] == "ended" for one in told)
    assert activity


async def test_a_conversation_moves_from_the_tablet_to_the_phone(
    hass: HomeAssistant, brain: ScriptedBrain, commands: Commands, web: TestClient, page: Page
) -> None:
    phone = await reopen(commands, web, PHONE)
    brain.add(Turn(Heard("Hello."), (Plan((Say("Hello to you.", seconds=0.3),)),)))
    told, told_of_phone = await commands.follow(TABLET), await commands.follow(PHONE)
    await commands.result("session/start", entity_id=TABLET)
    await page.speak(0.6)
    await commands.until(lambda: ended_turn(told, "Hello to you.") and state(told).get("status") == "listening")
    await hass.services.async_call(DOMAIN, "move", {"entity_id": TABLET, "satellite": PHONE}, blocking=True)
    await commands.until(lambda: any(one["type"] == "ended" for one in told))
    assert [one["reason"] for one in told if one["type"] == "ended"] == ["moved"]
    await commands.until(lambda: state(told_of_phone).get("status") == "listening")
    said = [(one["role"], one["text"]) for one in told_of_phone if one["type"] == "turn"]
    assert said == [("user", "Hello."), ("assistant", "Hello to you.")]
    assert page.got("microphone", open=False)
    assert phone.got("microphone", open=True)
    runtime = hass.config_entries.async_loaded_entries(DOMAIN)[0].runtime_data
    assert [session.satellite.subentry_id for session in runtime.sessions] == [PHONE_ID]
    await commands.result("session/stop", entity_id=PHONE)
    await phone.leave()


async def test_media_that_speaks_first_gives_way_to_a_session(
    hass: HomeAssistant, commands: Commands, page: Page
) -> None:
    place = hass.config_entries.async_loaded_entries(DOMAIN)[0].runtime_data.satellites[TABLET_ID].place
    sound = await place.async_output()
    await sound.start()
    await commands.result("session/start", entity_id=TABLET)
    with pytest.raises(SinkError, match="Something else speaks"):
        await sound.play_chunk(bytes(480))
    await sound.stop()
    await commands.result("session/stop", entity_id=TABLET)
