"""The user's side of the floor."""

from .deadlines import TURN_ANSWER_S, Deadlines
from .effects import Effect
from .facts import Timer


class Turns:
    """Whether the user speaks, or has spoken and is owed an answer."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._ended_at_s: float | None = None
        self.speaking = False
        self.awaiting_answer = False

    @property
    def hold(self) -> bool:
        """Whether the agent must not begin something of its own."""
        return self.speaking or self.awaiting_answer

    def started(self) -> list[Effect]:
        """The user began to speak."""
        self.speaking = True
        self.awaiting_answer = False
        self._ended_at_s = None
        return self._deadlines.disarm(Timer.TURN_ANSWER)

    def stopped(self, ended_at_s: float, now_s: float, *, answers: bool) -> list[Effect]:
        """The user stopped; the provider, if it answers by itself, does so within bounds."""
        self.speaking = False
        self.awaiting_answer = answers
        self._ended_at_s = ended_at_s
        if not answers:
            return []
        return self._deadlines.arm(Timer.TURN_ANSWER, TURN_ANSWER_S, now_s)

    def ended(self, now_s: float) -> None:
        """A turn was handed over without the provider hearing its end: push-to-talk, or typed."""
        self._ended_at_s = now_s

    def answered(self) -> list[Effect]:
        """The answer began, or there will be none."""
        self.speaking = False
        self.awaiting_answer = False
        return self._deadlines.disarm(Timer.TURN_ANSWER)

    def silent_for_s(self, now_s: float) -> float:
        """How long ago the user's last word ended; 0 while that is not known."""
        return 0.0 if self._ended_at_s is None else max(0.0, now_s - self._ended_at_s)

    def cut_off(self) -> bool:
        """The link broke: what is being said will be heard again; whether a finished turn is owed its answer."""
        self.speaking = False
        owed, self.awaiting_answer = self.awaiting_answer, False
        return owed

    def take_latency_s(self, now_s: float) -> float | None:
        """Seconds since the user's last word, once per turn."""
        if self._ended_at_s is None or self.speaking:
            return None
        latency_s = now_s - self._ended_at_s
        self._ended_at_s = None
        return max(0.0, latency_s)
