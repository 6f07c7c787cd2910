"""A Wyoming satellite spoken to directly: wake word, microphone, speaker and lights over one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from homeassistant.const import CONF_HOST, CONF_PORT, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.ping import Ping

from custom_components.rtvoice.bridge.wyoming import link as link_module
from custom_components.rtvoice.bridge.wyoming.audio import PIECE_BYTES
from custom_components.rtvoice.bridge.wyoming.devices import WyomingInput, WyomingOutput
from custom_components.rtvoice.bridge.wyoming.link import WyomingLink
from custom_components.rtvoice.const import CONF_KIND, DOMAIN, KIND_WYOMING
from custom_components.rtvoice.engine.errors import SinkError
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Turn, tone

from .conftest import AGENT_ID
from .house import (
    LIGHT,
    add_satellite,
    async_build_house,
    async_wait_for_state,
    async_wait_until,
    entity_of,
    loaded,
    state_of,
)
from .wyoming_rig import RATE_HZ, RigSatellite

HALL_ID, KITCHEN_ID = "hall", "kitchen"


def speech(seconds: float = 0.6) -> bytes:
    """Somebody speaks at 16 kHz, and is silent then."""
    return tone(seconds * RATE_HZ / 24_000) + bytes(2 * RATE_HZ)


def add_wyoming(hass: HomeAssistant, entry: MockConfigEntry, rig: RigSatellite, subentry_id: str = HALL_ID) -> None:
    data = {CONF_KIND: KIND_WYOMING, CONF_HOST: "127.0.0.1", CONF_PORT: rig.port}
    add_satellite(hass, entry, subentry_id, data)


def hall(hass: HomeAssistant, subentry_id: str = HALL_ID) -> str:
    entity_id = er.async_get(hass).async_get_entity_id("assist_satellite", DOMAIN, subentry_id)
    assert entity_id is not None
    return entity_id


async def async_ready(hass: HomeAssistant, subentry_id: str = HALL_ID) -> None:
    await async_wait_for_state(hass, hall(hass, subentry_id), "idle")


async def test_the_wake_word_begins_a_conversation_that_turns_on_a_light(
    hass: HomeAssistant, brain: ScriptedBrain, mock_entry: MockConfigEntry
) -> None:
    await async_build_house(hass)
    call = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    brain.add(Turn(Heard("Turn on the kitchen light."), (Plan((call,)), Plan((Say("It is on.", seconds=0.4),)))))
    async with RigSatellite().serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            await rig.wake()
            # In one breath with the wake word, while the provider is still being connected.
            await rig.hear(speech())
            await async_wait_for_state(hass, LIGHT, "on")
            await rig.until("audio-stop")
            assert next(event.type for event in rig.received if event.type.startswith("audio")) == "audio-start"
            assert len(rig.played) == pytest.approx(0.4 * 22_050 * 2, rel=0.02), "the model's own voice, all of it"
            kinds = [event.type for event in rig.received]
            assert kinds.index("voice-started") < kinds.index("voice-stopped") < kinds.index("audio-start")
            assert not rig.of("transcript"), "it goes on listening: this is a conversation"
            await hass.services.async_call(DOMAIN, "stop", {"entity_id": hall(hass)}, blocking=True)
            await rig.until("transcript")
            assert not rig.streaming, "the wake word is listened for again"
            assert rig.of("transcript")[0].data.get("text") == "", "what was said stays here"
            await rig.wake()
            await async_wait_for_state(hass, entity_of(hass, "switch", HALL_ID, "session"), "on")


async def test_a_satellite_without_wake_word_listens_when_it_is_asked_to(
    hass: HomeAssistant, brain: ScriptedBrain, mock_entry: MockConfigEntry
) -> None:
    brain.add(Turn(Heard("Hello."), (Plan((Say("Good day.", seconds=0.3),)),)))
    async with RigSatellite(wake_word=None).serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            await rig.hear(speech(0.2), in_real_time=False)
            assert state_of(hass, entity_of(hass, "switch", HALL_ID, "session")).state == "off"
            await hass.services.async_call(DOMAIN, "start", {"entity_id": hall(hass)}, blocking=True)
            await rig.hear(speech())
            await rig.until("audio-stop")
            assert rig.played
        assert not rig.of("transcript"), "it never listened for a wake word"


async def test_an_announcement_is_heard_there(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    async with RigSatellite().serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            announcement = {"entity_id": hall(hass), "message": "Dinner.", "preannounce": False}
            await hass.services.async_call("assist_satellite", "announce", announcement, blocking=True)
            assert any(rig.played)
            assert len(rig.of("audio-start")) == len(rig.of("audio-stop")) == 1


async def test_one_of_two_satellites_that_hear_the_same_words_answers(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    async with RigSatellite().serving() as first, RigSatellite().serving() as second:
        add_wyoming(hass, mock_entry, first, HALL_ID)
        add_wyoming(hass, mock_entry, second, KITCHEN_ID)
        async with loaded(hass, mock_entry):
            await async_ready(hass, HALL_ID)
            await async_ready(hass, KITCHEN_ID)
            await first.wake()
            await second.wake()
            await second.until("transcript")
            assert not second.of("error"), "nothing is wrong there"
            switches = [entity_of(hass, "switch", place, "session") for place in (HALL_ID, KITCHEN_ID)]
            await async_wait_for_state(hass, switches[0], "on")
            assert state_of(hass, switches[1]).state == "off"


async def test_who_cannot_be_answered_is_told_and_the_wake_word_heard_again(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    async with RigSatellite().serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        hass.config_entries.async_remove_subentry(mock_entry, AGENT_ID)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            await rig.wake()
            await rig.until("transcript")
            assert rig.of("error")[0].data["code"] == "no_agent"
            assert not rig.streaming


async def test_a_session_that_never_comes_about_lets_the_satellite_go(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    async with RigSatellite().serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            simulator.behaviour.refusal = "insufficient_quota"
            await rig.wake()
            await rig.until("transcript")
            assert not rig.streaming


async def test_a_satellite_that_is_away_is_unavailable_until_it_is_back(
    hass: HomeAssistant, mock_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "RETRY_S", (0.05,))
    rig = RigSatellite()
    await rig.switch_on()
    await rig.switch_off()
    add_wyoming(hass, mock_entry, rig)
    async with loaded(hass, mock_entry):
        assert state_of(hass, hall(hass)).state == STATE_UNAVAILABLE
        with pytest.raises(ServiceValidationError) as refused:
            await hass.services.async_call(DOMAIN, "start", {"entity_id": hall(hass)}, blocking=True)
        assert refused.value.translation_key == "satellite_away"
        async with rig.serving():
            await async_ready(hass)


async def test_a_satellite_that_serves_another_program_says_so(
    hass: HomeAssistant, mock_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "RETRY_S", (0.05,))
    rig = RigSatellite()
    rig.taken = True
    async with rig.serving():
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            place = mock_entry.runtime_data.satellites[HALL_ID].place
            async with asyncio.timeout(5):
                while place.absence != "satellite_taken":
                    await asyncio.sleep(0.01)
            rig.taken = False
            await async_ready(hass)
            assert place.absence is None


async def test_a_satellite_that_vanishes_in_the_middle_of_an_answer_ends_its_session(
    hass: HomeAssistant, brain: ScriptedBrain, mock_entry: MockConfigEntry
) -> None:
    brain.add(Turn(Heard("Tell me a story."), (Plan((Say("Once upon a time.", seconds=20),)),)))
    rig = RigSatellite()
    await rig.switch_on()
    add_wyoming(hass, mock_entry, rig)
    async with loaded(hass, mock_entry):
        await async_ready(hass)
        await rig.wake()
        await rig.hear(speech())
        await rig.until("audio-chunk", 5)
        await rig.switch_off()
        session = entity_of(hass, "switch", HALL_ID, "session")
        async with asyncio.timeout(10):
            await async_wait_until(hass, lambda: state_of(hass, session).state != "on")


async def test_a_satellite_that_freezes_in_the_middle_of_an_answer_ends_its_session(
    hass: HomeAssistant, brain: ScriptedBrain, mock_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A third of the real times, in which the session has 10 s.
    for name in ("LOOK_EVERY_S", "LOST_AFTER_S"):
        monkeypatch.setattr(link_module, name, getattr(link_module, name) / 3)
    brain.add(Turn(Heard("Tell me a story."), (Plan((Say("Once upon a time.", seconds=20),)),)))
    async with RigSatellite().serving() as rig:
        add_wyoming(hass, mock_entry, rig)
        async with loaded(hass, mock_entry):
            await async_ready(hass)
            await rig.wake()
            await rig.hear(speech())
            await rig.until("audio-chunk", 5)
            rig.freeze()
            session = entity_of(hass, "switch", HALL_ID, "session")
            async with asyncio.timeout(10 / 3):
                await async_wait_until(hass, lambda: state_of(hass, session).state != "on")
            rig.reads.set()


async def test_a_satellite_that_does_not_read_costs_no_memory_and_is_given_up(
    monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setattr(link_module, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(link_module, "LOST_AFTER_S", 1.0)
    monkeypatch.setattr(link_module, "RETRY_S", (0.05,))
    async with RigSatellite().serving() as rig, linked(rig) as link:
        mouth = WyomingOutput(link)
        # As much at once as the network takes.
        monkeypatch.setattr(mouth, "_ahead_s", 3600.0)
        rig.freeze()
        frames = 0

        async def babble() -> None:
            nonlocal frames
            while True:
                await mouth.play_chunk(bytes(882))
                frames += 1
                assert link._outgoing.qsize() <= 64

        with pytest.raises(SinkError):
            await babble()
        assert frames < 20_000, "what the system's buffers do not hold is waited for"
        async with asyncio.timeout(5):
            while link.state == "ready":
                await asyncio.sleep(0.01)
        rig.answers = True
        rig.reads.set()
        async with asyncio.timeout(5):
            while link.state != "ready":
                await asyncio.sleep(0.01)


async def test_a_satellite_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> None:
    monkeypatch.setattr(link_module, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(link_module, "LOST_AFTER_S", 0.3)
    monkeypatch.setattr(link_module, "RETRY_S", (0.05,))
    async with RigSatellite().serving() as rig, linked(rig) as link:
        await asyncio.sleep(0.5)
        assert link.state == "ready", "it answers who it is now and then"
        rig.answers = False
        async with asyncio.timeout(2):
            while link.state == "ready":
                await asyncio.sleep(0.01)
        with pytest.raises(ConnectionError):
            await link.send(Ping().event())


@pytest.mark.parametrize(
    "raw",
    [
        b"no json\n",
        b"[]\n",
        b"{}\n",
        b'{"type": 5}\n',
        b'{"type": "audio-chunk"}\n',
        b'{"type": "audio-chunk", "data": {"rate": "x", "width": 2, "channels": 1}, "payload_length": 2}\n..',
        b'{"type": "info", "payload_length": 99999999999}\n',
        b'{"type": "info", "data_length": -1}\n',
        b'{"type": "run-pipeline", "data": {"start_stage": "tea", "end_stage": "tts"}}\n',
        b'{"type": "x", "data_length": 2}\n[]',
        b"x" * 100_000,
    ],
)
async def test_what_cannot_be_understood_costs_the_connection_and_nothing_else(
    raw: bytes, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setattr(link_module, "RETRY_S", (0.05,))
    async with RigSatellite().serving() as rig, linked(rig) as link:
        before = rig.connections
        await rig.send_bytes(raw)
        async with asyncio.timeout(5):
            while rig.connections == before or link.state != "ready":
                await asyncio.sleep(0.01)


async def test_what_is_not_heard_in_time_is_bounded(socket_enabled: None) -> None:
    woken: list[str | None] = []
    async with RigSatellite().serving() as rig, linked(rig, woken) as link:
        await rig.wake()
        await rig.send(Event("detection", {"name": "other"}))
        await rig.hear(bytes(2048 * (link_module.BACKLOG_CHUNKS + 50)), in_real_time=False)
        await rig.send(Ping(text="there?").event())
        await rig.until("pong")
        heard: list[bytes] = []
        link.hear(heard.append, lambda: None)
        assert woken == ["okay_nabu"]
        assert len(heard) == link_module.BACKLOG_CHUNKS
        await rig.send(AudioChunk(48_000, 2, 2, bytes(4 * 4800)).event())
        await rig.send(Ping(text="there?").event())
        await rig.until("pong", 2)
        assert len(heard[-1]) == pytest.approx(2 * 1600, abs=8), "any format is heard at 16 kHz"


async def test_what_is_said_right_after_a_later_wake_word_is_heard_too(socket_enabled: None) -> None:
    async with RigSatellite().serving() as rig, linked(rig) as link:
        former = WyomingInput(link)
        await former.start()
        await former.stop()
        link.rearm()
        await rig.wake()
        await rig.hear(b"\x01\x02" * 1024, in_real_time=False)
        await rig.send(Ping(text="there?").event())
        await rig.until("pong")
        later = WyomingInput(link)
        await later.start()
        async with asyncio.timeout(2):
            assert await anext(aiter(later.stream_chunks())) == b"\x01\x02" * 1024


@pytest.mark.parametrize(
    ("rate", "width", "channels"),
    [(16_000, 5, 1), (16_000, 2, 0), (16_000, 2, 3), (1, 2, 1), (-8000, 2, 1), (2**40, 2, 1), ("16000", 2, 1)],
)
async def test_what_is_no_audio_ends_the_connection_and_not_the_link(
    socket_enabled: None, rate: object, width: int, channels: int
) -> None:
    async with RigSatellite().serving() as rig, linked(rig) as link:
        connections = rig.connections
        fields = {"rate": rate, "width": width, "channels": channels}
        await rig.send(Event("audio-chunk", fields, bytes(3000)))
        async with asyncio.timeout(10):
            while rig.connections == connections or link.state != "ready":
                await asyncio.sleep(0.01)


async def test_a_chunk_is_heard_in_whole_samples_and_small_pieces(socket_enabled: None) -> None:
    async with RigSatellite(wake_word=None).serving() as rig, linked(rig) as link:
        heard: list[bytes] = []
        link.hear(heard.append, lambda: None)
        # What a formerly used format left behind is not mixed into another's audio.
        await rig.send(AudioChunk(48_000, 2, 2, bytes(4 * 4800 + 3)).event())
        await rig.send(AudioChunk(RATE_HZ, 2, 1, b"\1\0" * 50_000 + b"\1").event())
        async with asyncio.timeout(5):
            while sum(map(len, heard)) < 100_000 + 3198:
                await asyncio.sleep(0.01)
        assert all(len(pcm) % 2 == 0 and len(pcm) <= PIECE_BYTES for pcm in heard)
        assert b"".join(heard).endswith(b"\1\0" * 50_000)


async def test_a_link_that_nobody_reads_from_neither_grows_nor_blocks(socket_enabled: None) -> None:
    async with RigSatellite().serving() as rig, linked(rig) as link:
        for number in range(1000):
            link.tell(Event("note", {"number": number}))
        assert link._outgoing.qsize() <= 64


@asynccontextmanager
async def linked(rig: RigSatellite, woken: list[str | None] | None = None) -> AsyncIterator[WyomingLink]:
    link = WyomingLink("127.0.0.1", rig.port, woken=([] if woken is None else woken).append, changed=lambda: None)
    task = asyncio.create_task(link.run())
    async with asyncio.timeout(5):
        while link.state != "ready":
            await asyncio.sleep(0.01)
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait((task,))
