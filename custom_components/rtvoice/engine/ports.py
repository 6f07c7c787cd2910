"""What the engine needs from outside: devices, providers and tools."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .conversation.effects import ModelCommand
from .conversation.facts import ModelEvent
from .conversation.values import ApprovalRequest, Capabilities, ToolCall, ToolDefinition, ToolOutcome
from .options import SessionOptions


@runtime_checkable
class AudioInputDevice(Protocol):
    """A microphone: 16-bit little-endian mono PCM at `sample_rate` Hz."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""

    @property
    def is_active(self) -> bool:
        """Whether it is capturing."""

    async def start(self) -> None:
        """Open the device and begin to capture. Raises SourceError."""

    async def stop(self) -> None:
        """Close the device; `stream_chunks` ends. Idempotent."""

    def stream_chunks(self) -> AsyncIterator[bytes]:
        """Whole samples as they are captured, in chunks of any size. Raises SourceError when the device fails."""


@runtime_checkable
class AudioOutputDevice(Protocol):
    """A speaker: 16-bit little-endian mono PCM at `sample_rate` Hz."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""

    @property
    def is_playing(self) -> bool:
        """Whether samples that were given to it have not been played yet."""

    @property
    def played_samples(self) -> int:
        """How many of the samples given to `play_chunk` reached the device; never falls, never counts filler."""

    async def start(self) -> None:
        """Open the device. Raises SinkError."""

    async def stop(self) -> None:
        """Close the device at once, dropping what is queued. Idempotent."""

    async def play_chunk(self, pcm: bytes) -> None:
        """Queue whole samples; waits while the device's buffer is full. Raises SinkError when the device fails."""

    async def clear_buffer(self) -> None:
        """Drop what is queued: silence within one frame of 20 ms. What was dropped never counts as played."""


@runtime_checkable
class StreamingOutputDevice(AudioOutputDevice, Protocol):
    """A speaker that is sent a stream with an end, as those on a network are, and has to know when nothing follows."""

    async def finish_stream(self) -> None:
        """All that was queued is all there is for now: play it to its end. `play_chunk` may begin a new stream.

        Called once for each stretch of audio, unless `clear_buffer` ended it. Raises SinkError.
        """


@runtime_checkable
class VolumeControl(Protocol):
    """What a speaker has as well, if it can be made louder and quieter.

    The samples it is given stay as they are: positions, recordings and counts do not depend on the volume.
    """

    @property
    def volume(self) -> float:
        """How loud it plays: 0 is silence, 1 as loud as it goes, and half of it sounds about half as loud."""

    async def set_volume(self, volume: float) -> None:
        """Play louder or quieter from now on, also in later sessions; takes 0 to 1, and may round to its own steps.

        It does not depend on whether the speaker is started. Raises SinkError when the device refuses.
        """


class Connection(Protocol):
    """A session at a provider, set up and ready for audio."""

    async def send(self, command: ModelCommand) -> None:
        """Send a command; waits while the socket is congested. Raises ConnectionLostError."""

    async def send_audio(self, pcm: bytes) -> None:
        """Send microphone audio at `capabilities.input_rate_hz`. Raises ConnectionLostError.

        What the socket does not take is kept for a short while: live audio that comes too late is better dropped.
        """

    async def audio_taken(self) -> None:
        """Wait until the socket has taken all audio: kept audio is sent no faster. Raises ConnectionLostError."""

    def receive(self) -> AsyncIterator[ModelEvent]:
        """Events in the order of the wire, until the link ends.

        It never ends without an error: ConnectionLostError, SessionExpiredError, AuthenticationError,
        QuotaExceededError or another ProviderError says why. Unreadable and unknown messages are dropped and counted.
        """


@runtime_checkable
class RealtimeProvider(Protocol):
    """A vendor of realtime speech-to-speech sessions."""

    @property
    def capabilities(self) -> Capabilities:
        """What its sessions can do."""

    async def prewarm(self) -> None:
        """Do what can be done before a session starts (TLS context, name look-up). Never raises."""

    def connect(self, options: SessionOptions) -> AbstractAsyncContextManager[Connection]:
        """A session with these options, ready for audio when the context is entered, closed when it is left.

        Entering raises AuthenticationError, QuotaExceededError, ConfigurationError, RateLimitedError or
        ConnectionFailedError, in bounded time.
        """

    async def close(self) -> None:
        """Release what `prewarm` and `connect` share between sessions."""


class ToolRunner(Protocol):
    """Runs the tools that the model may call."""

    def definitions(self) -> tuple[ToolDefinition, ...]:
        """The tools at hand now."""

    def status_of(self, call: ToolCall) -> str | None:
        """What a call is doing, in words for the user; None where nobody has said how to put it."""

    async def run(self, call: ToolCall) -> ToolOutcome:
        """Run one call. An outcome there is always; unknown tool, bad arguments, failure and timeout are `ok=False`."""


class Approver(Protocol):
    """Decides about calls that the provider makes by itself."""

    async def approves(self, request: ApprovalRequest) -> bool:
        """Whether a call may be made; what it raises is a refusal."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word was heard."""

    phrase: str = ""
    """Which one, in words."""
    noticed_ms: float | None = None
    """When it was noticed, from the beginning of the frames, at the end of the wake word or up to 500 ms later.

    None: at the end of the frames that had been taken when the detection was returned.
    """


class WakeWordDetector(Protocol):
    """Listens for a wake word.

    It is called on an event loop and must not block it: one that computes does so in a thread of its own, one that asks
    a server waits for it. See `InProcessDetector` for detectors that are a function.
    """

    @property
    def sample_rate(self) -> int:
        """The rate in Hz of the frames that it takes."""

    async def detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        """Listen until the wake word is heard, and return at once then.

        `frames` are 16-bit little-endian mono PCM, 20 ms each, as they are captured; who takes them more than 10 s late
        misses some. They end when nobody wants to know any more, or the microphone has failed: then return None. None
        before that means that the detector gave up, and it is asked again a little later, as it is after an exception.
        It may be cancelled at any time. It is called for each arming, one call at a time.
        """
