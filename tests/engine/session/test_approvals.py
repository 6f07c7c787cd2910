"""Whether the provider may call a tool is decided below the model, in time, and once."""

import asyncio
import logging

import pytest

from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.remote_facts import (
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
)
from custom_components.rtvoice.engine.conversation.user_commands import StopAsked
from custom_components.rtvoice.engine.conversation.values import (
    ApprovalRequest,
    ResponseStatus,
    ToolCall,
    ToolOutcome,
)
from custom_components.rtvoice.engine.events import ToolExecutedEvent
from custom_components.rtvoice.engine.session.approval_tasks import APPROVAL_S

from ..fakes import lost
from ..virtual_time import run
from .test_session import Rig

REQUEST = ApprovalRequest("q1", "docs", "delete", '{"all":"secret argument"}')


class Approver:
    """Decides after a while."""

    def __init__(self, answer: bool | BaseException = True, delay_s: float = 0.0) -> None:
        self.answer = answer
        self.delay_s = delay_s
        self.asked: list[str] = []
        self.stopped: list[str] = []

    async def approves(self, request: ApprovalRequest) -> bool:
        self.asked.append(request.request_id)
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.stopped.append(request.request_id)
            raise
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def asking(rig: Rig, *requests: ApprovalRequest) -> None:
    rig.connection.feed(f.ResponseStarted("r1"), *(ApprovalRequested(request, "r1") for request in requests))
    rig.connection.feed(f.ResponseFinished("r1", ResponseStatus.COMPLETED))


async def answers(rig: Rig, count: int = 1) -> list[tuple[str, bool]]:
    await rig.until(lambda: len(rig.connection.sent(e.AnswerApproval)) >= count, within_s=APPROVAL_S + 10)
    await asyncio.sleep(1)
    return [(answer.request_id, answer.approved) for answer in rig.connection.sent(e.AnswerApproval)]


@pytest.mark.parametrize("answer", [True, False])
def test_the_decision_reaches_the_provider(answer) -> None:
    async def main():
        rig = Rig(approver=Approver(answer, delay_s=5))
        async with rig.running():
            asking(rig, REQUEST)
            return await answers(rig)

    assert run(main()) == [("q1", answer)]


def test_without_anybody_to_ask_it_is_refused() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            asking(rig, REQUEST)
            return await answers(rig), rig.connection.sent(e.AnswerApproval)[0].reason

    assert run(main()) == ([("q1", False)], "The user has not allowed this. Nothing was done.")


def test_who_takes_too_long_has_refused() -> None:
    async def main():
        approver = Approver(delay_s=APPROVAL_S * 2)
        rig = Rig(approver=approver)
        async with rig.running():
            asking(rig, REQUEST)
            told = await answers(rig)
        return told, approver.stopped

    assert run(main()) == ([("q1", False)], ["q1"])


def test_what_goes_wrong_is_a_refusal_and_logged_without_what_it_holds(caplog) -> None:
    async def main():
        rig = Rig(approver=Approver(RuntimeError("secret argument")))
        async with rig.running():
            asking(rig, REQUEST)
            return await answers(rig)

    with caplog.at_level(logging.INFO):
        assert run(main()) == [("q1", False)]
    assert "docs_delete" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "secret argument" not in caplog.text


def test_several_are_decided_side_by_side() -> None:
    async def main():
        rig = Rig(approver=Approver(delay_s=40))
        async with rig.running():
            asking(rig, REQUEST, ApprovalRequest("q2", "docs", "read"))
            started_s = asyncio.get_running_loop().time()
            told = await answers(rig, 2)
            return told, asyncio.get_running_loop().time() - started_s

    told, took_s = run(main())
    assert sorted(told) == [("q1", True), ("q2", True)]
    assert took_s < 50


def test_the_end_of_a_session_ends_the_decision() -> None:
    async def main():
        approver = Approver(delay_s=30)
        rig = Rig(approver=approver)
        async with rig.running() as task:
            asking(rig, REQUEST)
            await rig.until(lambda: approver.asked)
            rig.session.post(StopAsked())
            await task
        return approver.stopped, rig.connection.sent(e.AnswerApproval)

    assert run(main()) == (["q1"], [])


def test_a_lost_link_ends_the_decision_and_the_next_one_is_not_told_of_it() -> None:
    async def main():
        approver = Approver(delay_s=30)
        rig = Rig(approver=approver)
        async with rig.running():
            asking(rig, REQUEST)
            await rig.until(lambda: approver.asked)
            rig.connection.feed(lost())
            await rig.until(lambda: len(rig.provider.connections) == 2)
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))
            await asyncio.sleep(60)
        return approver.stopped, [each.sent(e.AnswerApproval) for each in rig.provider.connections]

    assert run(main()) == (["q1"], [[], []])


def test_an_interrupted_response_ends_the_decision() -> None:
    async def main():
        approver = Approver(delay_s=30)
        rig = Rig(approver=approver)
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), ApprovalRequested(REQUEST, "r1"))
            await rig.until(lambda: approver.asked)
            rig.connection.feed(f.SpeechStarted("u1"), f.ResponseFinished("r1", ResponseStatus.CANCELLED))
            told = await answers(rig)
            await asyncio.sleep(60)
        return told, approver.stopped, len(rig.connection.sent(e.AnswerApproval))

    assert run(main()) == ([("q1", False)], ["q1"], 1)


def test_a_call_of_the_provider_is_told_with_its_duration_and_asked_about_once() -> None:
    async def main():
        rig = Rig()
        call = ToolCall("m1", "docs_search", "{}")
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), RemoteCallStarted(call, "r1"))
            rig.connection.feed(f.ResponseFinished("r1", ResponseStatus.COMPLETED))
            await asyncio.sleep(3)
            rig.connection.feed(RemoteCallFinished(call, ToolOutcome("found"), "r1"))
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))
        return rig

    rig = run(main())
    (executed,) = rig.of(ToolExecutedEvent)
    assert executed.duration_s == pytest.approx(3, abs=0.1)
    assert rig.connection.sent(e.SendToolOutput) == []
    assert rig.tools.calls == []
    assert len(rig.connection.sent(e.CreateResponse)) == 1
