"""The parts of a browser satellite that need no browser."""

import asyncio
import itertools
import json

import pytest
from aiohttp import WSMessage

from custom_components.rtvoice.bridge.browser.allowance import Allowance
from custom_components.rtvoice.bridge.browser.devices import BrowserInput, BrowserOutput
from custom_components.rtvoice.bridge.browser.page import Page
from custom_components.rtvoice.bridge.browser.playback import Playback
from custom_components.rtvoice.bridge.browser.seat import PageRates, Seat
from custom_components.rtvoice.bridge.browser.tickets import Tickets
from custom_components.rtvoice.bridge.browser.wire import (
    Farewell,
    Hello,
    MicrophoneTrouble,
    PageFaultError,
    audio_frame,
)
from custom_components.rtvoice.engine.errors import SinkError, SourceError
from custom_components.rtvoice.engine.ports import AudioInputDevice, AudioOutputDevice


class Sitting:
    """A page that only takes notes."""

    def __init__(self, rate_hz: int = 24_000) -> None:
        self.rates = PageRates(rate_hz, rate_hz)
        self.said: list[tuple[str, dict[str, object]]] = []
        self.woken = 0
        self.farewell: Farewell | None = None

    def say(self, kind: str, **fields: object) -> None:
        self.said.append((kind, fields))

    def wake(self) -> None:
        self.woken += 1

    def dismiss(self, farewell: Farewell) -> None:
        self.farewell = farewell


@pytest.fixture
def seat() -> Seat:
    return Seat(lambda: None)


def new_playback() -> Playback:
    return Playback(itertools.count(1).__next__)


def test_what_was_played_is_counted_once_and_never_more_than_was_sent() -> None:
    playback = new_playback()
    playback.put(bytes(200))
    assert not playback.report(1, 50)
    assert playback.take(30) == bytes(60)
    assert playback.report(1, 10)
    assert playback.played_samples == 10
    assert playback.report(1, 10**9)
    assert (playback.played_samples, playback.unplayed_samples) == (30, 70)
    assert not playback.report(1, 5)
    assert not playback.report(2, 40)
    assert playback.take(1000) == bytes(140)
    assert playback.take(1000) == b""


def test_what_was_cleared_never_counts() -> None:
    playback = new_playback()
    playback.put(bytes(200))
    playback.take(50)
    playback.report(1, 20)
    playback.clear()
    assert (playback.epoch, playback.unplayed_samples, playback.played_samples) == (2, 0, 20)
    assert not playback.report(1, 50)
    playback.put(b"\1\0" * 10)
    assert playback.take(10) == b"\1\0" * 10
    assert playback.report(2, 4)
    assert playback.played_samples == 24


def test_another_page_gets_what_was_not_played() -> None:
    playback = new_playback()
    playback.put(b"".join(number.to_bytes(2, "little") for number in range(100)))
    playback.take(60)
    playback.report(1, 25)
    playback.again()
    assert playback.take(1)[0] == 25
    assert not playback.report(1, 60)
    assert playback.report(2, 1)
    assert playback.played_samples == 26


def test_a_page_may_send_as_much_as_can_be_spoken() -> None:
    allowance = Allowance()
    for second in range(3600):
        allowance.spend(1.02, float(second))
    allowance.spend(8.0, 3608.0)
    with pytest.raises(PageFaultError):
        allowance.spend(9.0, 3609.0)


def test_tickets_are_good_once_for_one_user_and_not_for_long() -> None:
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    mine = tickets.issue("me", "a")
    assert tickets.redeem(mine, "me") == "a"
    assert tickets.redeem(mine, "me") is None
    mine = tickets.issue("me", "a")
    assert tickets.redeem(mine, "you") is None
    assert tickets.redeem(mine, "me") is None
    mine = tickets.issue("me", "a")
    now[0] = 30.0
    assert tickets.redeem(mine, "me") is None
    many = [tickets.issue("me", str(number)) for number in range(300)]
    assert tickets.redeem(many[0], "me") is None
    assert tickets.redeem(many[-1], "me") == "299"


async def test_the_devices_are_what_the_engine_wants(seat: Seat) -> None:
    ears, mouth = BrowserInput(seat), BrowserOutput(seat)
    assert isinstance(ears, AudioInputDevice)
    assert isinstance(mouth, AudioOutputDevice)
    assert (ears.sample_rate, mouth.sample_rate) == (24_000, 24_000)
    for device, error in ((ears, SourceError), (mouth, SinkError)):
        with pytest.raises(error, match="not open"):
            await device.start()
        await device.stop()
    with pytest.raises(SinkError, match="not been started"):
        await mouth.play_chunk(b"\0\0")


async def test_ears_keep_ten_seconds(seat: Seat) -> None:
    page = Sitting(48_000)
    seat.sit(page)
    ears = BrowserInput(seat)
    seat.hear(page, b"before")
    await ears.start()
    assert (ears.sample_rate, ears.is_active) == (48_000, True)
    for number in range(600):
        seat.hear(page, number.to_bytes(2, "little"))
    assert ears.dropped_chunks == 100
    chunks = ears.stream_chunks()
    assert int.from_bytes(await anext(chunks), "little") == 100
    await ears.stop()
    assert [chunk async for chunk in chunks] == []
    assert page.said == [("microphone", {"open": True}), ("microphone", {"open": False})]


async def test_new_ears_take_the_place_of_others(seat: Seat) -> None:
    page = Sitting()
    seat.sit(page)
    former, ears = BrowserInput(seat), BrowserInput(seat)
    await former.start()
    await ears.start()
    with pytest.raises(SourceError, match="Something else"):
        await anext(former.stream_chunks())
    await former.stop()
    assert page.said[-1] == ("microphone", {"open": True})
    seat.microphone_failed(page, MicrophoneTrouble.LOST)
    assert (seat.failure, ears.is_active) == ("microphone_lost", False)
    await ears.stop()


class Socket:
    """A socket whose other end says nothing and reads everything."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.closed = False
        self.close_code: int | None = None

    def __aiter__(self) -> Socket:
        return self

    async def __anext__(self) -> WSMessage:
        await asyncio.Event().wait()
        raise StopAsyncIteration

    async def send_str(self, text: str) -> None:
        self.sent.append(text)

    async def send_bytes(self, frame: bytes) -> None:
        self.sent.append(frame)

    async def close(self, *, code: int) -> None:
        self.closed, self.close_code = True, code


async def test_a_page_is_silenced_in_the_same_turn_of_the_loop(seat: Seat) -> None:
    socket = Socket()
    hello = Hello(type="hello", protocol=1, input_rate_hz=24_000, output_rate_hz=24_000)
    page = Page(socket, hello, seat, lambda: True)
    running = asyncio.create_task(page.run())
    await asyncio.sleep(0)
    mouth = BrowserOutput(seat)
    await mouth.start()
    await mouth.play_chunk(bytes(48_000))
    playing = asyncio.create_task(mouth.play_chunk(bytes(4_800)))
    await asyncio.sleep(0.01)
    assert len(socket.sent[-1]) == 4 + 4_800
    await mouth.play_chunk(b"")
    mouth.playback.put(bytes(96_000))
    page.wake()
    await mouth.clear_buffer()
    before = len(socket.sent)
    await asyncio.sleep(0)
    assert [json.loads(text) for text in socket.sent[before:]] == [{"type": "clear", "epoch": mouth.playback.epoch}]
    await asyncio.sleep(0.01)
    assert len(socket.sent) == before + 1
    assert playing.done()
    await mouth.stop()
    seat.close(Farewell(1001))
    await running
    assert socket.close_code == 1001


async def test_a_mouth_that_gave_way_does_not_silence_the_next(seat: Seat) -> None:
    page = Sitting()
    seat.sit(page)
    former, mouth = BrowserOutput(seat), BrowserOutput(seat)
    await former.start()
    await former.play_chunk(bytes(480))
    await mouth.start()
    await mouth.play_chunk(bytes(960))
    await former.stop()
    assert page.said[-1] == ("clear", {"epoch": mouth.playback.epoch})
    assert seat.next_audio(page) == audio_frame(mouth.playback.epoch, bytes(960))
    await mouth.stop()


async def test_a_page_that_was_replaced_has_nothing_to_say(seat: Seat) -> None:
    former, page = Sitting(), Sitting()
    seat.sit(former)
    ears, mouth = BrowserInput(seat), BrowserOutput(seat)
    await ears.start()
    await mouth.start()
    await mouth.play_chunk(bytes(4800))
    seat.sit(page)
    assert former.farewell is not None
    assert former.farewell.code == 4001
    seat.hear(former, b"\0\0")
    seat.played(former, mouth.playback.epoch, 10)
    seat.microphone_failed(former, MicrophoneTrouble.DENIED)
    seat.leave(former, grace_s=0.0)
    assert (seat.taken, seat.failure, mouth.played_samples) == (True, None, 0)
    assert seat.next_audio(former) is None
    assert seat.next_audio(page) == audio_frame(mouth.playback.epoch, bytes(4800))
    assert seat.next_audio(page) is None
    assert mouth.is_playing
    seat.close(Farewell(1001))
    assert not mouth.is_playing
    with pytest.raises(SinkError, match="closed"):
        await mouth.play_chunk(bytes(2))
    await ears.stop()
    await mouth.stop()
    assert not seat.in_use
