"""Satellites that vanish in the middle of an answer, and readers that are slow, where the tests of a kind have none.

Wyoming satellites and browsers have theirs in tests of their own.
"""

import asyncio
from typing import Any

import pytest
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.assist import speaker as speaker_module
from custom_components.rtvoice.bridge.assist import turn as turn_module
from custom_components.rtvoice.bridge.assist.caller import Caller, Wish
from custom_components.rtvoice.bridge.assist.speaker import SAMPLE_RATE_HZ, PipelineSpeaker, Voice
from custom_components.rtvoice.bridge.assist.turn import Turn as PipelineTurn
from custom_components.rtvoice.bridge.player import stream as stream_module
from custom_components.rtvoice.const import CONF_INPUT, CONF_OUTPUT, DOMAIN
from custom_components.rtvoice.engine.events import AssistantStartedRespondingEvent, AssistantTranscriptDeltaEvent
from simulator import Plan, Say, ScriptedBrain, Simulator, Turn

from .conftest import SATELLITE_ID, SoundLibrary
from .house import SATELLITE, async_wait_until, entity_of, happenings, loaded, state_of
from .pipelines import Satellite
from .player_rig import RigPlayer
from .test_assist import no_ffmpeg, satellite, until  # noqa: F401  # fixtures
from .test_media_player import make_house, samples_of  # noqa: F401  # a fixture
from .wake_rig import Usb, set_satellite

WITHIN_S = 10.0
STORY = Plan((Say("A very long story.", seconds=60.0),))


@pytest.mark.parametrize("end", [CONF_INPUT, CONF_OUTPUT])
async def test_a_sound_card_that_is_unplugged_in_the_middle_of_an_answer_ends_the_session(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    sound_card: None,
    sound_library: SoundLibrary,
    mock_entry: MockConfigEntry,
    end: str,
) -> None:
    usb = Usb(sound_library)
    devices = {CONF_INPUT: "Desk microphone", CONF_OUTPUT: "Desk speaker"}
    set_satellite(hass, mock_entry, SATELLITE_ID, **{end: devices[end]})
    brain.plans.append(STORY)
    async with loaded(hass, mock_entry):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        start = {"entity_id": SATELLITE, "prompt": "Tell a story."}
        await hass.services.async_call(DOMAIN, "start", start, blocking=True)
        await async_wait_until(hass, lambda: state_of(hass, SATELLITE).state == "responding")
        assert usb.open_streams == 1
        usb.plugged = False
        async with asyncio.timeout(WITHIN_S):
            await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert happened[-1]["reason"] == "device_failed"
        assert usb.open_streams == 0


async def test_a_player_that_stops_reading_in_the_middle_of_an_answer_ends_the_session(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    make_house: Any,  # noqa: F811  # the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A quarter of the real times, in which the session has 10 s since the player's own buffers are full.
    monkeypatch.setattr(stream_module, "STALLED_AFTER_S", stream_module.STALLED_AFTER_S / 4)
    taken: list[float] = []
    take = stream_module.SpeechStream.take

    async def frozen(stream: stream_module.SpeechStream) -> bytes:
        if len(taken) > 20:
            # The network takes no more.
            await asyncio.Event().wait()
        taken.append(hass.loop.time())
        return await take(stream)

    monkeypatch.setattr(stream_module.SpeechStream, "take", frozen)
    player = RigPlayer()
    async with make_house(player):
        happened = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        brain.plans.append(STORY)
        start = {"entity_id": SATELLITE, "prompt": "Tell a story."}
        await hass.services.async_call(DOMAIN, "start", start, blocking=True)
        await async_wait_until(hass, lambda: happened[-1]["event_type"] == "session_ended")
        assert hass.loop.time() - taken[-1] < WITHIN_S / 4 + 1.0
        assert happened[-1]["reason"] == "device_failed"


async def test_an_assist_satellite_that_vanishes_in_the_middle_of_an_answer_ends_the_session(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    satellite: Satellite,  # noqa: F811  # the fixture
) -> None:
    box = "assist_satellite.hall_box"
    hass.states.async_set(box, "responding")
    satellite.satellite_id = box
    brain.add(Turn("Tell me a story.", (STORY,)))
    running = asyncio.create_task(satellite.ask())
    await until(lambda: len(satellite.heard) > 48_000)
    register = setup_integration.runtime_data.register
    hass.states.async_set(box, "responding", {"volume": 3})
    await hass.async_block_till_done()
    assert len(list(register)) == 1, "it is still there"
    hass.states.async_set(box, STATE_UNAVAILABLE)
    async with asyncio.timeout(WITHIN_S):
        while list(register):
            await asyncio.sleep(0.01)
        await simulator.connections[0].closed.wait()
    running.cancel()
    await asyncio.wait((running,))


async def test_an_assist_satellite_that_is_removed_takes_its_session_along(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    satellite: Satellite,  # noqa: F811  # the fixture
) -> None:
    box = "assist_satellite.hall_box"
    hass.states.async_set(box, "responding")
    satellite.satellite_id = box
    brain.add(Turn("Hello.", (Plan((Say("Hello.", seconds=0.2),)),)))
    await satellite.run()
    register = setup_integration.runtime_data.register
    assert len(list(register)) == 1, "the conversation may go on"
    hass.states.async_remove(box)
    async with asyncio.timeout(WITHIN_S):
        while list(register):
            await asyncio.sleep(0.01)


async def test_a_voice_that_nobody_fetches_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_module, "MAX_HELD_S", 2)
    now_s = 0.0
    speaker = PipelineSpeaker(lambda: now_s)
    voice = Voice(lambda: None)
    speaker.begin(voice, late=False)
    for _ in range(1000):
        await speaker.play_chunk(bytes(960))
    voice.end()
    held = b"".join([chunk async for chunk in voice.chunks()])
    assert 2 * SAMPLE_RATE_HZ * 2 <= len(held) <= 2 * SAMPLE_RATE_HZ * 2 + 960


async def test_words_that_nobody_reads_are_bounded(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_module, "MAX_DELTAS", 50)
    turn = PipelineTurn(hass, Caller(Context(), None, None), Wish())
    turn.utterance._awaited = turn.utterance._committed = True
    turn.voice.put(bytes(960))
    turn.receive(AssistantStartedRespondingEvent())
    for _ in range(500):
        turn.receive(AssistantTranscriptDeltaEvent(delta="word ", item_id="one"))
    assert turn._deltas.qsize() <= 50
    turn.finish()
    assert len([delta async for delta in turn.deltas()]) <= 50
