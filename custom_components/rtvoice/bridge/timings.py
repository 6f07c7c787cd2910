"""How long the steps of a session take, for those who look for what makes it slow."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..engine.events import (
    AgentSessionConnectedEvent,
    AgentStartingEvent,
    AssistantStartedRespondingEvent,
    AssistantTranscriptDeltaEvent,
    ResponseLatencyEvent,
    SessionEvent,
    ToolExecutedEvent,
    UserStoppedSpeakingEvent,
)

MAX_TURNS: Final = 20


@dataclass(slots=True)
class TurnTimings:
    """What lies between the end of the user's speech and the answer, in ms; None: it did not come to that."""

    response_ms: int | None = None
    """Until the model began a response."""
    words_ms: int | None = None
    """Until the first words of it arrived."""
    audio_ms: int | None = None
    """Until the first of it was heard."""
    tools_ms: int = 0
    """How long tools ran, one after the other."""


class Timings:
    """Measures one session by its events; of its turns the latest are kept. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started_s = self._stopped_s = clock()
        self._turns: deque[TurnTimings] = deque(maxlen=MAX_TURNS)
        self.connect_ms: int | None = None
        """From the start until the provider was ready."""

    def receive(self, event: SessionEvent) -> None:
        """Take the time of an event."""
        match event:
            case AgentStartingEvent():
                self._started_s = self._clock()
            case AgentSessionConnectedEvent() if self.connect_ms is None:
                self.connect_ms = self._since(self._started_s)
            case UserStoppedSpeakingEvent():
                self.user_stopped()
            case _ if self._turns:
                self._answered(self._turns[-1], event)

    def user_stopped(self) -> None:
        """The user has finished, of which no event tells where they say so themselves."""
        self._stopped_s = self._clock()
        self._turns.append(TurnTimings())

    def as_dict(self) -> dict[str, Any]:
        """What was measured."""
        return {"connect_ms": self.connect_ms, "turns": [asdict(turn) for turn in self._turns]}

    def _answered(self, turn: TurnTimings, event: SessionEvent) -> None:
        match event:
            case AssistantStartedRespondingEvent() if turn.response_ms is None:
                turn.response_ms = self._since(self._stopped_s)
            case AssistantTranscriptDeltaEvent() if turn.words_ms is None:
                turn.words_ms = self._since(self._stopped_s)
            case ResponseLatencyEvent(latency_s=latency_s) if turn.audio_ms is None:
                turn.audio_ms = round(latency_s * 1000)
            case ToolExecutedEvent(duration_s=duration_s):
                turn.tools_ms += round(duration_s * 1000)

    def _since(self, moment_s: float) -> int:
        return round((self._clock() - moment_s) * 1000)
