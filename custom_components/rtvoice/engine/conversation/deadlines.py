"""Every watchdog is a row in one table."""

from .effects import ArmTimer, DisarmTimer, Effect
from .facts import Timer

RESPONSE_REQUEST_S = 10.0
"""A requested response must begin within this time."""
RESPONSE_PROGRESS_S = 30.0
"""A response must not be silent for longer than this."""
TURN_ANSWER_S = 10.0
"""The provider must answer a finished user turn within this time."""
USER_SPEECH_S = 300.0
"""Nobody speaks for so long without a pause: whoever should tell of the end has stopped to."""
REMOTE_CALL_S = 120.0
"""A call that the provider makes by itself must have its result within this time."""

EARLY_S = 0.001
"""Timers of an event loop may fire early by its clock's resolution."""


class Deadlines:
    """The deadlines that are armed, and when they are due."""

    def __init__(self) -> None:
        self._due_s: dict[Timer, float] = {}

    def arm(self, timer: Timer, after_s: float, now_s: float) -> list[Effect]:
        """Set or move a deadline."""
        self._due_s[timer] = now_s + after_s
        return [ArmTimer(timer, after_s)]

    def disarm(self, *timers: Timer) -> list[Effect]:
        """Forget deadlines; those not armed need no effect."""
        return [DisarmTimer(timer) for timer in timers if self._due_s.pop(timer, None) is not None]

    def follow(self, timer: Timer, after_s: float, now_s: float, *, wanted: bool) -> list[Effect]:
        """Arm the deadline when it becomes wanted, disarm it when it no longer is."""
        if wanted == (timer in self._due_s):
            return []
        return self.arm(timer, after_s, now_s) if wanted else self.disarm(timer)

    def disarm_all(self) -> list[Effect]:
        """Forget every deadline."""
        return self.disarm(*tuple(self._due_s))

    def take_fired(self, timer: Timer, now_s: float) -> bool:
        """Whether the deadline really passed: a firing may cross with its disarming or moving."""
        due_s = self._due_s.get(timer)
        if due_s is None or now_s < due_s - EARLY_S:
            return False
        del self._due_s[timer]
        return True
