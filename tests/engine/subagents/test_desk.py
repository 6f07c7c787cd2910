from custom_components.rtvoice.engine.subagents import SubAgent
from custom_components.rtvoice.engine.subagents.desk import Desk, Surroundings
from custom_components.rtvoice.engine.tools import ActionResult, ToolContext
from tests.engine.subagents.fakes import FakeChatModel, calls, done


def desk(*script) -> Desk:
    subagent = SubAgent("helper", "Helps.", "Be helpful.", FakeChatModel(*script))
    around = Surroundings(context=ToolContext, publish=lambda _: None, on_occupied=lambda: None)
    return Desk(subagent, around)


async def test_the_last_step_is_the_result() -> None:
    steps = [step async for step in desk(done("Brewed.")).hand_off("Brew.")]
    assert steps == [ActionResult.success({"status": "done", "result": "Brewed."})]


async def test_reports_that_nobody_reads_are_dropped_oldest_first() -> None:
    busy = calls(*(("report_progress", {"message": str(number)}) for number in range(25)))
    *reports, last = [step async for step in desk(busy, done()).hand_off("Brew.")]
    assert reports == [str(number) for number in range(5, 25)]
    assert isinstance(last, ActionResult)


async def test_at_an_empty_desk_there_is_nobody_to_tell_or_to_cancel() -> None:
    empty = desk()
    empty.tell("x")
    await empty.cancel()
    assert not empty.occupied
