"""The user's side of the floor."""

from .deadlines import TURN_ANSWER_S, USER_SPEECH_S, Deadlines
from .effects import Effect
from .facts import Timer

OWED_S = 60.0
"""A turn whose answer never began is owed it for so long, should the link turn out to be lost."""


class Turns:
    """Whether the user speaks, or has spoken and is owed an answer."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._ended_at_s: float | None = None
        self._handed_over = 0
        self.speaking = False
        self.awaiting_answer = False
        self._unanswered = False

    @property
    def hold(self) -> bool:
        """Whether the agent must not begin something of its own."""
        return self.speaking or self.awaiting_answer

    def started(self, now_s: float) -> list[Effect]:
        """The user began to speak."""
        self.speaking = True
        self.awaiting_answer = self._unanswered = False
        self._ended_at_s = None
        return [
            *self._deadlines.disarm(Timer.TURN_ANSWER),
            *self._deadlines.arm(Timer.USER_SPEECH, USER_SPEECH_S, now_s),
        ]

    def stopped(self, ended_at_s: float, now_s: float, *, answers: bool) -> list[Effect]:
        """The user stopped; the provider, if it answers by itself, does so within bounds."""
        self.speaking = False
        self.awaiting_answer = answers
        self._ended_at_s = ended_at_s
        effects = self._deadlines.disarm(Timer.USER_SPEECH)
        return [*effects, *self._deadlines.arm(Timer.TURN_ANSWER, TURN_ANSWER_S, now_s)] if answers else effects

    def ended(self, now_s: float) -> None:
        """A turn was handed over without the provider hearing its end: push-to-talk, or typed."""
        self._ended_at_s = now_s

    def handed_over(self, now_s: float) -> None:
        """Push-to-talk: the provider is to make a turn of what it has heard, once it can be told so."""
        self._handed_over += 1
        self.ended(now_s)

    def taken(self) -> None:
        """The provider made a turn of what it had heard, or there was nothing in it."""
        self._handed_over = max(0, self._handed_over - 1)

    def take_untaken(self) -> bool:
        """Whether any turn that was handed over was never taken; what was said in several is now in one."""
        untaken = self._handed_over > 0
        self._handed_over = int(untaken)
        return untaken

    def answered(self) -> list[Effect]:
        """The answer began, or there will be none."""
        self.speaking = False
        self.awaiting_answer = self._unanswered = False
        return self._deadlines.disarm(Timer.TURN_ANSWER, Timer.USER_SPEECH)

    def overdue(self) -> None:
        """The answer did not begin in time: the floor is free, though the answer may still come."""
        self.awaiting_answer = False
        self._unanswered = True

    def silent_for_s(self, now_s: float) -> float:
        """How long ago the user's last word ended; 0 while that is not known."""
        return 0.0 if self._ended_at_s is None else max(0.0, now_s - self._ended_at_s)

    def endless(self) -> None:
        """The user is not taken to speak any more: nobody has told of the end."""
        self.speaking = False

    def cut_off(self, now_s: float) -> bool:
        """The link broke: what is being said will be heard again; whether a finished turn is owed its answer."""
        owed = self.awaiting_answer or (self._unanswered and self.silent_for_s(now_s) < OWED_S)
        self.speaking = self.awaiting_answer = self._unanswered = False
        return owed

    def take_latency_s(self, now_s: float) -> float | None:
        """Seconds since the user's last word, once per turn."""
        if self._ended_at_s is None or self.speaking:
            return None
        latency_s = now_s - self._ended_at_s
        self._ended_at_s = None
        return max(0.0, latency_s)
