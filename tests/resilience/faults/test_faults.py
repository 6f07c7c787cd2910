"""Every fault at every stage: what must come of it comes of it, nothing hangs, nothing is left behind, nothing is told.

Conversations take real time, so several faults and all stages of them go on side by side. By default those faults that
are like another are tried at the stages only that tell them apart; `RTVOICE_FAULTS=all` tries all at all stages, and
`RTVOICE_FAULTS="cut,half open"` those that have these words in their names.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack
from itertools import batched

import pytest

from custom_components.rtvoice.engine import AgentResult, EndReason, EngineError
from custom_components.rtvoice.engine.conversation import recovery

from .left import Bystander
from .scene import ANSWER, FIRST, KEY, REST, SECOND, SECOND_ANSWER, Scene
from .stages import Stage, reach
from .table import FAULTS, Ends, Fault, GoesOn, Impossible

_AT_ONCE = 4
_WANTED = os.environ.get("RTVOICE_FAULTS", "")
_CHOSEN = [fault for fault in FAULTS if any(word in fault.name for word in _WANTED.split(","))] or FAULTS


@pytest.mark.parametrize(
    "faults", batched(_CHOSEN, _AT_ONCE, strict=False), ids=lambda faults: ", ".join(fault.name for fault in faults)
)
async def test_faults(
    faults: Sequence[Fault],
    short_waits: None,
    socket_enabled: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Bystander(caplog, secrets=(KEY, FIRST, ANSWER, SECOND, SECOND_ANSWER, REST)), AsyncExitStack() as stack:
        tried = [
            (fault, stage, await stack.enter_async_context(fault.scene(stage)))
            for fault in faults
            for stage in (fault.stages if _WANTED else fault.telling_stages)
        ]
        await _all(reach(scene, stage) for _, stage, scene in tried)
        # Those that have moved to a fresh connection need not do so again.
        monkeypatch.setattr(recovery, "ROLLOVER_BEFORE_S", 0.0)
        await _all(_befall(scene, fault) for fault, _, scene in tried)
        await _all(_hold_to(scene, stage, fault) for fault, stage, scene in tried)


def test_every_fault_is_tried_or_it_is_said_why_not() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert set(fault.stages) == set(Stage) - set(fault.without)
        assert all(fault.without.values())
        assert fault.telling_stages


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Do all side by side, and tell of all that fail."""
    failures = [one for one in await asyncio.gather(*works, return_exceptions=True) if one is not None]
    if failures:
        raise BaseExceptionGroup("At some stages", failures)


async def _befall(scene: Scene, fault: Fault) -> None:
    await fault.happen(scene)
    scene.tool_answers.set()


async def _hold_to(scene: Scene, stage: Stage, fault: Fault) -> None:
    outcome = fault.expected(stage)
    match outcome:
        case GoesOn():
            await _goes_on(scene, stage)
            told = set(outcome.told)
        case Ends():
            result = await _ends(scene, fault)
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


async def _ends(scene: Scene, fault: Fault) -> AgentResult | EngineError:
    if fault.shown_by_answer and scene.stopping is None:
        await asyncio.sleep(0.2)
        scene.ask(SECOND)
    return await scene.ended()


def _answered(scene: Scene) -> bool:
    """Whether all of the answer was said: at once, or its rest after a break."""
    said = [turn.transcript for turn in scene.agent.turns if turn.role == "assistant"]
    return bool(said) and said[-1] in (ANSWER, REST) and scene.agent.state == "listening"
