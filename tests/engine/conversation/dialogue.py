"""Short words for long facts."""

from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.conversation import Conversation
from custom_components.rtvoice.engine.conversation.settings import ConversationSettings
from custom_components.rtvoice.engine.conversation.values import (
    NOTHING_HEARD,
    PlayoutPosition,
    ResponseStatus,
    ToolCall,
    ToolOutcome,
)

MS = 48
"""Bytes of a millisecond at 24 kHz."""


class Dialogue:
    """A conversation with its clock, what is heard, and what came out."""

    def __init__(self, **settings: object) -> None:
        self.conversation = Conversation(ConversationSettings(**settings))
        self.thorough = Conversation(ConversationSettings(**settings))
        """Is never told in short that an answer goes on: the same must come of it."""
        self.now_s = 0.0
        self.heard = NOTHING_HEARD
        self.all: list[e.Effect] = []

    def tell(self, *facts: f.Fact) -> list[e.Effect]:
        effects = [effect for fact in facts for effect in self._receive(fact)]
        assert effects == [effect for fact in facts for effect in self.thorough.receive(fact, self.heard, self.now_s)]
        self.all += effects
        return effects

    def _receive(self, fact: f.Fact) -> list[e.Effect]:
        effects = self.conversation.go_on(fact, self.now_s)
        return self.conversation.receive(fact, self.heard, self.now_s) if effects is None else effects

    def hear(self, item_id: str, ms: float) -> None:
        self.heard = PlayoutPosition(item_id, ms)

    def after(self, seconds: float, *facts: f.Fact) -> list[e.Effect]:
        self.now_s += seconds
        return self.tell(*facts)

    def texts(self) -> list[tuple[str, bool]]:
        return [(item.heard_text, item.interrupted) for item in self.conversation.messages()]


def ready(**settings: object) -> Dialogue:
    dialogue = Dialogue(**settings)
    dialogue.tell(f.SessionReady())
    return dialogue


def audio(response_id: str, item_id: str, ms: int, content_index: int = 0) -> f.AudioDelta:
    return f.AudioDelta(response_id, item_id, content_index, bytes(ms * MS))


def speaking(response_id: str = "r1", item: str = "i1", ms: int = 2000, **settings: object) -> Dialogue:
    """The agent is in the middle of a response that is being heard."""
    dialogue = ready(**settings)
    dialogue.tell(f.ResponseStarted(response_id), audio(response_id, item, ms), f.PlayoutStarted(item))
    return dialogue


def done(
    response_id: str = "r1", status: ResponseStatus = ResponseStatus.COMPLETED, *calls: ToolCall, **fields: object
) -> f.ResponseFinished:
    return f.ResponseFinished(response_id, status, tuple(calls), **fields)


def cancelled(response_id: str = "r1") -> f.ResponseFinished:
    return done(response_id, ResponseStatus.CANCELLED, reason="turn_detected")


def call(call_id: str = "c1", name: str = "turn_on", arguments: str = "{}", **fields: object) -> ToolCall:
    return ToolCall(call_id, name, arguments, **fields)


def result(call_id: str = "c1", output: str = "OK", **fields: object) -> f.ToolCallFinished:
    return f.ToolCallFinished(call_id, ToolOutcome(output, **fields))


def of_type[T](effects: list[e.Effect], kind: type[T]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def published(effects: list[e.Effect]) -> list[object]:
    return [effect.event for effect in effects if isinstance(effect, e.Publish)]


def states(effects: list[e.Effect]) -> list[str]:
    return [event.state for event in published(effects) if hasattr(event, "state")]
