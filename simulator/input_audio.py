"""The input buffer: what the user says until it becomes an item, and the turn detection on it."""

from dataclasses import dataclass

from .checks import Json
from .conversation import BYTES_PER_MS
from .errors import Rejected
from .vad import VoiceActivity

SHORTEST_COMMIT_MS = 100


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The user began to speak; `start_ms` includes the prefix padding."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The user stopped at `end_ms`; `pcm` is the turn's audio."""

    end_ms: int
    pcm: bytes


type TurnEdge = SpeechBegan | SpeechEnded


class InputAudio:
    """All appended audio, on one time line from the start of the session."""

    def __init__(self, semantic_silence_ms: dict[str, int]) -> None:
        self._semantic_silence_ms = semantic_silence_ms
        self._buffer = bytearray()
        self._start_ms = 0
        self._speech_start_ms = 0
        self._vad: VoiceActivity | None = None
        self.received_ms = 0.0

    @property
    def speaking(self) -> bool:
        """Whether a turn of the user's is going on."""
        return self._vad is not None and self._vad.speaking

    def append(self, pcm: bytes, detection: Json | None) -> list[TurnEdge]:
        """Take in audio and find the turns in it."""
        vad = self._tuned(detection) if detection else None
        self._vad = vad
        self._buffer += pcm
        self.received_ms += len(pcm) / BYTES_PER_MS
        if vad is None or detection is None:
            return []
        padding_ms = int(detection.get("prefix_padding_ms", 300))
        edges: list[TurnEdge] = []
        for edge in vad.feed(pcm):
            if edge.speaking:
                self._speech_start_ms = max(self._start_ms, edge.at_ms - padding_ms)
                edges.append(SpeechBegan(self._speech_start_ms))
            else:
                edges.append(SpeechEnded(edge.at_ms, self._take(self._speech_start_ms, edge.at_ms)))
        if not vad.speaking:
            self._forget_before(vad.now_ms - padding_ms - 200)
        return edges

    def commit(self) -> bytes:
        """The buffer as a turn. Raises Rejected when it is too short."""
        length_ms = len(self._buffer) / BYTES_PER_MS
        if length_ms < SHORTEST_COMMIT_MS:
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {SHORTEST_COMMIT_MS}ms "
                f"of audio, but buffer only has {length_ms:.2f}ms of audio."
            )
            raise Rejected("input_audio_buffer_commit_empty", message)
        pcm = bytes(self._buffer)
        self.clear()
        return pcm

    def clear(self) -> None:
        """Forget what has not become an item."""
        self._start_ms = int(self.received_ms)
        self._buffer.clear()
        if self._vad:
            self._vad.reset()

    def _tuned(self, detection: Json) -> VoiceActivity:
        vad = self._vad or VoiceActivity(int(self.received_ms))
        if detection["type"] == "server_vad":
            vad.threshold = float(detection["threshold"])
            vad.silence_ms = int(detection["silence_duration_ms"])
        else:
            vad.threshold = 0.5
            vad.silence_ms = self._semantic_silence_ms[detection["eagerness"]]
        return vad

    def _take(self, start_ms: int, end_ms: int) -> bytes:
        first, last = ((at - self._start_ms) * BYTES_PER_MS for at in (start_ms, end_ms))
        pcm = bytes(self._buffer[first:last])
        self._forget_before(end_ms)
        return pcm

    def _forget_before(self, at_ms: int) -> None:
        count = min(at_ms - self._start_ms, len(self._buffer) // BYTES_PER_MS)
        if count > 0:
            del self._buffer[: count * BYTES_PER_MS]
            self._start_ms += count
