"""What was said and done at a satellite, for those who look on or come later."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..engine import ConversationTurn
from ..engine.errors import EndReason
from ..engine.events import (
    AgentErrorEvent,
    AssistantInterruptedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)
from ..engine.everyday import WAIT_FOR_USER

MAX_TURNS: Final = 100
REMEMBERED_S: Final = 600.0
"""How long a session is shown after its end."""
_CHRONICLES: Final[HassKey[dict[str, Chronicle]]] = HassKey(f"{DOMAIN}_chronicles")

type Role = Literal["user", "assistant"]
type ToolStatus = Literal["running", "ok", "failed"]


@dataclass(frozen=True, slots=True)
class TurnUpdate:
    """A turn as far as it is known."""

    item_id: str
    role: Role
    text: str = ""
    final: bool = False
    interrupted: bool = False
    after: str | None = None
    """The turn that it follows: what the user said is often known later than what was answered."""


@dataclass(frozen=True, slots=True)
class ToolUpdate:
    """A tool call; what it was called with is nobody's business."""

    call_id: str
    name: str
    """What people call the tool."""
    status: ToolStatus
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorUpdate:
    """Something went wrong."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class EndedUpdate:
    """A session has ended."""

    session_id: str
    reason: str
    error: str | None


type Update = TurnUpdate | ToolUpdate | ErrorUpdate | EndedUpdate


@dataclass(slots=True)
class Chapter:
    """What a session looks like to a chronicle."""

    session_id: str | None = None
    """None: only something is announced."""
    order: Callable[[], Iterable[str]] = tuple
    """The items of the conversation, as they follow each other."""
    hide: Callable[[str], str] = str
    """Takes out of unfinished words what must not be seen."""
    title: Callable[[str], str] = str
    """What people call a tool."""
    failure: Callable[[], str | None] = lambda: None
    """The key of the error that the place has failed with."""
    pieces: dict[str, dict[int, str]] = field(default_factory=dict)
    """Words of unfinished turns, by item and content part."""


class Chronicle:
    """Of one satellite, across sessions and reloads: the turns and tool calls of its session, or of the last one.

    At most a hundred of each are kept (more: the oldest goes).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._chapter = Chapter()
        self._turns: dict[str, TurnUpdate] = {}
        self._order: list[str] = []
        self._tools: dict[str, ToolUpdate] = {}
        self._ended_s: float | None = None
        self._listeners: list[Callable[[Update | None], None]] = []

    @property
    def turns(self) -> list[TurnUpdate]:
        """What was said, in order."""
        self._forget_old()
        return [self._placed(self._turns[item_id]) for item_id in self._order]

    @property
    def tools(self) -> list[ToolUpdate]:
        """What was done, in order."""
        self._forget_old()
        return list(self._tools.values())

    def listen(self, listener: Callable[[Update | None], None]) -> Callable[[], None]:
        """Tell `listener` of everything; None: the satellite's state may have changed. Returns how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self) -> None:
        """The satellite's state may have changed."""
        self._tell(None)

    def begin(self, chapter: Chapter, history: Iterable[ConversationTurn] = ()) -> None:
        """A session begins, which goes on with what was said before; an announcement only adds to what is there."""
        self._forget_old()
        if chapter.session_id is not None:
            self._clear()
        self._chapter = chapter
        self._ended_s = None
        for turn in history:
            role: Role = "user" if turn.role == "user" else "assistant"
            self._put(TurnUpdate(turn.item_id, role, turn.transcript, final=True, interrupted=turn.interrupted))

    def receive(self, event: SessionEvent) -> None:
        """Take in an event of the session, with nothing in it that must not be seen."""
        match event:
            case UserTranscriptChunkReceivedEvent():
                self._add(event.item_id, "user", 0, event.chunk)
            case UserTranscriptCompletedEvent():
                self._put(TurnUpdate(event.item_id, "user", event.transcript, final=True))
            case UserTranscriptFailedEvent():
                self._put(TurnUpdate(event.item_id, "user", final=True))
            case AssistantTranscriptDeltaEvent():
                self._add(event.item_id, "assistant", event.content_index, event.delta)
            case AssistantTranscriptCompletedEvent():
                self._complete(event)
            case AssistantInterruptedEvent(item_id=str(item_id)):
                self._put(TurnUpdate(item_id, "assistant", event.transcript, final=True, interrupted=True))
            case ToolExecutionStartedEvent() if event.name != WAIT_FOR_USER.name:
                self._do(ToolUpdate(event.call_id, self._chapter.title(event.name), "running"))
            case ToolExecutedEvent() if event.name != WAIT_FOR_USER.name:
                status: ToolStatus = "ok" if event.ok else "failed"
                self._do(ToolUpdate(event.call_id, self._chapter.title(event.name), status))
            case AgentErrorEvent(error=error):
                key = self._chapter.failure() if error.type == EndReason.DEVICE_FAILED else None
                self._tell(ErrorUpdate(key or error.type, error.message))

    def end(self, reason: str, error: str | None) -> None:
        """The session has ended."""
        self._ended_s = self._clock()
        for turn in [turn for turn in self._turns.values() if not turn.final]:
            self._put(replace(turn, final=True))
        for tool in [tool for tool in self._tools.values() if tool.status == "running"]:
            self._do(replace(tool, status="failed"))
        session_id, self._chapter = self._chapter.session_id, Chapter()
        if session_id is not None:
            self._tell(EndedUpdate(session_id, reason, error))

    def _add(self, item_id: str, role: Role, part: int, words: str) -> None:
        known = self._turns.get(item_id)
        if known is not None and known.interrupted:
            return
        pieces = self._chapter.pieces.setdefault(item_id, {})
        pieces[part] = pieces.get(part, "") + words
        text = self._chapter.hide("".join(pieces[each] for each in sorted(pieces)))
        self._put(TurnUpdate(item_id, role, text))

    def _complete(self, event: AssistantTranscriptCompletedEvent) -> None:
        known = self._turns.get(event.item_id)
        if known is not None and known.interrupted:
            return
        pieces = self._chapter.pieces.setdefault(event.item_id, {})
        pieces[event.content_index] = event.transcript
        text = "".join(pieces[each] for each in sorted(pieces))
        self._put(TurnUpdate(event.item_id, "assistant", text, final=True))

    def _put(self, turn: TurnUpdate) -> None:
        if turn.item_id not in self._turns:
            self._find_place(turn.item_id)
        elif self._turns[turn.item_id] == turn:
            return
        self._turns[turn.item_id] = turn
        while len(self._order) > MAX_TURNS:
            gone = self._order.pop(0)
            self._turns.pop(gone, None)
            self._chapter.pieces.pop(gone, None)
        if turn.item_id in self._turns:
            self._tell(self._placed(turn))

    def _find_place(self, item_id: str) -> None:
        """Behind the turn that it follows in the conversation, as far as that one is shown; else at the end."""
        items = list(self._chapter.order())
        at = items.index(item_id) if item_id in items else len(items)
        for before in reversed(items[:at]):
            if before in self._turns:
                self._order.insert(self._order.index(before) + 1, item_id)
                return
        behind = next((other for other in items[at + 1 :] if other in self._turns), None)
        self._order.insert(len(self._order) if behind is None else self._order.index(behind), item_id)

    def _placed(self, turn: TurnUpdate) -> TurnUpdate:
        at = self._order.index(turn.item_id)
        return replace(turn, after=self._order[at - 1] if at else None)

    def _do(self, tool: ToolUpdate) -> None:
        self._tools[tool.call_id] = tool
        if len(self._tools) > MAX_TURNS:
            del self._tools[next(iter(self._tools))]
        self._tell(tool)

    def _tell(self, update: Update | None) -> None:
        for listener in tuple(self._listeners):
            listener(update)

    def _forget_old(self) -> None:
        if self._ended_s is not None and self._clock() - self._ended_s >= REMEMBERED_S:
            self._clear()

    def _clear(self) -> None:
        self._turns.clear()
        self._order.clear()
        self._tools.clear()


@callback
def async_chronicle(hass: HomeAssistant, subentry_id: str) -> Chronicle:
    """The chronicle of a satellite, whether its account is loaded or not."""
    chronicles: dict[str, Any] = hass.data.setdefault(_CHRONICLES, {})
    if subentry_id not in chronicles:
        chronicles[subentry_id] = Chronicle(hass.loop.time)
    chronicle: Chronicle = chronicles[subentry_id]
    return chronicle


@callback
def async_forget_chronicle(hass: HomeAssistant, subentry_id: str) -> None:
    """A satellite is gone."""
    hass.data.get(_CHRONICLES, {}).pop(subentry_id, None)
