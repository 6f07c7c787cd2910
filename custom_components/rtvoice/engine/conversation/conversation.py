"""The dialogue: one place decides what every fact leads to."""

from typing import assert_never

from ..errors import EndReason
from ..events import (
    AgentError,
    AgentErrorEvent,
    AgentSessionConnectedEvent,
    AgentStateChangedEvent,
    AssistantStartedRespondingEvent,
    AssistantStoppedRespondingEvent,
    UserStoppedSpeakingEvent,
)
from . import facts as f
from .agent_side import (
    on_playout,
    on_response_finished,
    on_response_started,
    on_speech,
    on_work,
)
from .asked import Asked
from .compaction import Compaction
from .deadlines import EARLY_S, RESPONSE_PROGRESS_S
from .effects import MODEL_COMMANDS, Close, Effect, ForgetCommit, PlayCue, Publish
from .items import Item
from .parts import Parts, error
from .recovery import Recovery
from .remote_facts import (
    ApprovalDecided,
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteListingFailed,
)
from .responses import Purpose
from .settings import ConversationSettings
from .user_side import on_item, on_turn, on_user_words
from .values import AgentState, Cue, PlayoutPosition, ProviderFault

_PIECES = (f.AudioDelta, f.TranscriptDelta)


class Conversation:
    """Facts in, effects out. Whatever is decided about the dialogue is decided here."""

    def __init__(self, settings: ConversationSettings) -> None:
        self._parts = Parts(settings)
        self._asked = Asked(self._parts)
        self._recovery = Recovery(self._parts)
        self._compaction = Compaction(self._parts, settings.compact_above_tokens)
        self._state = AgentState.CONNECTING
        self._ready = False
        self._responding = False

    @property
    def state(self) -> AgentState:
        """What the agent is doing; IDLE when the session has ended."""
        return self._state

    @property
    def composing(self) -> bool:
        """Whether there may be more to come: a response or a tool runs or is wanted, or the user is heard."""
        parts = self._parts
        at_work = parts.responses.busy or parts.tools.running or parts.remote.running or parts.remote.due
        return not self._ready or at_work or parts.turns.hold

    def messages(self) -> tuple[Item, ...]:
        """What was said so far, in the conversation's order."""
        return self._parts.items.messages()

    def go_on(self, fact: f.Fact, now_s: float) -> list[Effect] | None:
        """What a piece of an answer leads to that only adds to what is being said; None for all that must be received.

        There is nothing to settle then that was not before, and it does not matter what has been heard of it.
        """
        if not isinstance(fact, _PIECES) or self._parts.responses.active != fact.response_id:
            return None
        if not self._parts.floor.busy or self._state is AgentState.IDLE:
            return None
        return on_speech(self._parts, fact, now_s)

    def receive(self, fact: f.Fact, playout: PlayoutPosition, now_s: float) -> list[Effect]:
        """Take note of a fact and say what is to be done, in this order.

        `playout` is what has been heard at this moment, `now_s` a monotonic clock. Nothing follows a `Close`.
        """
        if self._state is AgentState.IDLE:
            return []
        effects = self._dispatch(fact, playout, now_s)
        if not _closes(effects):
            effects += self._settle(now_s)
        if not self._ready:
            # There is no provider to tell; once there is one again, it is told everything anew.
            effects = [effect for effect in effects if not isinstance(effect, MODEL_COMMANDS)]
        if _closes(effects):
            effects = [*_but_close(effects), *self._end(now_s), _close(effects)]
        return effects

    def _dispatch(self, fact: f.Fact, playout: PlayoutPosition, now_s: float) -> list[Effect]:
        parts = self._parts
        match fact:
            case f.AudioDelta() | f.AudioFinished() | f.TranscriptDelta() | f.TranscriptFinished():
                return on_speech(parts, fact, now_s)
            case f.SpeechStarted() | f.SpeechStopped() | f.TurnCommitted():
                return on_turn(parts, fact, playout, now_s)
            case f.ItemAdded() | f.ItemTruncated() | f.ItemDeleted():
                return on_item(parts, fact, now_s)
            case f.UserTranscriptDelta() | f.UserTranscriptFinished() | f.UserTranscriptFailed():
                return on_user_words(parts, fact, now_s)
            case f.PlayoutStarted() | f.PlayoutDrained():
                return on_playout(parts, fact, now_s)
            case f.ResponseStarted() | f.ResponseFinished() | f.SessionUpdated() | f.RequestRejected():
                return self._on_reply(fact, now_s)
            case f.ToolCallFinished() | f.ToolProgressed() | f.BackgroundWorkChanged():
                return on_work(parts, fact)
            case (
                RemoteListingFailed()
                | RemoteCallStarted()
                | RemoteCallFinished()
                | ApprovalRequested()
                | ApprovalDecided()
            ):
                return parts.remote.receive(fact, now_s)
            case f.SessionReady() | f.LinkLost() | f.TimerFired() | f.SessionFailed():
                return self._on_own(fact, playout, now_s)
            case _:
                return self._asked.carry_out(fact, playout, now_s)

    def _on_reply(
        self, fact: f.ResponseStarted | f.ResponseFinished | f.SessionUpdated | f.RequestRejected, now_s: float
    ) -> list[Effect]:
        match fact:
            case f.ResponseStarted():
                effects = on_response_started(self._parts, fact, now_s)
                self._responding = self._responding or any(map(_starts_responding, effects))
                return effects
            case f.ResponseFinished():
                self._compaction.note(fact.usage.input.total)
                effects = on_response_finished(self._parts, fact)
                return [*effects, *self._parts.remote.response_ended(fact, now_s)]
            case f.SessionUpdated():
                self._parts.updates.accepted()
                return []
            case f.RequestRejected():
                return self._on_rejected(fact)
        assert_never(fact)

    def _on_rejected(self, fact: f.RequestRejected) -> list[Effect]:
        responses = self._parts.responses
        if fact.rejection is f.Rejection.EMPTY_INPUT:
            self._parts.turns.taken()
            responses.forget(Purpose.TURN)
            responses.drop_pending(Purpose.TURN)
            return [ForgetCommit()] if self._parts.settings.push_to_talk else []
        if fact.rejection in (f.Rejection.NOTHING_TO_CANCEL, f.Rejection.ITEM_GONE):
            return []
        if self._parts.updates.rejected(fact.request_id, responding=responses.active is not None):
            return []
        already = fact.rejection is f.Rejection.ALREADY_RESPONDING
        harmless = responses.rejected(fact.request_id, already_responding=already)
        return [] if harmless else [error("request_rejected", fact.fault)]

    def _on_own(
        self,
        fact: f.SessionReady | f.LinkLost | f.TimerFired | f.SessionFailed,
        playout: PlayoutPosition,
        now_s: float,
    ) -> list[Effect]:
        match fact:
            case f.SessionReady():
                return self._on_ready(playout, now_s)
            case f.LinkLost():
                self._ready = False
                self._asked.close()
                self._compaction.forgotten()
                self._parts.updates.forgotten()
                return [*self._recovery.lost(now_s), *self._enter(AgentState.RECONNECTING)]
            case f.TimerFired():
                return self._on_timer(fact.timer, now_s) if self._parts.deadlines.take_fired(fact.timer, now_s) else []
            case f.SessionFailed():
                reason = fact.error.end_reason
                return [Publish(AgentErrorEvent(AgentError(reason.value, str(fact.error)))), Close(reason, fact.error)]
        assert_never(fact)

    def _on_ready(self, playout: PlayoutPosition, now_s: float) -> list[Effect]:
        """Begin, or go on where the link broke."""
        self._ready = True
        effects = self._recovery.ready(now_s)
        if self._state is AgentState.CONNECTING:
            effects += [Publish(AgentSessionConnectedEvent()), *self._sound(Cue.LISTENING)]
            if (max_length_s := self._parts.settings.max_length_s) is not None:
                effects += self._parts.deadlines.arm(f.Timer.MAX_LENGTH, max_length_s, now_s)
        return [*effects, *self._asked.open(playout, now_s)]

    def _on_timer(self, timer: f.Timer, now_s: float) -> list[Effect]:
        parts = self._parts
        match timer:
            case f.Timer.INACTIVITY:
                return parts.inactivity.tick(now_s)
            case f.Timer.TURN_ANSWER:
                parts.turns.overdue()
                return []
            case f.Timer.USER_SPEECH:
                parts.turns.endless()
                return [Publish(UserStoppedSpeakingEvent())]
            case f.Timer.RESPONSE_REQUEST:
                return self._on_overdue_request()
            case f.Timer.RESPONSE_PROGRESS:
                return self._on_silent_response(now_s)
            case f.Timer.HALF_DUPLEX:
                return parts.input.echo_gone()
            case f.Timer.REMOTE_CALL:
                return parts.remote.overdue(now_s)
            case f.Timer.MAX_LENGTH:
                self._asked.stop_when_silent(EndReason.MAX_LENGTH)
                return []
            case f.Timer.ROLLOVER:
                self._recovery.roll_over_soon()
                return []
        assert_never(timer)

    def _on_overdue_request(self) -> list[Effect]:
        if self._parts.responses.request_overdue():
            return []
        return [error("no_response", ProviderFault(None, "The model did not begin to respond in time"))]

    def _on_silent_response(self, now_s: float) -> list[Effect]:
        parts = self._parts
        silent_for_s = 0.0 if parts.remote.running else parts.responses.silent_for_s(now_s)
        remaining_s = RESPONSE_PROGRESS_S - silent_for_s
        if remaining_s > EARLY_S:
            return parts.deadlines.arm(f.Timer.RESPONSE_PROGRESS, remaining_s, now_s)
        fault = ProviderFault(None, "The model stopped in the middle of a response")
        return [*parts.responses.abandon(), *parts.floor.finish(), error("response_stuck", fault)]

    def _settle(self, now_s: float) -> list[Effect]:
        """What follows from the state that the fact led to."""
        if not self._ready:
            return []
        parts = self._parts
        effects = parts.updates.flush(responding=parts.responses.active is not None)
        effects += parts.remote.settle(now_s)
        if not parts.turns.hold:
            effects += parts.responses.pump()
        effects += parts.responses.watch(now_s)
        if self._responding and parts.responses.active is None and not parts.floor.busy:
            self._responding = False
            effects.append(Publish(AssistantStoppedRespondingEvent()))
        if parts.quiet and self._asked.stop is not None:
            return [*effects, Close(self._asked.stop.reason)]
        effects += parts.inactivity.follow(quiet=parts.quiet and not parts.background_work, now_s=now_s)
        effects += self._recovery.settle() or self._compaction.settle()
        return [*effects, *self._enter(self._current_state())]

    def _current_state(self) -> AgentState:
        parts = self._parts
        if parts.floor.sounding:
            return AgentState.SPEAKING
        if parts.turns.speaking:
            return AgentState.LISTENING
        return AgentState.LISTENING if parts.quiet else AgentState.THINKING

    def _enter(self, state: AgentState) -> list[Effect]:
        if state is self._state:
            return []
        heard = (self._state, state) == (AgentState.LISTENING, AgentState.THINKING)
        self._state = state
        return [Publish(AgentStateChangedEvent(state.value)), *(self._sound(Cue.THINKING) if heard else [])]

    def _sound(self, cue: Cue) -> list[Effect]:
        return [PlayCue(cue)] if cue in self._parts.settings.cues else []

    def _end(self, now_s: float) -> list[Effect]:
        parts = self._parts
        stopped = [*parts.tools.end(), *parts.remote.cut_off(now_s)]
        return [*stopped, *parts.deadlines.disarm_all(), *self._enter(AgentState.IDLE)]


def _starts_responding(effect: Effect) -> bool:
    return isinstance(effect, Publish) and isinstance(effect.event, AssistantStartedRespondingEvent)


def _closes(effects: list[Effect]) -> bool:
    return any(isinstance(effect, Close) for effect in effects)


def _but_close(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Close)]


def _close(effects: list[Effect]) -> Close:
    return next(effect for effect in effects if isinstance(effect, Close))
