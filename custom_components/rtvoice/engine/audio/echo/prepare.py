"""Making a canceller without holding up the event loop."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .canceller import EchoCanceller


async def prepare_canceller(sample_rate_hz: int) -> EchoCanceller:
    """A new canceller. Raises ValueError if the rate has no whole samples in 5 ms or is below 8 kHz."""
    return await asyncio.to_thread(_make, sample_rate_hz)


def _make(sample_rate_hz: int) -> EchoCanceller:
    from .canceller import EchoCanceller  # noqa: PLC0415 - importing numpy takes too long for the event loop

    return EchoCanceller(sample_rate_hz)
