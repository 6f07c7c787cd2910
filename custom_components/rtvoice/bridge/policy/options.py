"""What an agent may do, as a person has set it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Any, Final, Self

from ...const import (
    CONF_PIN,
    CONF_QUIET_END,
    CONF_QUIET_PERMISSION,
    CONF_QUIET_START,
    CONF_RESTRICTED_DENIED,
    CONF_RESTRICTED_ONLY,
    CONF_RESTRICTED_SATELLITES,
    CONF_SENSITIVE,
    CONF_SENSITIVE_PERMISSION,
)


class Permission(StrEnum):
    """What becomes of a call that touches something sensitive; later members are stricter."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    """It runs after the user has said yes."""
    PIN = "pin"
    """It runs after the user has said the PIN."""
    DENY = "deny"

    def or_stricter(self, other: Permission) -> Permission:
        """The stricter of the two."""
        return max(self, other, key=tuple(Permission).index)


DESTRUCTIVE: Final = "destructive_tool"
"""Tools that say of themselves that they destroy, and calls of which nobody can tell what they touch."""
COVER_CLASSES: Final[Mapping[str, str]] = {"garage_door": "garage", "gate": "gate", "door": "door"}
"""Kinds of things that are covers of a device class."""
KINDS: Final = ("lock", "alarm_control_panel", "valve", *COVER_CLASSES, DESTRUCTIVE)
"""What is sensitive unless the user says otherwise."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of day, past midnight if it ends before it begins."""

    start: time
    end: time

    def include(self, now: time) -> bool:
        """Whether it is that time."""
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """An agent's rules."""

    permission: Permission = Permission.CONFIRM
    """For what is sensitive."""
    sensitive: tuple[str, ...] = KINDS
    """Kinds of KINDS, domains, entity ids and tools; the last two may have wildcards."""
    pin: str | None = field(default=None, repr=False)
    quiet: QuietHours | None = None
    quiet_permission: Permission = Permission.DENY
    """For what is sensitive or loud, in quiet hours."""
    restricted_satellites: tuple[str, ...] = ()
    """Entity ids of satellites with fewer rights."""
    restricted_denied: tuple[str, ...] = ()
    """What those may not touch, as in `sensitive`; empty together with the next: what is sensitive."""
    restricted_only: tuple[str, ...] = ()
    """What alone those may touch; empty: anything that is not denied."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the data of an agent's subentry; raises ValueError where that makes no sense."""
        default = cls()
        pin = data.get(CONF_PIN) or None
        permission = Permission(data.get(CONF_SENSITIVE_PERMISSION, default.permission))
        return cls(
            # Without a PIN nobody can know it.
            permission=Permission.DENY if permission is Permission.PIN and pin is None else permission,
            sensitive=tuple(data.get(CONF_SENSITIVE) or default.sensitive),
            pin=pin,
            quiet=_quiet_hours(data),
            quiet_permission=Permission(data.get(CONF_QUIET_PERMISSION, default.quiet_permission)),
            restricted_satellites=tuple(data.get(CONF_RESTRICTED_SATELLITES, ())),
            restricted_denied=tuple(data.get(CONF_RESTRICTED_DENIED, ())),
            restricted_only=tuple(data.get(CONF_RESTRICTED_ONLY, ())),
        )

    @property
    def asks(self) -> bool:
        """Whether any call may have to be confirmed."""
        asking = {Permission.CONFIRM, Permission.PIN}
        return self.permission in asking or (self.quiet is not None and self.quiet_permission in asking)


def _quiet_hours(data: Mapping[str, Any]) -> QuietHours | None:
    start, end = data.get(CONF_QUIET_START), data.get(CONF_QUIET_END)
    if not start or not end or start == end:
        return None
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end))
