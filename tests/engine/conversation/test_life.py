import ast
from pathlib import Path

from custom_components.rtvoice.engine import conversation as package
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import (
    ArmTimer,
    Close,
    CreateResponse,
    DisarmTimer,
    PlayCue,
    Publish,
)
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, MessageSent, SayAsked, StopAsked
from custom_components.rtvoice.engine.conversation.values import Cue, ProviderFault, ResponseStatus, ToolChoice
from custom_components.rtvoice.engine.errors import AuthenticationError, ConnectionLostError, EndReason
from custom_components.rtvoice.engine.events import (
    AgentError,
    AgentErrorEvent,
    AgentStateChangedEvent,
    UserInactivityCountdownEvent,
    UserInactivityTimeoutEvent,
)

from .dialogue import Dialogue, audio, call, cancelled, done, of_type, published, ready, result, speaking, states

TICK = f.TimerFired(f.Timer.INACTIVITY)


def test_failure_ends_the_session_with_its_reason() -> None:
    error = ConnectionLostError("Gone")
    assert ready().tell(f.SessionFailed(error)) == [
        Publish(AgentErrorEvent(AgentError("connection_lost", "Gone"))),
        DisarmTimer(f.Timer.ROLLOVER),
        Publish(AgentStateChangedEvent("idle")),
        Close(EndReason.CONNECTION_LOST, error),
    ]


def test_failure_before_the_session_was_ready_ends_it_too() -> None:
    error = AuthenticationError("Wrong key")
    assert Dialogue().tell(f.SessionFailed(error))[-1] == Close(EndReason.AUTHENTICATION_FAILED, error)


def test_nothing_follows_the_end() -> None:
    dialogue = speaking()
    dialogue.tell(StopAsked())
    assert dialogue.tell(f.SpeechStarted(), SayAsked("Hi"), StopAsked(), TICK) == []


FAREWELL = StopAsked(EndReason.BUDGET_EXCEEDED, when_silent=True, farewell="Say goodbye.")


def test_a_farewell_is_spoken_when_the_agent_has_finished_and_then_the_session_ends() -> None:
    dialogue = speaking(instructions="Be kind.")
    assert not of_type(dialogue.tell(FAREWELL), CreateResponse)
    (farewell,) = of_type(dialogue.tell(done()), CreateResponse)
    assert (farewell.instructions, farewell.tool_choice) == ("Be kind.\n\nSay goodbye.", ToolChoice.NONE)
    assert not of_type(dialogue.tell(f.PlayoutDrained(1)), Close)
    dialogue.tell(f.ResponseStarted("r2", "response-1"), audio("r2", "i2", 500), f.PlayoutStarted("i2"), done("r2"))
    assert of_type(dialogue.tell(f.PlayoutDrained(2)), Close) == [Close(EndReason.BUDGET_EXCEEDED)]


def test_a_session_that_is_ending_already_has_no_farewell() -> None:
    dialogue = speaking()
    effects = dialogue.tell(StopAsked(when_silent=True), FAREWELL, done(), f.PlayoutDrained(1))
    assert not of_type(effects, CreateResponse)
    assert of_type(effects, Close) == [Close(EndReason.STOPPED)]


def test_a_farewell_that_is_interrupted_or_refused_is_not_said_again() -> None:
    dialogue = speaking()
    dialogue.tell(FAREWELL)
    effects = dialogue.tell(InterruptAsked(), cancelled())
    assert not of_type(effects, CreateResponse)
    assert of_type(effects, Close) == [Close(EndReason.BUDGET_EXCEEDED)]
    refused = ready()
    refused.tell(FAREWELL)
    fault = f.RequestRejected(ProviderFault(None, "No"), "response-1")
    assert of_type(refused.tell(fault), Close) == [Close(EndReason.BUDGET_EXCEEDED)]


def test_without_a_provider_there_is_no_farewell() -> None:
    assert Dialogue().tell(FAREWELL)[-1] == Close(EndReason.BUDGET_EXCEEDED)


def test_no_deadline_outlives_the_session() -> None:
    dialogue = speaking(inactivity_timeout_s=30)
    dialogue.tell(SayAsked("x"), StopAsked())
    armed: set[f.Timer] = set()
    for effect in dialogue.all:
        if isinstance(effect, ArmTimer):
            armed.add(effect.timer)
        if isinstance(effect, DisarmTimer):
            armed.discard(effect.timer)
    assert armed == set()


def test_countdown_is_exact() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    assert ArmTimer(f.Timer.INACTIVITY, 25) in dialogue.all
    for remaining, wait in ((5, 25), (4, 1), (3, 1), (2, 1), (1, 1)):
        effects = dialogue.after(wait, TICK)
        assert published(effects) == [UserInactivityCountdownEvent(remaining)]
        assert of_type(effects, ArmTimer) == [ArmTimer(f.Timer.INACTIVITY, 1)]
    effects = dialogue.after(1, TICK)
    assert published(effects)[0] == UserInactivityTimeoutEvent(30)
    assert effects[-1] == Close(EndReason.INACTIVITY)


def test_speaking_starts_the_countdown_anew() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    dialogue.after(25, TICK)
    assert DisarmTimer(f.Timer.INACTIVITY) in dialogue.after(1, f.SpeechStarted())
    effects = dialogue.tell(f.SpeechStopped(), f.ResponseStarted("r1"), done())
    assert ArmTimer(f.Timer.INACTIVITY, 25) in effects


def test_running_tools_and_speech_pause_it() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    effects = dialogue.tell(f.ResponseStarted("r1"), done("r1", ResponseStatus.COMPLETED, call()))
    assert not [effect for effect in of_type(effects, ArmTimer) if effect.timer is f.Timer.INACTIVITY]
    assert dialogue.after(100, TICK) == []
    effects = dialogue.tell(result(respond=False))
    assert ArmTimer(f.Timer.INACTIVITY, 25) in effects


def test_short_timeouts_count_down_what_there_is() -> None:
    dialogue = ready(inactivity_timeout_s=3)
    assert ArmTimer(f.Timer.INACTIVITY, 0) in dialogue.all
    assert published(dialogue.tell(TICK)) == [UserInactivityCountdownEvent(3)]


def test_typed_message_restarts_it() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    assert DisarmTimer(f.Timer.INACTIVITY) in dialogue.after(1, MessageSent("Hi"))


def test_without_a_timeout_there_is_no_countdown() -> None:
    assert [effect.timer for effect in of_type(ready().all, ArmTimer)] == [f.Timer.ROLLOVER]


def test_the_conversation_is_pure() -> None:
    impure = {"asyncio", "time", "random", "logging", "datetime", "os", "threading"}
    (folder,) = package.__path__
    for path in Path(folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module else []
            assert not impure & {name.split(".")[0] for name in names}, path.name


def test_cues_are_played_when_it_is_time_for_them() -> None:
    dialogue = Dialogue(cues=frozenset(Cue))
    effects = dialogue.tell(f.SessionReady())
    assert of_type(effects, PlayCue) == [PlayCue(Cue.LISTENING)]
    assert of_type(dialogue.tell(f.SpeechStarted(), f.SpeechStopped()), PlayCue) == [PlayCue(Cue.THINKING)]
    dialogue.tell(f.ResponseStarted("r1"), audio("r1", "i1", 100), f.PlayoutStarted("i1"))
    dialogue.hear("i1", 50)
    effects = dialogue.tell(InterruptAsked())
    assert states(effects) == ["thinking"]
    assert not of_type(effects, PlayCue), "the user has not spoken"
    dialogue.tell(cancelled())
    assert not of_type(dialogue.tell(f.LinkLost(), f.SessionReady()), PlayCue), "it is the same session"


def test_no_cue_is_played_that_nobody_wants() -> None:
    dialogue = Dialogue(cues=frozenset({Cue.THINKING}))
    assert not of_type(dialogue.tell(f.SessionReady()), PlayCue)
    dialogue = Dialogue()
    assert not of_type(dialogue.tell(f.SessionReady(), f.SpeechStarted(), f.SpeechStopped()), PlayCue)


def test_there_may_be_more_to_come_until_all_is_answered_though_not_yet_heard() -> None:
    dialogue = Dialogue()
    conversation = dialogue.conversation
    assert conversation.composing, "there is no provider yet"
    dialogue.tell(f.SessionReady())
    assert not conversation.composing
    dialogue.tell(f.SpeechStarted("u1"))
    assert conversation.composing
    dialogue.tell(f.SpeechStopped("u1"), f.TurnCommitted("u1"), f.ResponseStarted("r1"))
    dialogue.tell(audio("r1", "i1", 1000), done("r1", ResponseStatus.COMPLETED, call()))
    assert conversation.composing, "a tool runs"
    dialogue.tell(result(), f.ResponseStarted("r2", "response-1"))
    assert conversation.composing
    dialogue.tell(audio("r2", "i2", 1000), done("r2"))
    assert not conversation.composing
    assert conversation.state == "thinking", "what was composed is still to be heard"
