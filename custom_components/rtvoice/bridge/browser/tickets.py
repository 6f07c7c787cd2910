"""Leave to open the audio socket of a satellite once, for a short time."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

VALID_S: Final = 30.0
_MAX_TICKETS: Final = 256


@dataclass(frozen=True, slots=True)
class _Ticket:
    user_id: str
    entity_id: str
    until_s: float


class Tickets:
    """At most 256 are out; more: the oldest is good no more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._out: dict[str, _Ticket] = {}

    def issue(self, user_id: str, entity_id: str) -> str:
        """A ticket for this user and this satellite."""
        now_s = self._clock()
        self._out = {token: ticket for token, ticket in self._out.items() if now_s < ticket.until_s}
        while len(self._out) >= _MAX_TICKETS:
            del self._out[next(iter(self._out))]
        token = secrets.token_urlsafe(32)
        self._out[token] = _Ticket(user_id, entity_id, now_s + VALID_S)
        return token

    def redeem(self, token: str, user_id: str) -> str | None:
        """The entity id that a ticket is for; None where it is not good for this user now. It is used up by that."""
        ticket = self._out.pop(token, None)
        if ticket is None or ticket.user_id != user_id or self._clock() >= ticket.until_s:
            return None
        return ticket.entity_id
