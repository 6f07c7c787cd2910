"""Who may speak next: never two `response.create` in flight, never one while a response runs."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from .deadlines import RESPONSE_PROGRESS_S, RESPONSE_REQUEST_S, Deadlines
from .effects import CancelResponse, CreateResponse, Effect
from .facts import Timer
from .values import ToolChoice

_ATTEMPTS = 3
_REMEMBERED = 64
"""Late deltas follow a cancelled response within moments; its id need not be kept for ever."""


class Purpose(StrEnum):
    """Why a response is wanted."""

    ASKED = "asked"
    """The engine's user asked for it."""
    FOLLOW_UP = "follow_up"
    """Tool results have not been spoken about; any later response does that."""
    TURN = "turn"
    """A turn wants its answer."""
    HOLDING = "holding"
    """A tool takes a while; the user should know."""


@dataclass(slots=True)
class Wanted:
    """A response that should be made as soon as the floor allows."""

    purpose: Purpose
    instructions: str | None = None
    tool_choice: ToolChoice | None = None
    attempts: int = 0
    dropped: bool = False
    """It was requested, but nobody wants it any more."""


class Responses:
    """The sequencer that owns `response.create`."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._wanted: deque[Wanted] = deque()
        self._pending: tuple[str, Wanted] | None = None
        self._silenced: dict[str, None] = {}
        self._count = 0
        self._progress_s = 0.0
        self._blocked = False
        self.active: str | None = None
        self.spoken = False
        """Whether the response that runs, or ran last, has said anything."""

    @property
    def busy(self) -> bool:
        """Whether a response is running, asked for or wanted."""
        return self.active is not None or self._pending is not None or bool(self._wanted) or self._blocked

    def want(self, wanted: Wanted) -> None:
        """Queue a response; follow-ups are merged, since one answer speaks about all results."""
        if wanted.purpose is Purpose.FOLLOW_UP:
            same = next((other for other in self._wanted if other.purpose is Purpose.FOLLOW_UP), None)
            if same is not None:
                same.instructions = _merged(same.instructions, wanted.instructions)
                return
        self._wanted.append(wanted)

    def want_first(self, wanted: Wanted) -> None:
        """Queue a response in front of all others."""
        self._wanted.appendleft(wanted)

    def forget(self, *purposes: Purpose) -> bool:
        """Drop wanted responses of these purposes that have not been requested yet; whether there were any."""
        kept = [wanted for wanted in self._wanted if wanted.purpose not in purposes]
        dropped = len(kept) != len(self._wanted)
        self._wanted = deque(kept)
        return dropped

    def drop_pending(self, *purposes: Purpose) -> None:
        """Take back the request in flight, if it has one of these purposes; its response will be cancelled."""
        if self._pending is not None and self._pending[1].purpose in purposes:
            self._pending[1].dropped = True

    def pump(self) -> list[Effect]:
        """Request the next wanted response, if nothing is running or in flight."""
        if self.active is not None or self._pending is not None or self._blocked or not self._wanted:
            return []
        wanted = self._wanted.popleft()
        self._count += 1
        request_id = f"response-{self._count}"
        wanted.attempts += 1
        self._pending = (request_id, wanted)
        return [CreateResponse(request_id, wanted.instructions, wanted.tool_choice)]

    def started(self, response_id: str, request_id: str | None, *, attributable: bool, now_s: float) -> Wanted | None:
        """A response began; what it was wanted for, if it is ours."""
        ours: Wanted | None = None
        if self._pending and (request_id == self._pending[0] or (request_id is None and not attributable)):
            ours = self._pending[1]
            self._pending = None
        self.active = response_id
        self.spoken = False
        self._blocked = False
        self._progress_s = now_s
        return ours

    def watch(self, now_s: float) -> list[Effect]:
        """Arm the deadlines that fit what is running, disarm the others."""
        waiting = self._pending is not None or self._blocked
        return [
            *self._deadlines.follow(Timer.RESPONSE_REQUEST, RESPONSE_REQUEST_S, now_s, wanted=waiting),
            *self._deadlines.follow(
                Timer.RESPONSE_PROGRESS, RESPONSE_PROGRESS_S, now_s, wanted=self.active is not None
            ),
        ]

    def progressed(self, now_s: float) -> None:
        """The running response sent something."""
        self._progress_s = now_s

    def finished(self, response_id: str) -> None:
        """A response ended; one that was never seen to begin is tolerated."""
        self._blocked = False
        if self.active == response_id:
            self.active = None

    def silence(self, response_id: str) -> None:
        """Drop whatever else comes of this response."""
        self._silenced[response_id] = None
        while len(self._silenced) > _REMEMBERED:
            del self._silenced[next(iter(self._silenced))]

    def is_silenced(self, response_id: str) -> bool:
        """Whether its audio must not be played."""
        return response_id in self._silenced

    def cancel(self, response_id: str) -> list[Effect]:
        """Stop a running response; its end is still to come."""
        self.silence(response_id)
        return [CancelResponse(response_id)]

    def rejected(self, request_id: str | None, *, already_responding: bool) -> bool:
        """A request was refused. True if nothing is lost by that.

        The one in flight is tried again after the response that was in its way, unless nobody wants it any more: a
        follow-up is spoken about by whatever response began after the tool results were sent.
        """
        if self._pending is None or request_id not in (self._pending[0], None if already_responding else ""):
            return already_responding
        wanted = self._pending[1]
        self._pending = None
        if wanted.dropped or (already_responding and wanted.purpose is Purpose.FOLLOW_UP and self.active is not None):
            return True
        if not already_responding or wanted.attempts >= _ATTEMPTS:
            return False
        self._wanted.appendleft(wanted)
        self._blocked = self.active is None
        return True

    def request_overdue(self) -> bool:
        """Nothing came of the request in flight, or of what was in its way. True if nothing is lost by that."""
        was_blocked, self._blocked = self._blocked, False
        if self._pending is None:
            return was_blocked
        wanted = self._pending[1]
        self._pending = None
        if wanted.dropped:
            return True
        if wanted.attempts >= _ATTEMPTS:
            return False
        self._wanted.appendleft(wanted)
        return True

    def cut_off(self) -> bool:
        """The link broke: ask again for what was asked for, forget what ran; whether an answer was cut off."""
        self._blocked = False
        if self._pending is not None:
            wanted = self._pending[1]
            self._pending = None
            if not wanted.dropped:
                self._wanted.appendleft(wanted)
        cut, self.active = self.active, None
        return cut is not None and not self.is_silenced(cut)

    def wants(self, *purposes: Purpose) -> bool:
        """Whether a response of one of these purposes is wanted."""
        return any(wanted.purpose in purposes for wanted in self._wanted)

    def silent_for_s(self, now_s: float) -> float:
        """How long the running response has sent nothing."""
        return now_s - self._progress_s

    def abandon(self) -> list[Effect]:
        """Give up on a stuck response: cancel it and go on as if it had ended."""
        effects = [] if self.active is None else self.cancel(self.active)
        self.active = None
        return effects


def _merged(first: str | None, second: str | None) -> str | None:
    if first is None or second is None or first == second:
        return first or second
    return f"{first}\n{second}"
