"""What goes back and forth between a subagent at work and whoever gave it the task."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from ..conversation.values import ResponseUsage

_LOGGER = logging.getLogger(__name__)
_MAX_UPDATES: Final = 20


class Liaison:
    """Takes updates for one task, and tells its progress and the tokens it takes.

    Without `on_progress` the subagent is not offered to report. At most 20 updates wait, of more the oldest are lost
    and logged.
    """

    def __init__(
        self,
        *,
        on_progress: Callable[[str], None] | None = None,
        on_usage: Callable[[ResponseUsage], None] | None = None,
    ) -> None:
        self.on_progress = on_progress
        self._on_usage = on_usage
        self._updates: deque[str] = deque(maxlen=_MAX_UPDATES)

    @property
    def has_updates(self) -> bool:
        """Whether anything was told that the subagent has not seen."""
        return bool(self._updates)

    def tell(self, update: str) -> None:
        """Tell the subagent something new; it sees it before its next step, and does not finish without."""
        if len(self._updates) == _MAX_UPDATES:
            _LOGGER.warning("A subagent was told too much at once; the oldest update is lost")
        self._updates.append(update)

    def take_updates(self) -> list[str]:
        """All updates that were not seen, which now are."""
        taken = list(self._updates)
        self._updates.clear()
        return taken

    def report(self, text: str) -> None:
        """Tell how the work goes."""
        tell(self.on_progress, text)

    def spent(self, usage: ResponseUsage) -> None:
        """Tell what an answer of the chat model took."""
        tell(self._on_usage, usage)


def tell[**P](listener: Callable[P, None] | None, *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a listener, if there is one; whatever it raises must not stop the work."""
    if listener is None:
        return
    try:
        listener(*args, **kwargs)
    except Exception:
        _LOGGER.exception("What a subagent told could not be taken")
