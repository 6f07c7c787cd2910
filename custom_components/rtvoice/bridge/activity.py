"""What entities follow: the doings of one agent or on one satellite, across its sessions."""

from collections.abc import Callable
from dataclasses import replace

from ..engine import AgentState
from .occurrences import Occurrence
from .snapshot import Snapshot


class Activity:
    """What is seen now, and who wants to know when it changes.

    Of several sessions at a time the latest is shown in which something goes on, or else the one in which something
    went on last. When it ends, the one before it. After the last one, what was said remains to be read.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Snapshot] = {}
        self._last = Snapshot()
        self._shown: Snapshot | None = None
        """What is seen now, as soon as somebody has looked."""
        self._watchers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[Occurrence], None]] = []

    @property
    def snapshot(self) -> Snapshot:
        """What is seen now."""
        if self._shown is None:
            self._shown = self._seen()
        return self._shown

    def _seen(self) -> Snapshot:
        latest_first = tuple(reversed(self._sessions.values()))
        busy = (snapshot for snapshot in latest_first if snapshot.status is not AgentState.IDLE)
        shown = next(busy, next(iter(latest_first), self._last))
        return replace(shown, in_session=any(snapshot.in_session for snapshot in latest_first))

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` whenever something changed. Returns how to end that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def listen(self, listener: Callable[[Occurrence], None]) -> Callable[[], None]:
        """Tell `listener` what happens. Returns how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def show(self, session_id: str, snapshot: Snapshot) -> None:
        """A session is seen doing this."""
        before = self._sessions.get(session_id)
        if before == snapshot:
            return
        if before is not None and before.status is AgentState.IDLE:
            # Something goes on in it again: it is the latest now.
            del self._sessions[session_id]
        self._sessions[session_id] = snapshot
        self._shown = None
        self.changed()

    def end(self, session_id: str) -> None:
        """A session has ended."""
        if (snapshot := self._sessions.pop(session_id, None)) is None:
            return
        self._last = snapshot.closed()
        self._shown = None
        self.changed()

    def changed(self) -> None:
        """Tell the watchers."""
        for watcher in tuple(self._watchers):
            watcher()

    def tell(self, occurrence: Occurrence) -> None:
        """Something happened."""
        for listener in tuple(self._listeners):
            listener(occurrence)
