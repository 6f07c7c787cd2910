"""A speaker elsewhere is given audio in time, and what was heard is known by the clock."""

import asyncio

import pytest

from custom_components.rtvoice.engine.devices.paced import PacedOutput
from custom_components.rtvoice.engine.errors import SinkError
from custom_components.rtvoice.engine.ports import StreamingOutputDevice
from tests.engine.session.virtual_time import in_virtual_time

RATE = 16_000
SECOND = bytes(2 * RATE)


class Elsewhere(PacedOutput):
    """Notes what it is told, and when."""

    def __init__(self, **options: float) -> None:
        super().__init__(RATE, **options)
        self.told: list[tuple[str, float]] = []
        self.failure: SinkError | None = None

    def _note(self, what: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append((what, round(asyncio.get_running_loop().time(), 3)))

    async def _begin(self) -> None:
        self._note("begin")

    async def _give(self, pcm: bytes) -> None:
        self._note(f"give {len(pcm) // 2}")

    async def _end(self) -> None:
        self._note("end")

    def gave_at(self) -> list[float]:
        return [at for what, at in self.told if what.startswith("give")]


@in_virtual_time
async def test_it_is_given_no_more_than_a_little_ahead_of_time() -> None:
    output = Elsewhere(ahead_s=0.1)
    assert isinstance(output, StreamingOutputDevice)
    await output.start()
    began_s = asyncio.get_running_loop().time()
    await output.play_chunk(SECOND)
    for index, at in enumerate(output.gave_at()):
        assert at - began_s == pytest.approx(max(0.0, index * 0.02 - 0.1), abs=0.002)
    await output.finish_stream()
    await output.finish_stream()
    assert [what for what, _ in output.told].count("end") == 1, "an end of nothing is not told"


@in_virtual_time
async def test_what_was_heard_is_what_had_its_time() -> None:
    output = Elsewhere(ahead_s=5, latency_s=0.5)
    await output.play_chunk(SECOND)
    assert output.played_samples == 0
    assert output.is_playing
    await asyncio.sleep(0.75)
    assert output.played_samples == RATE // 4
    await asyncio.sleep(2)
    assert output.played_samples == RATE
    assert not output.is_playing
    await output.play_chunk(SECOND)
    assert output.played_samples == RATE, "what comes after a silence begins anew"
    await asyncio.sleep(1)
    assert output.played_samples == RATE * 3 // 2


@in_virtual_time
async def test_clear_drops_what_was_not_heard_and_ends_the_stream() -> None:
    output = Elsewhere(ahead_s=0.1)
    playing = asyncio.create_task(output.play_chunk(SECOND))
    await asyncio.sleep(0.5)
    await output.clear_buffer()
    heard = output.played_samples
    assert heard == pytest.approx(RATE / 2, abs=2)
    assert not output.is_playing
    await playing
    assert output.told[-1][0] == "end"
    await asyncio.sleep(1)
    assert output.played_samples == heard
    await output.play_chunk(bytes(20))
    assert [what for what, _ in output.told[-2:]] == ["begin", "give 10"]
    await output.stop()
    await output.stop()
    assert output.told[-1][0] == "end"


@in_virtual_time
async def test_failure_reaches_who_plays() -> None:
    output = Elsewhere()
    output.failure = SinkError("gone")
    with pytest.raises(SinkError, match="gone"):
        await output.play_chunk(SECOND)
