"""Conversion of a stream from one sample rate to another."""

import asyncio
from typing import TYPE_CHECKING

from .frame import SAMPLE_BYTES

if TYPE_CHECKING:
    from .polyphase import PolyphaseFilter

LOWEST_RATE_HZ = 8_000


class Resampler:
    """Converts 16-bit PCM from one rate to another, in pieces of any size, as if it were converted in one piece.

    Output lags behind input by the filter's half length, 2 ms; `flush` gives the rest. In all, n input samples become
    ceil(n * to_hz / from_hz). Equal rates pass through untouched. Making one may import numpy and computes a filter,
    which takes too long for the event loop: use `prepare` there.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz != to_hz and min(from_hz, to_hz) < LOWEST_RATE_HZ:
            raise ValueError(f"Cannot resample from {from_hz} to {to_hz} Hz: the lowest rate is {LOWEST_RATE_HZ} Hz")
        self._filter: PolyphaseFilter | None = None
        if from_hz != to_hz:
            from .polyphase import PolyphaseFilter  # noqa: PLC0415 - numpy is imported only where rates differ

            self._filter = PolyphaseFilter(from_hz, to_hz)

    @classmethod
    async def prepare(cls, from_hz: int, to_hz: int) -> Resampler:
        """Make one off the event loop."""
        if from_hz == to_hz:
            return cls(from_hz, to_hz)
        return await asyncio.to_thread(cls, from_hz, to_hz)

    def process(self, pcm: bytes) -> bytes:
        """Take whole samples, give what can be said of the output so far. Raises ValueError on half a sample."""
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError(f"{len(pcm)} bytes are no whole number of samples")
        return pcm if self._filter is None else self._filter.process(pcm)

    def flush(self) -> bytes:
        """Give the rest of the output; what comes next begins a new stream."""
        return b"" if self._filter is None else self._filter.flush()
