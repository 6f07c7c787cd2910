"""Asking a question where nothing else is going on."""

import asyncio
from typing import Any, Final

from homeassistant.core import Context, HomeAssistant

from ..const import DOMAIN
from ..engine.errors import EndReason
from .errors import failed
from .parties import Agent, Satellite
from .question import Answer, Inquiry, Question
from .report import SessionReport
from .request import SessionRequest
from .runtime import Runtime

ASKING_S: Final = 60.0
"""How long asking may take, at most, before the time for the answer runs."""
FINISHING_S: Final = 10.0
"""How much longer the user may go on speaking, and the agent thinking, when the time is up."""
WRITING_S: Final = 2.0
"""How long what the user said may take to be written down."""

_NO_FAILURES: Final = (EndReason.STOPPED, EndReason.INACTIVITY, EndReason.MAX_LENGTH)


async def async_ask(
    hass: HomeAssistant,
    satellite: Satellite,
    agent: Agent | None,
    question: Question,
    context: Context,
    *,
    timeout_s: float,
) -> Answer:
    """Ask, and wait up to `timeout_s` for the answer, not counting the asking; an empty Answer if there is none.

    Raises what `Runtime.async_start` raises, and HomeAssistantError when the session breaks.
    """
    runtime: Runtime = satellite.entry.runtime_data
    inquiry = Inquiry(hass, question)
    request = SessionRequest(
        context=context,
        message=question.text,
        instructions=inquiry.instructions,
        tools=inquiry.tools,
        inactivity_timeout_s=0,
    )
    session = runtime.begin(satellite, request, agent)
    session.listen(inquiry.receive)
    ended = hass.async_create_task(session.async_wait_over(), f"{DOMAIN} end of a question on {satellite.title}")
    try:
        await session.async_wait_connected()
        await _async_wait(inquiry, ended, timeout_s)
        answer = await inquiry.async_close(wait_s=0 if ended.done() or not session.agent.writes_down else WRITING_S)
    finally:
        await session.async_stop()
        await asyncio.wait((ended,))
    _check(ended.result(), answer)
    return answer


async def _async_wait(inquiry: Inquiry, ended: asyncio.Future[SessionReport], timeout_s: float) -> None:
    """Until there is an answer, the session has ended, or the time is up."""
    asked = asyncio.ensure_future(inquiry.asked.wait())
    try:
        await _async_first(asked, inquiry.found, ended, within_s=ASKING_S)
    finally:
        asked.cancel()
    await _async_first(inquiry.found, ended, within_s=timeout_s)
    if inquiry.busy:
        await _async_first(inquiry.found, ended, within_s=FINISHING_S)


async def _async_first(*futures: asyncio.Future[Any], within_s: float) -> None:
    await asyncio.wait(futures, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)


def _check(report: SessionReport, answer: Answer) -> None:
    if report.end_reason not in _NO_FAILURES and answer == Answer():
        raise failed(report.end_reason.value)
