import asyncio
import contextvars
import logging
import math
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolOutcome
from custom_components.rtvoice.engine.errors import ToolError
from custom_components.rtvoice.engine.tools import ActionResult, Inject, ToolContext, Tools
from custom_components.rtvoice.engine.tools.calling import TOOL_STOP_S

type InVirtualTime = Callable[[Coroutine[Any, Any, Any]], Any]

who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def call(name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall("c1", name, arguments)


def failed(output: str) -> ToolOutcome:
    return ToolOutcome(output, ok=False)


async def test_b4_plain_functions_run_in_a_thread_with_the_context() -> None:
    tools = Tools()

    @tools.action("Who am I")
    def whoami() -> list[object]:
        return [who.get(), threading.current_thread() is threading.main_thread()]

    who.set("somebody")
    assert await tools.run(call("whoami")) == ToolOutcome('["somebody",false]')


async def test_b4_the_loop_lives_while_a_plain_function_blocks() -> None:
    tools = Tools()
    go = threading.Event()

    @tools.action("Block")
    def block() -> str:
        assert go.wait(10)
        return "done"

    running = asyncio.create_task(tools.run(call("block")))
    await asyncio.sleep(0)
    assert not running.done()
    go.set()
    assert await running == ToolOutcome("done")


async def test_coroutines_run_on_the_loop() -> None:
    tools = Tools()

    @tools.action("Wait")
    async def wait() -> bool:
        await asyncio.sleep(0)
        return threading.current_thread() is threading.main_thread() and who.get() == "me"

    who.set("me")
    assert await tools.run(call("wait")) == ToolOutcome("true")


async def test_plain_functions_may_return_what_is_awaited() -> None:
    tools = Tools()

    async def later() -> int:
        return 3

    @tools.action("Later")
    def wrapped() -> Coroutine[Any, Any, int]:
        return later()

    assert await tools.run(call("wrapped")) == ToolOutcome("3")


async def test_generators_report_progress() -> None:
    tools = Tools()
    reported: list[tuple[str, str]] = []
    tools.on_progress = lambda call_id, text: reported.append((call_id, text))

    @tools.action("Steps")
    async def steps() -> AsyncIterator[object]:
        yield "looking"
        assert reported == [("c1", "looking")]
        yield None
        yield {"found": 1}

    assert await tools.run(call("steps")) == ToolOutcome('{"found":1}')
    assert reported == [("c1", "looking"), ("c1", '{"found":1}')]


async def test_final_result_ends_a_generator() -> None:
    tools = Tools()
    ended: list[str] = []

    @tools.action("Steps", respond=False)
    async def steps() -> AsyncIterator[object]:
        try:
            yield "looking"
            yield ActionResult.success("found", respond=True)
            ended.append("too far")
        finally:
            ended.append("closed")

    assert await tools.run(call("steps")) == ToolOutcome("found", respond=True)
    assert ended == ["closed"]


async def test_generator_without_values() -> None:
    tools = Tools()

    @tools.action("Steps")
    async def steps() -> AsyncIterator[object]:
        for step in ():
            yield step

    assert await tools.run(call("steps")) == ToolOutcome("OK")


async def test_failing_observer_of_progress_does_not_fail_the_tool(caplog: pytest.LogCaptureFixture) -> None:
    tools = Tools()

    def broken(_call_id: str, _text: str) -> None:
        raise RuntimeError("observer")

    tools.on_progress = broken

    @tools.action("Steps")
    async def steps() -> AsyncIterator[object]:
        yield "looking"

    assert await tools.run(call("steps")) == ToolOutcome("looking")
    assert "could not be reported" in caplog.text


async def test_b5_exceptions_become_results_without_their_text(caplog: pytest.LogCaptureFixture) -> None:
    tools = Tools()

    @tools.action("Fail", respond=False, result_instruction="cheer")
    async def fail(key: str) -> None:
        raise LookupError(f"wrong {key}")

    caplog.set_level(logging.WARNING)
    assert await tools.run(call("fail", '{"key": "secret"}')) == failed("Tool 'fail' failed: LookupError")
    assert "Tool fail failed: LookupError" in caplog.text
    assert "secret" not in caplog.text
    caplog.set_level(logging.DEBUG)
    await tools.run(call("fail", '{"key": "secret"}'))
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "error", [StopIteration(), SystemExit(3), TimeoutError(), MemoryError(), ExceptionGroup("a", [ValueError()])]
)
@pytest.mark.parametrize("waits", [True, False])
async def test_b5_any_exception_becomes_a_result(error: BaseException, waits: bool) -> None:
    tools = Tools()

    async def waiting() -> None:
        raise error

    def plain() -> None:
        raise error

    tools.action("Fail", name="fail")(waiting if waits else plain)
    name = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__
    assert await tools.run(call("fail")) == failed(f"Tool 'fail' failed: {name}")


async def test_text_of_a_tool_error_is_told() -> None:
    tools = Tools()

    @tools.action("Fail")
    def fail(text: str) -> None:
        raise ToolError(text) if text else ToolError

    assert await tools.run(call("fail", '{"text": "The door is open"}')) == failed("The door is open")
    assert await tools.run(call("fail", '{"text": ""}')) == failed("ToolError")


async def test_b5_bad_arguments_are_told() -> None:
    tools = Tools()

    @tools.action("Dim")
    def dim(lamp: str, brightness: int) -> None:
        raise AssertionError("must not run")

    outcome = await tools.run(call("dim", '{"brightness": "much"}'))
    assert not outcome.ok
    assert outcome.respond
    assert outcome.output.startswith("Tool 'dim' was not called: lamp: ")
    assert "brightness: " in outcome.output
    assert "Invalid JSON" in (await tools.run(call("dim", '{"lamp'))).output
    cut = await tools.run(ToolCall("c1", "dim", '{"lamp', complete=False))
    assert cut == failed("Tool 'dim' was not called: the call was cut off before its end")


async def test_b5_missing_dependency_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tools = Tools()

    @tools.action("Ring")
    def ring(bell: Inject[threading.Event]) -> None: ...

    assert await tools.run(call("ring")) == failed("Tool 'ring' was not called: it needs a Event, and there is none")
    assert "Nothing to inject for parameter bell: no Event" in caplog.text
    tools.set_context(ToolContext(threading.Event()))
    assert await tools.run(call("ring")) == ToolOutcome("OK")


async def test_failing_validator_becomes_a_result() -> None:
    tools = Tools()

    class Odd(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def broken(cls, value: int) -> int:
            raise KeyError(value)

    @tools.action("Odd", param_model=Odd)
    def odd(given: Odd) -> None: ...

    assert await tools.run(call("odd", '{"a": 1}')) == failed("Tool 'odd' failed: KeyError")


def test_b5_timeout_becomes_a_result(in_virtual_time: InVirtualTime) -> None:
    tools = Tools()
    ended: list[str] = []

    @tools.action("Wait", timeout=2.5)
    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    @tools.action("Wait", timeout=2.5)
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError("no") from None

    @tools.action("Wait", timeout=2.5)
    async def steps() -> AsyncIterator[str]:
        try:
            while True:
                await asyncio.sleep(1)
                yield "still looking"
        finally:
            ended.append("closed")

    async def main() -> list[ToolOutcome]:
        outcomes = [await tools.run(call(name)) for name in ("wait", "stubborn", "steps")]
        assert asyncio.get_running_loop().time() == pytest.approx(7.5)
        return outcomes

    assert in_virtual_time(main()) == [
        failed(f"Tool '{name}' did not finish within 2.5 s") for name in ("wait", "stubborn", "steps")
    ]
    assert ended == ["cleaned up", "closed"]


def test_late_result_of_a_thread_is_dropped(in_virtual_time: InVirtualTime) -> None:
    tools = Tools()
    go = threading.Event()
    ended: list[str] = []

    @tools.action("Block", timeout=1)
    def block() -> str:
        assert go.wait(10)
        ended.append("late")
        return "late"

    async def main() -> ToolOutcome:
        outcome = await tools.run(call("block"))
        assert ended == []
        go.set()
        await asyncio.get_running_loop().shutdown_default_executor()
        return outcome

    assert in_virtual_time(main()) == failed("Tool 'block' did not finish within 1 s")
    assert ended == ["late"]


def test_infinite_timeout_is_none(in_virtual_time: InVirtualTime) -> None:
    tools = Tools()

    @tools.action("Wait", timeout=math.inf)
    async def wait() -> str:
        await asyncio.sleep(1e6)
        return "at last"

    assert in_virtual_time(tools.run(call("wait"))) == ToolOutcome("at last")


async def test_cancellation_is_never_swallowed() -> None:
    tools = Tools()
    started = asyncio.Event()
    ended: list[str] = []

    @tools.action("Wait", cancel_on_interrupt=True)
    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    running = asyncio.create_task(tools.run(call("wait")))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["cleaned up"]


def clinging(timeout: float) -> Tools:
    tools = Tools()

    @tools.action("Wait", timeout=timeout)
    async def cling() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        raise RuntimeError("late")

    return tools


def test_a_tool_that_does_not_let_go_is_left_to_itself_after_its_timeout(in_virtual_time: InVirtualTime) -> None:
    async def main() -> tuple[ToolOutcome, float]:
        loop = asyncio.get_running_loop()
        outcome = await clinging(2.5).run(call("cling"))
        took_s = loop.time()
        await asyncio.sleep(100)
        return outcome, took_s

    assert in_virtual_time(main()) == (failed("Tool 'cling' did not finish within 2.5 s"), 2.5 + TOOL_STOP_S)


def test_a_tool_that_does_not_let_go_keeps_nothing_from_its_end(
    in_virtual_time: InVirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(clinging(math.inf).run(call("cling")))
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        took_s = loop.time()
        await asyncio.sleep(100)
        return took_s

    assert in_virtual_time(main()) == 1 + TOOL_STOP_S
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["Tool cling does not stop and is left to itself"]


async def test_a_tool_that_waits_for_something_cancelled_has_failed() -> None:
    tools = Tools()

    @tools.action("Wait")
    async def wait() -> None:
        other = asyncio.get_running_loop().create_future()
        other.cancel()
        await other

    assert await tools.run(call("wait")) == failed("Tool 'wait' failed: CancelledError")


async def test_calls_run_in_parallel() -> None:
    tools = Tools()
    meeting = asyncio.Barrier(3)

    @tools.action("Meet")
    async def meet(name: str) -> str:
        await meeting.wait()
        return name

    outcomes = await asyncio.gather(*(tools.run(call("meet", f'{{"name": "{name}"}}')) for name in "abc"))
    assert outcomes == [ToolOutcome(name) for name in "abc"]


async def test_exit_of_a_thread_ends_nothing() -> None:
    tools = Tools()
    tools.action("Exit", name="exit")(lambda: sys.exit("bye"))
    assert await tools.run(call("exit")) == failed("Tool 'exit' failed: SystemExit")
