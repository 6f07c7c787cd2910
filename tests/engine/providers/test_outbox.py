"""The order of what is sent, and what happens when the socket is slow or broken."""

import asyncio
import base64

import aiohttp
import orjson
import pytest

from custom_components.rtvoice.engine.errors import ConnectionLostError
from custom_components.rtvoice.engine.providers.openai.outbox import Outbox


class Socket:
    """Records frames; while `room` is not set, writing waits."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.room = asyncio.Event()
        self.room.set()
        self.error: Exception | None = None

    async def write(self, frame: bytes) -> None:
        await self.room.wait()
        if self.error is not None:
            raise self.error
        self.frames.append(frame)

    def audio(self) -> list[bytes]:
        events = [orjson.loads(frame) for frame in self.frames if frame.startswith(b"{")]
        return [base64.b64decode(event["audio"]) for event in events]


@pytest.fixture
async def link():
    socket = Socket()
    outbox = Outbox(socket.write, limit_bytes=8)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbox.run())
        yield socket, outbox, running
        running.cancel()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_commands_and_audio_keep_their_order(link) -> None:
    socket, outbox, _ = link
    socket.room.clear()
    first = asyncio.create_task(outbox.put(b"first"))
    await settle()
    outbox.put_audio(b"aa")
    outbox.put_audio(b"bb")
    second = asyncio.create_task(outbox.put(b"second"))
    await settle()
    outbox.put_audio(b"cc")
    outbox.put_audio(b"")
    assert not first.done()
    socket.room.set()
    await asyncio.gather(first, second)
    await settle()
    assert [frame for frame in socket.frames if not frame.startswith(b"{")] == [b"first", b"second"]
    assert socket.frames[0] == b"first"
    assert socket.frames[2] == b"second"
    # Audio that had to wait is joined into one append.
    assert socket.audio() == [b"aabb", b"cc"]
    assert (outbox.appended_bytes, outbox.dropped_bytes) == (6, 0)


async def test_the_oldest_audio_is_dropped_across_commands(link) -> None:
    socket, outbox, _ = link
    socket.room.clear()
    first = asyncio.create_task(outbox.put(b"first"))
    await settle()
    outbox.put_audio(b"aabb")
    second = asyncio.create_task(outbox.put(b"second"))
    await settle()
    outbox.put_audio(b"ccdd")
    outbox.put_audio(b"eeffgg")
    socket.room.set()
    await asyncio.gather(first, second)
    await settle()
    assert socket.audio() == [b"ddeeffgg"]
    assert [frame[:6] for frame in socket.frames][:2] == [b"first", b"second"]
    assert (outbox.appended_bytes, outbox.dropped_bytes) == (8, 6)


async def test_only_whole_samples_are_dropped(link) -> None:
    socket, outbox, _ = link
    socket.room.clear()
    first = asyncio.create_task(outbox.put(b"first"))
    await settle()
    outbox.put_audio(b"abcdefghi")
    socket.room.set()
    await first
    await settle()
    assert socket.audio() == [b"cdefghi"]


async def test_who_waits_until_audio_is_written_sends_more_than_can_wait_and_loses_nothing(link) -> None:
    socket, outbox, _ = link
    for number in range(10):
        outbox.put_audio(bytes([number]) * 8)
        await outbox.written()
    assert b"".join(socket.audio()) == b"".join(bytes([number]) * 8 for number in range(10))
    assert outbox.dropped_bytes == 0


async def test_who_waits_for_a_socket_that_breaks_is_told(link) -> None:
    socket, outbox, running = link
    socket.room.clear()
    outbox.put_audio(b"aa")
    waiting = asyncio.create_task(outbox.written())
    await settle()
    socket.error = ConnectionResetError()
    socket.room.set()
    with pytest.raises(ConnectionLostError):
        await waiting
    await running


@pytest.mark.parametrize("error", [ConnectionResetError(), aiohttp.ClientConnectionResetError()])
async def test_a_broken_socket_fails_all_commands_and_ends_the_writer(link, error) -> None:
    socket, outbox, running = link
    socket.room.clear()
    waiting = [asyncio.create_task(outbox.put(b"x")) for _ in range(3)]
    await settle()
    outbox.put_audio(b"aa")
    socket.error = error
    socket.room.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionLostError] * 3
    await running
    with pytest.raises(ConnectionLostError):
        outbox.put_audio(b"aa")
    with pytest.raises(ConnectionLostError):
        await outbox.put(b"x")


async def test_a_sender_that_gave_up_does_not_hold_up_the_others(link) -> None:
    socket, outbox, running = link
    socket.room.clear()
    first, second, third = [asyncio.create_task(outbox.put(name)) for name in (b"1", b"2", b"3")]
    await settle()
    second.cancel()
    await settle()
    socket.room.set()
    await asyncio.gather(first, third)
    # It was queued, so it is sent: the order on the wire does not depend on who waits.
    assert socket.frames == [b"1", b"2", b"3"]
    socket.room.clear()
    fourth = asyncio.create_task(outbox.put(b"4"))
    fifth = asyncio.create_task(outbox.put(b"5"))
    await settle()
    fifth.cancel()
    await settle()
    running.cancel()
    with pytest.raises(ConnectionLostError):
        await fourth
