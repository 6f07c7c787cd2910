"""A microphone that hears what a pipeline brings."""

from typing import Final

from ...engine.devices.fed import FedInput

SAMPLE_RATE_HZ: Final = 16_000
"""What Assist pipelines bring to speech to text: 16-bit mono at this rate."""
MAX_CHUNKS: Final = 3000
"""Half a minute in pieces of 10 ms, as pipelines cut it."""


class PipelineMicrophone(FedInput):
    """Takes in audio piece by piece."""

    def __init__(self) -> None:
        super().__init__(SAMPLE_RATE_HZ, max_chunks=MAX_CHUNKS)
