"""A microphone elsewhere hears what it is given."""

import asyncio

import pytest

from custom_components.rtvoice.engine.devices.fed import FedInput
from custom_components.rtvoice.engine.errors import SourceError
from custom_components.rtvoice.engine.ports import AudioInputDevice


async def test_it_hears_what_it_is_given_until_it_is_stopped() -> None:
    ears = FedInput(16_000, max_chunks=4)
    assert isinstance(ears, AudioInputDevice)
    ears.hear(b"before")
    assert not ears.is_active
    await ears.start()
    assert (ears.sample_rate, ears.is_active) == (16_000, True)
    chunks = ears.stream_chunks()
    assert await anext(chunks) == b"before"
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    ears.hear(b"later")
    assert await waiting == b"later"
    ears.hear(b"too late")
    await ears.stop()
    assert [chunk async for chunk in chunks] == []
    assert not ears.is_active


async def test_only_so_much_waits_for_a_reader() -> None:
    ears = FedInput(16_000, max_chunks=2)
    await ears.start()
    for number in range(5):
        ears.hear(bytes([number]))
    chunks = ears.stream_chunks()
    assert [await anext(chunks), await anext(chunks)] == [b"\x03", b"\x04"]
    assert ears.dropped_chunks == 3


async def test_what_was_heard_before_it_broke_off_is_not_lost() -> None:
    ears = FedInput(16_000, max_chunks=4)
    await ears.start()
    ears.hear(b"last words")
    ears.break_off(SourceError("The plug was pulled"))
    ears.break_off(SourceError("and then somebody tripped over it"))
    assert not ears.is_active
    chunks = ears.stream_chunks()
    assert await anext(chunks) == b"last words"
    with pytest.raises(SourceError, match="The plug was pulled"):
        await anext(chunks)


@pytest.mark.parametrize("broken", [False, True])
async def test_who_gives_can_wait_until_all_was_dealt_with(broken: bool) -> None:
    ears = FedInput(16_000, max_chunks=4)
    await ears.start()
    ears.hear(b"words")
    waiting = asyncio.create_task(ears.wait_read())
    chunks = ears.stream_chunks()
    assert await anext(chunks) == b"words"
    if broken:
        ears.break_off(SourceError("gone"))
    await asyncio.sleep(0)
    assert not waiting.done(), "read, and not yet dealt with"
    more = asyncio.ensure_future(anext(chunks, None))
    async with asyncio.timeout(1):
        await waiting
    await ears.stop()
    await asyncio.wait((more,))
    assert (more.exception() is not None) == broken


async def test_who_gives_does_not_wait_for_nobody() -> None:
    ears = FedInput(16_000, max_chunks=4)
    await ears.start()
    ears.hear(b"words")
    await ears.stop()
    async with asyncio.timeout(1):
        await ears.wait_read()
