"""How much audio a page may send."""

from typing import Final

from .wire import FaultCode, PageFaultError

_LEAK: Final = 1.1
"""Seconds of audio a second: clocks differ, and a little more does no harm."""
_CAPACITY_S: Final = 10.0
"""What may come at once, after the network has stood still."""


class Allowance:
    """A bucket of audio that leaks a little faster than time passes; who makes it overflow sends too much."""

    def __init__(self) -> None:
        self._level_s = 0.0
        self._at_s = 0.0

    def spend(self, duration_s: float, now_s: float) -> None:
        """Audio of a duration came. Raises PageFaultError when that is too much."""
        self._level_s = max(0.0, self._level_s - (now_s - self._at_s) * _LEAK) + duration_s
        self._at_s = now_s
        if self._level_s > _CAPACITY_S:
            raise PageFaultError(FaultCode.TOO_MUCH_AUDIO, "The page sends audio faster than it can be spoken")
