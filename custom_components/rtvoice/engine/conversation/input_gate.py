"""Whether the microphone is let through."""

from .deadlines import Deadlines
from .effects import Effect, GateInput
from .facts import Timer

ECHO_TAIL_S = 0.3
"""How long a room and a sound card go on sounding after the last sample."""


class InputGate:
    """Closed while the user has muted it and, half duplex, while the agent can be heard."""

    def __init__(self, *, half_duplex: bool, deadlines: Deadlines) -> None:
        self._half_duplex = half_duplex
        self._deadlines = deadlines
        self._muted = False
        self._unmuted_at_s = float("-inf")
        self._guarded = False

    def mute(self, now_s: float, *, muted: bool) -> list[Effect]:
        """The user closed or opened it."""
        if self._muted and not muted:
            self._unmuted_at_s = now_s
        self._muted = muted
        return [self._gate()]

    def agent_sounds(self) -> list[Effect]:
        """The agent can be heard now."""
        if not self._half_duplex:
            return []
        self._guarded = True
        return [*self._deadlines.disarm(Timer.HALF_DUPLEX), self._gate()]

    def agent_silent(self, now_s: float) -> list[Effect]:
        """The agent can no longer be heard; its echo still can."""
        return self._deadlines.arm(Timer.HALF_DUPLEX, ECHO_TAIL_S, now_s) if self._guarded else []

    def echo_gone(self) -> list[Effect]:
        """The echo has died away."""
        self._guarded = False
        return [self._gate()]

    def user_speaks(self, heard_s: float, now_s: float) -> list[Effect]:
        """It is known that the user has been speaking to the agent for so long: no echo is waited for.

        What was heard while the user had muted it stays unheard.
        """
        if not self._guarded:
            return []
        disarmed = self._deadlines.disarm(Timer.HALF_DUPLEX)
        if self._muted:
            return [*disarmed, *self.echo_gone()]
        self._guarded = False
        return [*disarmed, GateInput(open=True, recall_s=min(heard_s, now_s - self._unmuted_at_s))]

    def _gate(self) -> GateInput:
        return GateInput(open=not (self._muted or self._guarded))
