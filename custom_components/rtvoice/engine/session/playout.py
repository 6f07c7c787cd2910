"""The way of the agent's voice to the speaker, and how far it has come."""

from collections.abc import Callable

from ..conversation.facts import Fact
from ..conversation.values import PlayoutPosition
from ..ports import AudioOutputDevice


class Playout:
    """Plays the audio of items in order on a sink and tells by the sink's own count what was heard.

    Posts `PlayoutStarted` and `PlayoutDrained`. The sink is started and stopped by others.
    """

    def __init__(
        self,
        sink: AudioOutputDevice,
        source_rate_hz: int,
        post: Callable[[Fact], None],
        *,
        prebuffer_ms: int = 60,
        capacity_s: int = 1800,
    ) -> None:
        raise NotImplementedError

    @property
    def dropped_chunks(self) -> int:
        """How many pieces of audio were dropped because the buffer was full."""
        raise NotImplementedError

    @property
    def underruns(self) -> int:
        """How often the speaker fell silent in the middle of an item because its audio came too late."""
        raise NotImplementedError

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue a piece of an item's audio at `source_rate_hz`. Never waits; drops and counts the piece when the buffer is full."""
        raise NotImplementedError

    async def clear(self) -> None:
        """Fall silent within one frame and forget what is queued; posts `PlayoutDrained`."""
        raise NotImplementedError

    def position(self) -> PlayoutPosition:
        """What was heard so far: never more than the sink has played."""
        raise NotImplementedError

    async def run(self) -> None:
        """Play what is queued until cancelled. Raises SinkError."""
        raise NotImplementedError
