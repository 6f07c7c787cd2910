"""Facts about what the agent does: responses, its words, and how much of them is heard."""

from typing import assert_never

from ..events import (
    AssistantStartedRespondingEvent,
    AudioPlaybackCompletedEvent,
    ResponseLatencyEvent,
    UsageEvent,
)
from .effects import Effect, Publish
from .facts import (
    AudioDelta,
    AudioFinished,
    BackgroundWorkChanged,
    PlayoutDrained,
    PlayoutStarted,
    ResponseFinished,
    ResponseStarted,
    ToolCallFinished,
    ToolProgressed,
    TranscriptDelta,
    TranscriptFinished,
)
from .parts import Parts, error
from .responses import Purpose, Wanted
from .values import ItemKind, ProviderFault, ResponseStatus, ResponseUsage, ToolChoice
from .words import agent_words

PROGRESS = "You are still working on it. Tell the user in one short sentence how it is going: {text}"

type SpeechFact = AudioDelta | AudioFinished | TranscriptDelta | TranscriptFinished


def on_speech(parts: Parts, fact: SpeechFact, now_s: float) -> list[Effect]:
    """Audio and words of a response, in the order of the wire."""
    parts.responses.progressed(now_s)
    if parts.settings.capabilities.continues_after_mcp_calls:
        parts.remote.told_in(fact.response_id)
    silenced = parts.responses.is_silenced(fact.response_id)
    item = parts.items.ensure(fact.item_id, ItemKind.AGENT_MESSAGE, now_s)
    if silenced and not (item.text or item.parts_ms):
        # Nothing of it was or will be heard.
        item.retracted = True
    match fact:
        case AudioDelta():
            parts.responses.spoken = True
            if silenced:
                parts.floor.withhold(item)
            return [] if silenced or item.interrupted else parts.floor.play(fact, item)
        case AudioFinished():
            item.audio_finished = not silenced
            return []
        case TranscriptDelta() | TranscriptFinished():
            return agent_words(parts.items, fact, item, silenced=silenced)
    assert_never(fact)


def on_response_started(parts: Parts, fact: ResponseStarted, now_s: float) -> list[Effect]:
    """A response began: ours, or the provider's own answer to a turn."""
    attributable = parts.settings.capabilities.echoes_metadata
    ours = parts.responses.started(fact.response_id, fact.request_id, attributable=attributable, now_s=now_s)
    if ours is not None and (ours.dropped or parts.turns.speaking):
        return _take_back(parts, ours, fact.response_id)
    if ours is None and (parts.interruption.take_discarded() or not parts.settings.answers_turns):
        return [*parts.turns.answered(), *parts.responses.cancel(fact.response_id)]
    parts.responses.forget(Purpose.FOLLOW_UP)
    parts.remote.response_began()
    return [*parts.turns.answered(), Publish(AssistantStartedRespondingEvent(fact.response_id))]


def on_response_finished(parts: Parts, fact: ResponseFinished) -> list[Effect]:
    """A response ended; its tool calls are due now."""
    parts.responses.finished(fact.response_id)
    untold = parts.responses.wants(Purpose.FOLLOW_UP) or parts.remote.due
    if fact.status is ResponseStatus.COMPLETED and not untold:
        parts.tools.spoken_about()
    effects = parts.tools.collect(fact)
    calls = bool(effects)
    effects += [*parts.floor.finish(), *parts.floor.tell_withheld()]
    if calls and not parts.responses.spoken and (holding := parts.tools.holding_instruction()) is not None:
        parts.responses.want(Wanted(Purpose.HOLDING, parts.instructed(holding), ToolChoice.NONE))
    if fact.usage != ResponseUsage():
        effects.append(Publish(_usage(fact.usage)))
    if fact.status is ResponseStatus.FAILED:
        effects.append(error("response_failed", fact.fault or ProviderFault(None, "The model failed to respond")))
    return effects


def on_work(parts: Parts, fact: ToolCallFinished | ToolProgressed | BackgroundWorkChanged) -> list[Effect]:
    """What becomes of the work that the agent has set off."""
    match fact:
        case ToolCallFinished():
            return _tool_finished(parts, fact)
        case ToolProgressed():
            return _tool_progressed(parts, fact)
        case BackgroundWorkChanged():
            parts.background_work = fact.working
            return []
    assert_never(fact)


def on_playout(parts: Parts, fact: PlayoutStarted | PlayoutDrained, now_s: float) -> list[Effect]:
    """What is heard at the satellite."""
    match fact:
        case PlayoutStarted():
            if not parts.floor.heard_first(fact.item_id):
                return []
            parts.interruption.over()
            latency_s = parts.turns.take_latency_s(now_s)
            latency: list[Effect] = [] if latency_s is None else [Publish(ResponseLatencyEvent(latency_s))]
            return [*parts.input.agent_sounds(), *latency]
        case PlayoutDrained():
            if not parts.floor.drained(fact.chunks):
                return []
            return [Publish(AudioPlaybackCompletedEvent()), *parts.input.agent_silent(now_s)]
    assert_never(fact)


def _tool_finished(parts: Parts, fact: ToolCallFinished) -> list[Effect]:
    """A tool call has its result; after the last of a response the agent speaks, unless the user has begun to."""
    effects, follow_up = parts.tools.finished(fact)
    if not parts.tools.running:
        parts.responses.forget(Purpose.HOLDING)
    if follow_up is not None:
        parts.responses.want(Wanted(Purpose.FOLLOW_UP, parts.instructed(follow_up.instruction)))
    return effects


def _tool_progressed(parts: Parts, fact: ToolProgressed) -> list[Effect]:
    """A running tool has something to tell; only the latest news is spoken."""
    if parts.tools.runs(fact.call_id):
        parts.responses.forget(Purpose.HOLDING)
        instructions = parts.instructed(PROGRESS.format(text=fact.text))
        parts.responses.want(Wanted(Purpose.HOLDING, instructions, ToolChoice.NONE))
    return []


def _take_back(parts: Parts, ours: Wanted, response_id: str) -> list[Effect]:
    """Cancel a response that began too late: the user speaks now, or nobody wants it any more."""
    if not ours.dropped:
        parts.responses.want(ours)
    return parts.responses.cancel(response_id)


def _usage(usage: ResponseUsage) -> UsageEvent:
    return UsageEvent(
        input_text=usage.input.text,
        input_audio=usage.input.audio,
        input_image=usage.input.image,
        cached_text=usage.cached.text,
        cached_audio=usage.cached.audio,
        cached_image=usage.cached.image,
        output_text=usage.output.text,
        output_audio=usage.output.audio,
    )
