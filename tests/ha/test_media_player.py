"""A satellite that speaks through a media player, which fetches what is said over HTTP in real time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from homeassistant.components.assist_satellite.const import PREANNOUNCE_URL
from homeassistant.components.media_player.const import MediaPlayerEntityFeature as Can
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice.bridge.player import output as output_module
from custom_components.rtvoice.bridge.player import stream as stream_module
from custom_components.rtvoice.bridge.player.stream import SpeechStream
from custom_components.rtvoice.bridge.player.view import RATE_HZ, wav_header
from custom_components.rtvoice.const import CONF_ECHO, CONF_SPEAKER, DOMAIN, ECHO_CANCEL
from custom_components.rtvoice.engine.errors import SinkError
from simulator import Call, Plan, Say, ScriptedBrain

from .conftest import SATELLITE_ID
from .house import (
    SATELLITE,
    add_satellite,
    async_build_house,
    async_wait_for_state,
    async_wait_until,
    entity_of,
    happenings,
    loaded,
    state_of,
    states_seen,
)
from .player_rig import RADIO, REPLACES, RigPlayer, async_add_players, async_serve

SHELF = "media_player.shelf"


def speak_through(hass: HomeAssistant, entry: MockConfigEntry, player: str = SHELF, **options: str) -> None:
    """Let the satellite of `entry` speak through a player."""
    satellite = entry.subentries[SATELLITE_ID]
    hass.config_entries.async_update_subentry(
        entry, satellite, data={**satellite.data, CONF_SPEAKER: player, **options}
    )


@pytest.fixture
def make_house(hass: HomeAssistant, mock_entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Any:
    """A house whose satellite speaks through the first of these players."""

    @asynccontextmanager
    async def house(*players: RigPlayer, **options: str) -> AsyncIterator[str]:
        await async_add_players(hass, *players)
        speak_through(hass, mock_entry, **options)
        async with loaded(hass, mock_entry):
            yield await async_serve(hass, hass_client_no_auth)

    return house


async def call(hass: HomeAssistant, action: str, **fields: object) -> None:
    await hass.services.async_call(DOMAIN, action, {"entity_id": SATELLITE, **fields}, blocking=True)


def samples_of(seconds: float) -> int:
    return round(seconds * RATE_HZ)


async def test_the_answer_is_announced_while_it_is_being_made(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any
) -> None:
    player = RigPlayer()
    async with make_house(player):
        speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
        seen = states_seen(hass, speaking)
        player.put_on_music()
        brain.plans.append(Plan((Say("A rather long story.", seconds=4.0),)))
        await call(hass, "start", prompt="Tell a story.")
        await player.until_fetched(samples_of(0.5))
        assert len(player.heard) < 2 * samples_of(3.5), "it plays before all is said"
        await async_wait_until(hass, lambda: seen[speaking] == ["on", "off"])
        assert len(player.heard) == pytest.approx(2 * samples_of(4.0), rel=0.02), "all of it, in the model's own voice"
        assert any(player.heard)
        assert bytes(player.fetched[0][:44]) == wav_header(RATE_HZ)
        assert player.statuses == [200]
        assert [(media["id"], media["announce"]) for media in player.did("play")] == [(player.urls[0], True)]
        assert not player.did("volume"), "the player sees to its music itself"
        await call(hass, "say", text="The end.")
        await async_wait_until(hass, lambda: seen[speaking] == ["on", "off", "on", "off"])
        assert len(set(player.urls)) == 2, "each answer has an address of its own"
        await call(hass, "stop")
        assert not player.did("stop"), "what was heard to its end need not be stopped"


async def test_music_becomes_quiet_makes_room_and_comes_back(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer(features=REPLACES)
    async with make_house(player):
        player.put_on_music()
        await call(hass, "start")
        assert player.did("volume") == [pytest.approx(0.15)], "who speaks here is heard"
        await call(hass, "say", text="Hello.")
        await player.until_fetched(samples_of(0.1))
        assert player.volume_level == 0.5
        assert player.volumes_when_told == [0.5], "the agent is as loud as the player is set"
        await call(hass, "stop")
        assert (player.did("play")[-1]["id"], player.did("play")[-1]["type"]) == (RADIO, "music")
        assert player.did("seek") == [42.0]
        assert player.volume_level == 0.5


async def test_music_that_nobody_spoke_over_only_gets_its_volume_back(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer(features=REPLACES)
    async with make_house(player):
        player.put_on_music()
        await call(hass, "start")
        await call(hass, "stop")
        assert player.did("volume") == [pytest.approx(0.15), 0.5]
        assert not player.did("play")


async def test_what_somebody_has_changed_meanwhile_stays(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer(features=REPLACES)
    async with make_house(player):
        speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
        seen = states_seen(hass, speaking)
        player.put_on_music(position_s=None)
        await call(hass, "start")
        await player.async_set_volume_level(0.9)
        await call(hass, "say", text="Hello.")
        await player.until_fetched(samples_of(0.1))
        assert player.volume_level == 0.9
        await async_wait_until(hass, lambda: seen[speaking] == ["on", "off"])
        await player.async_play_media("music", "http://radio.invalid/other")
        await call(hass, "stop")
        assert player.did("play")[-1]["id"] == "http://radio.invalid/other"
        assert player.volume_level == 0.9


@pytest.mark.parametrize(("features", "told"), [(REPLACES, "stop"), (Can.PLAY_MEDIA | Can.PAUSE, "pause")])
async def test_an_interruption_stops_the_player_and_what_was_heard_is_known(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any, features: Can, told: str
) -> None:
    player = RigPlayer(features=features)
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        brain.plans.append(Plan((Say("A very long story.", seconds=30.0),)))
        await call(hass, "start", prompt="Tell a story.")
        await player.until_fetched(samples_of(3.0))
        await call(hass, "interrupt")
        await player.until_done(told)
        fetched = len(player.heard)
        await asyncio.sleep(0.3)
        assert len(player.heard) == fetched < 2 * samples_of(6.0)
        turn = next(one for one in happened if one["event_type"] == "interrupted")
        assert 0 < int(str(turn["played_ms"])) < 3500
        await call(hass, "say", text="Good.")
        await player.until_fetched(fetched // 2 + samples_of(0.2))
        await call(hass, "stop")


async def test_music_below_an_announcement_is_not_stopped(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any
) -> None:
    player = RigPlayer()
    async with make_house(player):
        player.put_on_music()
        brain.plans.append(Plan((Say("A very long story.", seconds=30.0),)))
        await call(hass, "start", prompt="Tell a story.")
        await player.until_fetched(samples_of(1.0))
        await call(hass, "stop")
        assert not player.did("stop")
        assert len(player.heard) < 2 * samples_of(6.0), "the speech ends with its address"


async def test_a_player_that_never_fetches_ends_the_session_in_words(
    hass: HomeAssistant, make_house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_module, "FETCH_WITHIN_S", 1.5)
    player = RigPlayer(features=REPLACES)
    player.fetches = False
    async with make_house(player) as address:
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        player.put_on_music()
        await call(hass, "start", message="Hello.")
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert happened[-1]["reason"] == "device_failed"
        said = [str(one["message"]) for one in happened if one["event_type"] == "error"]
        assert said == ["Shelf did not fetch what it should play. Can it reach Home Assistant?"]
        assert player.did("volume")[-1] == 0.5
        assert player.did("play")[-1]["id"] == RADIO
        async with aiohttp.ClientSession() as session, session.get(player.urls[0]) as response:
            assert (response.status, player.urls[0].startswith(address)) == (404, True), "too late"


async def test_a_player_that_refuses_ends_the_session_in_words(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer()
    player.refuses = True
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        await call(hass, "start", message="Hello.")
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert "Shelf refuses: I am being updated" in [one.get("message") for one in happened]


async def test_speech_is_fetched_once_by_who_knows_where(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any
) -> None:
    player = RigPlayer()
    player.fetches = False
    async with make_house(player) as address, aiohttp.ClientSession() as anybody:

        async def status_of(url: str, method: str = "GET") -> int:
            async with anybody.request(method, url) as response:
                return response.status

        brain.plans.append(Plan((Say("A secret.", seconds=3.0),)))
        await call(hass, "start", prompt="Tell a secret.")
        await player.until_done("play")
        url = player.urls[0]
        assert len(url.rpartition("/")[2]) > 40
        assert await status_of(f"{address}/api/rtvoice/speech/guess.wav") == 404
        assert await status_of(f"{address}/api/rtvoice/speech/guess.wav", "HEAD") == 404
        assert await status_of(url, "HEAD") == 200, "some players ask before"
        async with anybody.get(url) as first:
            assert (first.status, first.headers["Content-Type"]) == (200, "audio/wav")
            assert await status_of(url) == await status_of(url, "HEAD") == 404
            await call(hass, "stop")
            async with asyncio.timeout(5):
                await first.read()


@pytest.mark.parametrize("how", ["unavailable", "removed"])
async def test_a_player_that_goes_while_it_speaks_ends_the_session(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any, how: str
) -> None:
    player = RigPlayer()
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        brain.plans.append(Plan((Say("A very long story.", seconds=30.0),)))
        await call(hass, "start", prompt="Tell a story.")
        await player.until_fetched(samples_of(1.0))
        if how == "removed":
            await player.async_remove()
        else:
            player.go(away=True)
        async with asyncio.timeout(3):
            await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert happened[-1]["reason"] == "device_failed"
        with pytest.raises(ServiceValidationError) as refusal:
            await call(hass, "start")
        assert refusal.value.translation_key == "speaker_away"
        assert state_of(hass, SATELLITE).state == "unavailable"


async def test_a_satellite_is_away_while_its_player_is(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer()
    async with make_house(player):
        player.go(away=True)
        await async_wait_for_state(hass, SATELLITE, "unavailable")
        player.go(away=False)
        await async_wait_for_state(hass, SATELLITE, "idle")


async def test_a_player_that_goes_in_a_pause_is_noticed_when_it_should_speak(
    hass: HomeAssistant, make_house: Any
) -> None:
    player = RigPlayer()
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        await call(hass, "start")
        player.go(away=True)
        await call(hass, "say", text="Hello.")
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert "The media player Shelf is not available" in [one.get("message") for one in happened]


async def test_a_player_that_is_switched_off_by_hand_ends_the_session(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any
) -> None:
    player = RigPlayer()
    player.leaves_after_bytes = 100_000
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        brain.plans.append(Plan((Say("A very long story.", seconds=30.0),)))
        await call(hass, "start", prompt="Tell a story.")
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert "The media player stopped playing" in [one.get("message") for one in happened]


async def test_home_assistant_needs_an_address_that_players_reach(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer()
    async with make_house(player):
        hass.config.internal_url = None
        hass.config.api = None
        with pytest.raises(ServiceValidationError) as refusal:
            await call(hass, "start")
        assert refusal.value.translation_key == "no_address"


async def test_the_address_goes_while_a_session_runs(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer()
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        await call(hass, "start")
        hass.config.internal_url = None
        hass.config.api = None
        await call(hass, "say", text="Hello.")
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert any("knows no address of its own" in str(one.get("message")) for one in happened)


async def test_sounds_and_announcements_go_through_the_player_too(hass: HomeAssistant, make_house: Any) -> None:
    player = RigPlayer()
    async with make_house(player):
        announcement = {"entity_id": SATELLITE, "media_id": PREANNOUNCE_URL, "preannounce": False}
        await hass.services.async_call("assist_satellite", "announce", announcement, blocking=True)
        assert any(player.heard)
        assert not player.did("stop"), "it is heard to its end"
        spoken = {"entity_id": SATELLITE, "message": "Dinner.", "preannounce": False}
        await hass.services.async_call("assist_satellite", "announce", spoken, blocking=True)
        assert len(player.urls) == 2


async def test_two_satellites_speak_through_their_own_players_and_not_through_one(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    make_house: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_module, "LEASE_WITHIN_S", 0.1)
    shelf, desk = RigPlayer(), RigPlayer("Desk")
    for name, player in (("desk", "media_player.desk"), ("same", SHELF)):
        data = {**mock_entry.subentries[SATELLITE_ID].data, CONF_SPEAKER: player}
        add_satellite(hass, mock_entry, name, data)
    async with make_house(shelf, desk):
        await call(hass, "start")
        await call(hass, "start", entity_id="assist_satellite.desk")
        with pytest.raises(HomeAssistantError, match="Another session speaks through Shelf"):
            await call(hass, "start", entity_id="assist_satellite.same")
        await asyncio.gather(
            call(hass, "say", text="One."),
            call(hass, "say", entity_id="assist_satellite.desk", text="Two, three, four."),
        )
        await shelf.until_fetched(samples_of(0.2))
        await desk.until_fetched(samples_of(0.2))
        assert not set(shelf.urls) & set(desk.urls)
        await call(hass, "stop")
        await call(hass, "start", entity_id="assist_satellite.same")
        await call(hass, "stop", entity_id="assist_satellite.same")
        await call(hass, "stop", entity_id="assist_satellite.desk")


@pytest.mark.parametrize(("options", "echo"), [({}, "half_duplex"), ({CONF_ECHO: ECHO_CANCEL}, "cancel")])
async def test_the_microphone_is_paused_unless_told(
    hass: HomeAssistant, mock_entry: MockConfigEntry, make_house: Any, options: dict[str, str], echo: str
) -> None:
    async with make_house(RigPlayer(), **options):
        assert mock_entry.runtime_data.satellites[SATELLITE_ID].place.echo_in_use == echo


async def test_a_player_that_does_not_obey_is_left_as_it_is(
    hass: HomeAssistant, make_house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    player = RigPlayer(features=REPLACES)

    async def refuse(volume: float) -> None:
        raise HomeAssistantError("The knob is stuck")

    player.async_set_volume_level = refuse  # type: ignore[method-assign] # this one device is broken
    async with make_house(player):
        player.put_on_music()
        await call(hass, "start")
        await call(hass, "stop")
    assert "The knob is stuck" in caplog.text


async def test_what_is_said_after_a_tool_waits_until_what_was_said_before_is_heard(
    hass: HomeAssistant, brain: ScriptedBrain, make_house: Any
) -> None:
    await async_build_house(hass)
    player = RigPlayer()
    async with make_house(player):
        call_of_tool = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
        # Late enough that the player was given all that was said before, and early enough that it is still heard.
        done = Plan((Say("Done.", seconds=0.3),), delay_s=0.4)
        brain.plans.extend((Plan((Say("I see to it.", seconds=1.5), call_of_tool)), done))
        await call(hass, "start", prompt="Turn on the light.")
        await player.until_done("play")
        began_s = hass.loop.time()
        await player.until_done("play", 2)
        assert hass.loop.time() - began_s > 1.5
        await player.until_fetched(samples_of(1.75))
        assert len(player.fetched[0]) == pytest.approx(2 * samples_of(1.5), rel=0.02)
        await call(hass, "stop")


async def test_a_slow_reader_holds_up_who_speaks_and_an_absent_one_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "STALLED_AFTER_S", 0.1)
    stream = SpeechStream(960)
    stream.begin()
    for _ in range(2):
        stream.put(bytes(480))
        await stream.room()
    stream.put(bytes(480))
    waiting = asyncio.create_task(stream.room())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert stream.alive
    assert len(await stream.take()) == 1440
    await waiting
    stream.put(bytes(1440))
    with pytest.raises(SinkError, match="does not take"):
        await stream.room()
    assert not stream.alive
    stream.drop()
    assert (stream.unread_samples, await stream.take()) == (0, b"")


async def test_who_waits_for_room_hears_of_a_reader_that_goes() -> None:
    stream = SpeechStream(0)
    stream.put(b"ab")
    waiting = asyncio.create_task(stream.room())
    await asyncio.sleep(0)
    stream.leave()
    with pytest.raises(SinkError, match="stopped playing"):
        await waiting
