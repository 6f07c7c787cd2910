"""The microphone and the speaker as libraries know them that have such devices. Standard library only."""

from collections.abc import AsyncIterator

from .work import Microphone, Speaker


class Input:
    """A microphone that is opened and gives chunks."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._active = False

    @property
    def is_active(self) -> bool:
        """Whether it captures."""
        return self._active

    async def start(self) -> None:
        """Open it."""
        self._active = True

    async def stop(self) -> None:
        """Close it."""
        self._active = self._microphone.open = False

    def stream_chunks(self) -> AsyncIterator[bytes]:
        """What it hears."""
        return self._microphone.frames()


class Output:
    """A speaker that is opened, given chunks and silenced."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    @property
    def is_playing(self) -> bool:
        """Whether there is something to hear."""
        return self._speaker.playing

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def play_chunk(self, chunk: bytes) -> None:
        """Play it."""
        self._speaker.take(chunk)

    async def clear_buffer(self) -> None:
        """Be silent."""
        self._speaker.silence()
