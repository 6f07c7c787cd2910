"""The way of the microphone's audio to the provider."""

from ..ports import AudioInputDevice, Connection


class Uplink:
    """Captures from a source and forwards to a connection, through a buffer of `capacity_ms` (full: drops the oldest frame and counts it).

    The two ends are tasks of their own, so that capturing starts before there is a connection and outlives it.
    The source is started and stopped by others.
    """

    def __init__(self, source: AudioInputDevice, target_rate_hz: int, *, capacity_ms: int = 2000) -> None:
        raise NotImplementedError

    @property
    def muted(self) -> bool:
        """Whether silence takes the place of what is captured; assign to change it, from the next frame on."""
        raise NotImplementedError

    @muted.setter
    def muted(self, muted: bool) -> None:
        raise NotImplementedError

    @property
    def dropped_frames(self) -> int:
        """How many frames of 20 ms were lost because nobody forwarded them in time."""
        raise NotImplementedError

    @property
    def level_dbfs(self) -> float:
        """Level of the last frame, 0 is full scale; -96 for silence."""
        raise NotImplementedError

    async def capture(self) -> None:
        """Capture until the source is stopped. Raises SourceError when it fails or ends while it says that it is active."""
        raise NotImplementedError

    async def forward(self, connection: Connection) -> None:
        """Send what was captured meanwhile, then every frame as it comes, until cancelled. Raises ConnectionLostError."""
        raise NotImplementedError
