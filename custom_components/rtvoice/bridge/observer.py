"""Carries what happens in a session to the parties that entities follow."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from homeassistant.core import Context

from ..engine.events import AgentErrorEvent, SessionEvent, ToolExecutedEvent, ToolExecutionStartedEvent
from .occurrences import Occurrence, occurrence_of
from .parties import Agent, Party
from .snapshot import Snapshot, ToolUse, fold


class Observer:
    """Sees one session and shows it. Tools are shown under the names that Home Assistant gave them."""

    def __init__(self, session_id: str, parties: Iterable[Party], context: Context | None = None) -> None:
        self._session_id = session_id
        self._context = context
        self._parties = tuple(parties)
        self._names: Mapping[str, str] = {}
        may_be_recorded = any(isinstance(party, Agent) and party.may_be_recorded for party in self._parties)
        self._snapshot = self._parties[0].activity.snapshot.opened(may_be_recorded=may_be_recorded)
        self.tools: list[ToolUse] = []
        self.last_error: str | None = None

    @property
    def snapshot(self) -> Snapshot:
        """What the session is seen doing."""
        return self._snapshot

    def call_tools_by(self, names: Mapping[str, str]) -> None:
        """From now on, show tools under these names; the keys are those that the model knows."""
        self._names = names

    def show(self, snapshot: Snapshot) -> None:
        """Show this."""
        self._snapshot = snapshot
        for party in self._parties:
            party.activity.show(self._session_id, snapshot)

    def tell(self, occurrence: Occurrence) -> None:
        """Tell the parties' listeners."""
        occurrence = replace(occurrence, context=self._context)
        for party in self._parties:
            party.activity.tell(occurrence)

    def receive(self, event: SessionEvent) -> SessionEvent:
        """Take in an event. Returns it with tools named as in Home Assistant."""
        event = self._named(event)
        if isinstance(event, ToolExecutedEvent):
            self.tools.append(ToolUse(event.name, event.arguments, event.ok, round(event.duration_s * 1000)))
        if isinstance(event, AgentErrorEvent):
            self.last_error = event.error.message
        if (snapshot := fold(self._snapshot, event)) != self._snapshot:
            self.show(snapshot)
        if (occurrence := occurrence_of(event)) is not None:
            self.tell(occurrence)
        return event

    def end(self) -> None:
        """The session has ended."""
        for party in self._parties:
            party.activity.end(self._session_id)

    def _named(self, event: SessionEvent) -> SessionEvent:
        if isinstance(event, (ToolExecutedEvent, ToolExecutionStartedEvent)):
            return replace(event, name=self._names.get(event.name, event.name))
        return event
