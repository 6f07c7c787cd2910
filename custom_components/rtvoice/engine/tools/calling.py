"""One call of a tool, from the model's JSON to a value or a ToolError."""

import asyncio
import inspect
import logging
import math
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from ..conversation.values import ToolCall
from ..errors import ToolArgumentsError, ToolError, ToolFailedError, ToolTimeoutError
from .bodies import ToolBody
from .inject import ToolContext
from .offer import ALWAYS, Offer, ToolMiddleware
from .result import ActionResult, to_text
from .spec import ToolSpec
from .status import Status

_LOGGER = logging.getLogger(__name__)

TOOL_STOP_S: Final = 2.0
"""A tool that is to stop and does not end within this time is left to itself."""

type Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RegisteredTool:
    """A tool with its code."""

    spec: ToolSpec
    body: ToolBody
    status: Status | None = None
    offer: Offer = ALWAYS
    middleware: tuple[ToolMiddleware, ...] = ()


async def perform(tool: RegisteredTool, call: ToolCall, context: ToolContext, report: Report) -> object:
    """Run a call and return what the tool returned; what it yields on the way is reported.

    Raises nothing but ToolError and, when the running task is cancelled, CancelledError. A thread cannot be stopped:
    after a timeout or a cancellation it runs on, and what it returns is dropped; so does a tool that does not let go.
    """
    prepared = _prepared(tool, call, context)
    name, timeout_s = tool.spec.name, tool.spec.timeout_s
    deadline = asyncio.timeout(None if math.isinf(timeout_s) else timeout_s)
    result = _result(name, prepared, report, blocking=tool.body.blocking)
    try:
        async with deadline:
            return await _awaited(name, result)
    except ToolError:
        raise
    except asyncio.CancelledError as err:
        if _is_cancelled():
            raise
        # The tool waited for something that somebody else cancelled; nobody cancelled this call.
        raise failure(name, err) from err
    except Exception as err:
        if deadline.expired():
            raise ToolTimeoutError(f"Tool '{name}' did not finish within {timeout_s:g} s") from err
        raise failure(name, err) from err


def _prepared(tool: RegisteredTool, call: ToolCall, context: ToolContext) -> Callable[[], object]:
    name = tool.spec.name
    if not call.complete:
        raise ToolArgumentsError(f"Tool '{name}' was not called: the call was cut off before its end")
    try:
        return tool.body.prepare(call.arguments, context)
    except ToolArgumentsError as err:
        raise ToolArgumentsError(f"Tool '{name}' was not called: {err}") from err
    except ToolError as err:
        raise ToolFailedError(f"Tool '{name}' was not called: {err}") from err
    except Exception as err:
        raise failure(name, err) from err


async def _awaited(name: str, result: Coroutine[Any, Any, object]) -> object:
    """What the tool returns. When this is cancelled, so is the tool, which is waited for, but not for ever."""
    loop = asyncio.get_running_loop()
    # To wait for the task itself would take one turn of the event loop more, in each of which somebody waits.
    ended: asyncio.Future[None] = loop.create_future()
    work = asyncio.Task(_ending(result, ended), loop=loop, name=f"rtvoice work of {name}", eager_start=True)
    if not work.done():
        work.add_done_callback(_take_note)
        try:
            await ended
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work], timeout=TOOL_STOP_S)
            if not work.done():
                _LOGGER.warning("Tool %s does not stop and is left to itself", name)
            raise
    return work.result()


async def _ending(result: Coroutine[Any, Any, object], ended: asyncio.Future[None]) -> object:
    try:
        return await result
    finally:
        if not ended.done():
            ended.set_result(None)


def _take_note(work: asyncio.Task[object]) -> None:
    """Whatever came of it, asyncio need not tell of it."""
    if not work.cancelled():
        work.exception()


async def _result(name: str, prepared: Callable[[], object], report: Report, *, blocking: bool) -> object:
    try:
        value = await asyncio.to_thread(prepared) if blocking else prepared()
        if inspect.isawaitable(value):
            value = await value
        if inspect.isasyncgen(value):
            value = await _last_step(value, report)
    except SystemExit as err:
        # In a task it would end the program.
        raise failure(name, err) from err
    return value


async def _last_step(steps: AsyncGenerator[object, Any], report: Report) -> object:
    """Report each step; the first ActionResult ends the generator, else its last value is the result."""
    last: object = None
    async with aclosing(steps):
        async for step in steps:
            last = step
            if isinstance(step, ActionResult):
                break
            if step is not None:
                report(to_text(step))
    return last


def failure(name: str, error: BaseException) -> ToolFailedError:
    """Name the exception's class only: its text may hold anything, from arguments to keys."""
    _LOGGER.warning("Tool %s failed: %s", name, type(error).__name__)
    _LOGGER.debug("Traceback of tool %s", name, exc_info=error)
    return ToolFailedError(f"Tool '{name}' failed: {type(error).__name__}")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
