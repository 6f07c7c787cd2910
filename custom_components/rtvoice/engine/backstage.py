"""What an agent's equipment tells while the agent runs."""

from collections.abc import Callable
from typing import override

from .conversation.facts import BackgroundWorkChanged
from .conversation.user_commands import NoteAdded
from .conversation.values import ResponseUsage
from .equipment import EquipmentObserver
from .events import SessionEvent
from .run import Run


class Backstage(EquipmentObserver):
    """Tells an agent's run, where there is one, what becomes of the equipment."""

    def __init__(
        self, *, run: Callable[[], Run | None], at_work: Callable[[], bool], offer: Callable[[], None]
    ) -> None:
        self._run = run
        self._at_work = at_work
        self._offer = offer

    @override
    def on_tools_changed(self) -> None:
        self._offer()

    @override
    def on_work(self, event: SessionEvent) -> None:
        if (run := self._run()) is not None:
            run.post(BackgroundWorkChanged(self._at_work()))
            run.announce(event)

    @override
    def on_report(self, text: str) -> None:
        if (run := self._run()) is not None:
            run.post(NoteAdded(text, respond=True))

    @override
    def on_usage(self, source: str, model: str, usage: ResponseUsage) -> None:
        if (run := self._run()) is not None:
            run.chatted(source, model, usage)
