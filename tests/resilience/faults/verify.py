"""What must come of a fault, held against what came of it."""

import asyncio
import re
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import NamedTuple

from custom_components.rtvoice.engine import AgentResult, EndReason, EngineError
from custom_components.rtvoice.engine.session.supervisor import ATTEMPTS

from .conftest import DEVICE_STOP_S
from .left import sockets_to
from .scene import ANSWER, FIRST, KEY, LOW_TONE, REST, SECOND, SECOND_ANSWER, SORRY, Scene
from .senses import AS_WANTED, BRIEFLY, ERROR, RECONNECTING, TOOL_FAILED, Trail, in_frames, reconnects, tools_failed
from .stages import GOODBYE_S, Stage, approach, assert_reached, reach
from .table import LOST, Ends, Fault, GoesOn, Impossible, Outcome, Swollen

SECRETS = (KEY, FIRST, ANSWER, REST, SECOND, SECOND_ANSWER, SORRY)
"""What no log may hold above debug."""

ENDING_S = GOODBYE_S + 2 * DEVICE_STOP_S + 2.0
"""Whatever happens while a session is stopped: for the goodbye, for two devices, and some for a slow test."""


LOOP_S = 0.7
"""Nothing may keep the event loop from all else for so long, not even where several have the same at once."""
SLACK_S = 0.5
"""A test may note a time a little later than the engine."""


class Trial(NamedTuple):
    """A fault at a stage, and the scene that it befalls."""

    fault: Fault
    stage: Stage
    scene: Scene


async def all_of(works: Iterable[Awaitable[None]]) -> None:
    """Do all side by side, and tell of all that fail."""
    failures = [one for one in await asyncio.gather(*works, return_exceptions=True) if one is not None]
    if failures:
        raise BaseExceptionGroup("At some stages", failures)


async def bring(trials: Sequence[Trial], *, lasting_s: float = 0.0) -> None:
    """Bring all scenes to their stages; where the fault is there before the session, that has yet to begin.

    The sessions last for at least `lasting_s` until then.
    """
    begun = [trial for trial in trials if not trial.fault.precedes(trial.stage)]
    await all_of(approach(scene, stage) for _, stage, scene in begun)
    await asyncio.sleep(lasting_s)
    await all_of(reach(scene, stage) for _, stage, scene in begun)
    for _, stage, scene in begun:
        assert_reached(scene, stage)
        scene.befallen()


async def befall(trial: Trial) -> None:
    """Let it happen; a tool that was called has its result then, and the user comes to an end."""
    fault, stage, scene = trial
    if not fault.slept:
        scene.befallen()
    if fault.precedes(stage):
        assert fault.before is not None
        await fault.before(scene)
        scene.run()
    else:
        if not fault.slept:
            assert_reached(scene, stage)
        scene.speaker.resume()
        await fault.happen(scene)
    scene.tool_answers.set()
    scene.microphone.come_to_an_end()


async def hold_to(trial: Trial) -> None:
    """Follow the session to its end, as the table wants it. Fails where it is otherwise."""
    fault, stage, scene = trial
    outcome = fault.expected(stage)
    may_tell: tuple[str, ...] = ()
    match outcome:
        case GoesOn():
            await _goes_on(trial)
            told = set(outcome.told)
        case Ends():
            result = await _ends(trial)
            assert isinstance(result, AgentResult), f"{scene.name}: {result!r}"
            assert result.end_reason is outcome.reason, f"{scene.name}: {result.end_reason}, {scene.account()}"
            told = {outcome.reason.value} if outcome.told is None else set(outcome.told)
            may_tell = outcome.may_tell
            if stage in (Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL):
                assert [turn.transcript for turn in result.turns if turn.role == "user"][:1] == [FIRST], scene.name
            _assert_times(scene, result)
        case Impossible():
            error = await scene.ended()
            assert isinstance(error, outcome.error), f"{scene.name}: {error!r}"
            assert KEY not in str(error)
            told = {error.end_reason.value}
            if fault.precedes(stage):
                assert re.search(fault.words, str(error)), f"{scene.name}: {error}"
    assert told <= set(scene.told) <= {*told, *may_tell}, f"{scene.name}: {scene.told}"
    assert scene.problems == [], scene.name
    assert scene.longest_held_s < LOOP_S, f"{scene.name}: {scene.longest_held_s}"
    _assert_met(trial, outcome)
    if stage is Stage.STOPPING:
        assert scene.speaker.heard == b"", scene.name
        assert [state for state, _ in scene.states] == ["idle"], f"{scene.name}: {scene.states}"
    elif stage.established:
        _assert_seen(trial)
        _assert_heard(trial, outcome)
    await _assert_nothing_left(trial)


async def _goes_on(trial: Trial) -> None:
    """What was asked is answered, and another whole turn succeeds."""
    fault, stage, scene = trial
    asked = [FIRST] if stage.asked else []
    if fault.talked_over is not None:
        if not stage.asked:
            await scene.until(lambda: scene.agent.state == "listening", "listening again")
            scene.ask(FIRST)
            asked = [FIRST]
        await scene.until(lambda: fault.talked_over(scene), "an answer that never ends")
    else:
        if stage.asked:
            await scene.until(lambda: _answered(scene), "the answer")
        await scene.until(lambda: scene.agent.state == "listening", "listening again")
    scene.ask(SECOND)
    await scene.until(lambda: scene.agent.turns[-1:] and scene.agent.turns[-1].transcript == SECOND_ANSWER, "a turn")
    await scene.until(lambda: scene.agent.state == "listening", "having said it")
    turns = scene.agent.turns
    assert [turn.transcript for turn in turns if turn.role == "user"] == [*asked, SECOND], scene.account()
    assert scene.tool_calls == (stage is Stage.IN_A_TOOL) + (scene.brain.second_tool is not None), scene.name
    assert not isinstance(scene.proxy.shape, Swollen) or scene.proxy.shape.done, scene.name
    scene.stop()
    result = await scene.ended(5)
    assert isinstance(result, AgentResult), f"{scene.name}: {result!r}"
    assert result.end_reason is EndReason.STOPPED
    assert [turn.transcript for turn in result.turns] == [turn.transcript for turn in turns]
    _assert_times(scene, result)


async def _ends(trial: Trial) -> AgentResult | EngineError:
    fault, stage, scene = trial
    if stage is Stage.STOPPING:
        ended = await scene.ended(ENDING_S)
        await asyncio.wait_for(scene.stopping, 1)
        assert scene.ended_at_s > scene.befallen_at_s
        assert scene.ended_at_s - scene.befallen_at_s < ENDING_S
        return ended
    if fault.shown_by_answer and not stage.asked:
        await asyncio.sleep(0.2)
        scene.ask(SECOND)
    return await scene.ended()


def _answered(scene: Scene) -> bool:
    """Whether all of the answer was said: at once, or its rest after a break."""
    said = [turn.transcript for turn in scene.agent.turns if turn.role == "assistant"]
    return bool(said) and said[-1] in (ANSWER, REST, SORRY) and scene.agent.state == "listening"


def _assert_times(scene: Scene, result: AgentResult) -> None:
    """What the result says of times is so by a clock that nobody has touched."""
    lasted_s = scene.ended_at_s - scene.began_at_s
    assert lasted_s - SLACK_S < result.duration_seconds <= lasted_s, f"{scene.name}: {result.duration_seconds}"
    times = [turn.started_at for turn in result.turns]
    assert times == sorted(times), f"{scene.name}: {times}"
    for started_at in times:
        after_s = (started_at - scene.began_at).total_seconds()
        assert -SLACK_S < after_s < lasted_s + SLACK_S, f"{scene.name}: {after_s}"


def _assert_met(trial: Trial, outcome: Outcome) -> None:
    """The session has come upon the fault as often as it wanted to connect, which it does not do in vain."""
    fault, stage, scene = trial
    first = 2 if stage is Stage.ROLLOVER else 1
    again = scene.provider.attempts - first
    if isinstance(outcome, Impossible) or stage is Stage.STOPPING:
        assert again == 0, f"{scene.name}: {again}"
    elif outcome == LOST:
        assert again == ATTEMPTS, f"{scene.name}: {again}"
    if fault.met is not None:
        met = fault.met(scene)
        if fault.precedes(stage):
            assert met == 1, f"{scene.name}: {met}"
        elif isinstance(outcome, GoesOn):
            assert 1 <= met < again, f"{scene.name}: {met}, {again}"
        else:
            assert met == again, f"{scene.name}: {met}, {again}"
    if fault.words and outcome == LOST:
        assert re.search(fault.words, scene.told_in_words[-1]), f"{scene.name}: {scene.told_in_words}"


async def _assert_nothing_left(trial: Trial) -> None:
    """All is closed that the session had opened."""
    _, _, scene = trial
    ends = time.monotonic() + 1
    while (left := sockets_to(scene.proxy.port)) and time.monotonic() < ends:
        await asyncio.sleep(0.02)
    assert left == 0, f"{scene.name}: {left} sockets"
    assert not scene.microphone.is_active
    assert scene.speaker.stops == 1
    assert scene.agent.state == "idle"


def _assert_seen(trial: Trial) -> None:
    """What was seen of it is what the documentation says."""
    fault, stage, scene = trial
    for sight in fault.sights:
        if stage in sight.stages and not (sight is ERROR and not fault.tells_at(stage)):
            assert sight.is_so(scene, stage), f"{scene.name}: not {sight.phrase}, but {Trail(scene).shown}"
    if not {RECONNECTING, BRIEFLY, AS_WANTED} & set(fault.sights):
        assert not reconnects(scene), f"{scene.name}: {Trail(scene).shown}"
    if TOOL_FAILED not in fault.sights and isinstance(fault.expected(stage), GoesOn):
        assert not tools_failed(scene), scene.name


def _assert_heard(trial: Trial, outcome: Outcome) -> None:
    """What was heard of it is what the documentation says, and behind it another answer, or that it has ended."""
    fault, stage, scene = trial
    heard = scene.speaker.heard
    last = fault.heard.then if isinstance(outcome, GoesOn) else LOW_TONE if fault.tone_at(stage) else b""
    assert heard.endswith(last), f"{scene.name}: {in_frames(heard)}"
    heard = heard.removesuffix(last)
    if stage.asked or fault.talked_over is not None:
        assert fault.heard.is_so(scene, heard, stage), f"{scene.name}: not {fault.heard.phrase}, but {in_frames(heard)}"
    else:
        assert heard == b"", f"{scene.name}: {in_frames(heard)}"
    if stage is Stage.THINKING and heard:
        began_s = min(at_s for at_s in scene.speaker.given_at_s if at_s > scene.befallen_at_s)
        assert began_s - scene.befallen_at_s >= fault.heard.late_s, f"{scene.name}: {began_s - scene.befallen_at_s}"
