"""What must come of a fault, held against what came of it."""

import asyncio
from collections.abc import Awaitable, Iterable

from custom_components.rtvoice.engine import AgentResult, EndReason, EngineError

from .scene import ANSWER, FIRST, KEY, REST, SECOND, SECOND_ANSWER, Scene
from .stages import Stage
from .table import Ends, Fault, GoesOn, Impossible

SECRETS = (KEY, FIRST, ANSWER, REST, SECOND, SECOND_ANSWER)
"""What no log may hold above debug."""


async def all_of(works: Iterable[Awaitable[None]]) -> None:
    """Do all side by side, and tell of all that fail."""
    failures = [one for one in await asyncio.gather(*works, return_exceptions=True) if one is not None]
    if failures:
        raise BaseExceptionGroup("At some stages", failures)


async def befall(scene: Scene, fault: Fault) -> None:
    """Let it happen; a tool that was called has its result then."""
    await fault.happen(scene)
    scene.tool_answers.set()


async def hold_to(scene: Scene, stage: Stage, fault: Fault) -> None:
    """Follow the session to its end, as the table wants it. Fails where it is otherwise."""
    outcome = fault.expected(stage)
    match outcome:
        case GoesOn():
            await _goes_on(scene, stage)
            told = set(outcome.told)
        case Ends():
            result = await _ends(scene, stage, fault)
            assert isinstance(result, AgentResult), f"{scene.name}: {result!r}"
            assert result.end_reason is outcome.reason, f"{scene.name}: {result.end_reason}, {scene.account()}"
            told = {outcome.reason.value} if outcome.told is None else set(outcome.told)
            if stage in (Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL):
                assert [turn.transcript for turn in result.turns if turn.role == "user"][:1] == [FIRST], scene.name
        case Impossible():
            error = await scene.ended()
            assert isinstance(error, outcome.error), f"{scene.name}: {error!r}"
            assert KEY not in str(error)
            told = set(scene.told)
    assert set(scene.told) == told, f"{scene.name}: {scene.told}"
    assert scene.problems == [], scene.name
    assert not scene.microphone.is_active
    assert scene.agent.state == "idle"


async def _goes_on(scene: Scene, stage: Stage) -> None:
    """What was asked is answered, and another whole turn succeeds."""
    if stage.asked:
        await scene.until(lambda: _answered(scene), "the answer")
    await scene.until(lambda: scene.agent.state == "listening", "listening again")
    scene.ask(SECOND)
    await scene.until(lambda: scene.agent.turns[-1:] and scene.agent.turns[-1].transcript == SECOND_ANSWER, "a turn")
    turns = scene.agent.turns
    assert [turn.transcript for turn in turns if turn.role == "user"] == [*([FIRST] if stage.asked else []), SECOND], (
        scene.account()
    )
    if stage is Stage.IN_A_TOOL:
        assert scene.tool_calls == 1, scene.name
    scene.stop()
    result = await scene.ended(5)
    assert isinstance(result, AgentResult), f"{scene.name}: {result!r}"
    assert result.end_reason is EndReason.STOPPED
    assert [turn.transcript for turn in result.turns] == [turn.transcript for turn in turns]


async def _ends(scene: Scene, stage: Stage, fault: Fault) -> AgentResult | EngineError:
    if fault.shown_by_answer and not stage.asked and scene.stopping is None:
        await asyncio.sleep(0.2)
        scene.ask(SECOND)
    return await scene.ended()


def _answered(scene: Scene) -> bool:
    """Whether all of the answer was said: at once, or its rest after a break."""
    said = [turn.transcript for turn in scene.agent.turns if turn.role == "assistant"]
    return bool(said) and said[-1] in (ANSWER, REST) and scene.agent.state == "listening"
