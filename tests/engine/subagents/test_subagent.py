import asyncio
import json
import logging

import pytest

from custom_components.rtvoice.engine.bus import EventBus
from custom_components.rtvoice.engine.conversation.values import ResponseUsage
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    ToolFailedError,
)
from custom_components.rtvoice.engine.skills import Skill
from custom_components.rtvoice.engine.subagents import (
    ChatAnswer,
    ChatModel,
    Liaison,
    ModelMessage,
    SubAgent,
    SubAgentResult,
    SubAgentStatus,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from custom_components.rtvoice.engine.subagents.prompts import MAX_HISTORY_CHARS
from custom_components.rtvoice.engine.tools import ActionResult, Inject, ToolContext, Tools
from tests.engine import virtual_time
from tests.engine.mcp.rig import house
from tests.engine.subagents.fakes import USAGE, FakeChatModel, calls, check, done, says


def agent(llm: ChatModel, **settings) -> SubAgent:
    return SubAgent("helper", "Helps.", "Be helpful.", llm, **settings)


def searching(**options) -> Tools:
    tools = Tools()

    @tools.action("Search.", **options)
    async def search(word: str) -> str:
        return f"found {word}"

    return tools


async def run(llm: ChatModel, task: str = "Do it.", **settings) -> SubAgentResult:
    return await agent(llm, **settings).run(task)


class TestSettings:
    def test_b15_c7_a_missing_chat_model_is_said_when_the_agent_is_made(self) -> None:
        with pytest.raises(ConfigurationError, match="Subagent 'helper' needs a chat model: give llm"):
            SubAgent("helper", "Helps.", "Be helpful.")

    @pytest.mark.parametrize("settings", [{"max_iterations": 0}, {"timeout": 0}, {"timeout": float("nan")}])
    def test_settings_that_cannot_work_are_refused(self, settings) -> None:
        with pytest.raises(ConfigurationError, match="Subagent 'helper'"):
            agent(FakeChatModel(), **settings)

    def test_a_name_is_needed(self) -> None:
        with pytest.raises(ConfigurationError, match="needs a name"):
            SubAgent(" ", "Helps.", "", FakeChatModel())

    def test_a_tool_named_as_one_of_the_skills_is_refused(self) -> None:
        tools = Tools()
        tools.action("Load.", "load_skill")(lambda: None)
        with pytest.raises(ConfigurationError, match=r"Subagent .helper.: .*load_skill"):
            agent(FakeChatModel(), tools=tools, skills=[Skill.from_content("a", "x")])

    async def test_tools_are_a_private_copy(self) -> None:
        tools = searching()
        llm = FakeChatModel(done())
        subagent = agent(llm, tools=tools)
        tools.remove("search")
        await subagent.run("Do it.")
        assert llm.offered[0][0] == "search"


class TestLoop:
    async def test_text_is_the_result(self) -> None:
        llm = FakeChatModel(says("It is done."))
        assert await run(llm) == SubAgentResult(SubAgentStatus.DONE, "It is done.", USAGE)
        system, asked = llm.asked[0]
        assert isinstance(system, SystemMessage)
        assert system.text.startswith("Be helpful.\n\nYou work on a task")
        assert asked == UserMessage("<task>\nDo it.\n</task>")
        assert llm.offered[0] == ("done", "clarify")

    async def test_history_is_given_as_context_and_cut_at_its_beginning(self) -> None:
        llm = FakeChatModel(done(), done())
        await agent(llm).run("Do it.", history="[USER]: Hello")
        assert llm.told() == (
            "<conversation_history>\n[USER]: Hello\n</conversation_history>\n\n<task>\nDo it.\n</task>"
        )
        await agent(llm).run("Do it.", history="a" * 9 + "b" * MAX_HISTORY_CHARS)
        assert "\n…bbb" in llm.told()
        assert "ab" not in llm.told()

    async def test_tools_of_one_answer_run_side_by_side(self) -> None:
        tools, both = Tools(), asyncio.Barrier(2)

        @tools.action("Meet.")
        async def meet(name: str) -> str:
            await both.wait()
            return name

        llm = FakeChatModel(calls(("meet", {"name": "a"}), ("meet", {"name": "b"})), done("Met."))
        assert (await run(llm, tools=tools)).message == "Met."
        assert llm.results() == ["a", "b"]

    async def test_b15_bad_json_and_failing_and_unknown_tools_are_told_to_the_model(self) -> None:
        tools = searching()

        @tools.action("Fail.")
        async def fail() -> None:
            raise ToolFailedError("The printer burns")

        wrong = calls(("search", "{oops"), ("search", {"wort": "x"}), ("fail", {}), ("nothing", {}))
        llm = FakeChatModel(wrong, done())
        assert (await run(llm, tools=tools)).ok
        bad_json, bad_name, failed, unknown = llm.results()
        assert "Invalid JSON" in bad_json
        assert "word: Field required" in bad_name
        assert failed == "The printer burns"
        assert unknown.startswith("There is no tool 'nothing'")

    @pytest.mark.parametrize("arguments", ["{oops", "[]", '{"result": 7}', '{"result": " "}', "{}"])
    async def test_b15_own_tools_with_bad_arguments_are_told_to_the_model(self, arguments) -> None:
        llm = FakeChatModel(calls(("done", arguments)), done("Now."))
        assert (await run(llm)).message == "Now."
        (complaint,) = llm.results()
        assert "JSON" in complaint or "'result' must be a text" in complaint

    async def test_a_call_that_was_cut_off_is_made_again(self) -> None:
        cut = done()
        call = cut.message.calls[0]
        short = ChatAnswer(ModelMessage("", (type(call)(call.call_id, call.name, '{"result": "x"}', complete=False),)))
        llm = FakeChatModel(short, done("Whole."))
        assert (await run(llm)).message == "Whole."
        assert "cut off" in llm.results()[0]

    async def test_silence_is_no_result(self) -> None:
        llm = FakeChatModel(says(" "), done("Now."))
        assert (await run(llm)).message == "Now."
        assert "You said nothing" in llm.told()

    async def test_c9_the_step_limit_is_no_success(self) -> None:
        llm = FakeChatModel(*(calls(("search", {"word": "x"})) for _ in range(3)))
        result = await run(llm, tools=searching(), max_iterations=3)
        assert result.status is SubAgentStatus.STEP_LIMIT
        assert not result.ok
        assert "within 3 steps" in result.message
        assert result.usage == USAGE + USAGE + USAGE

    async def test_how_to_speak_about_a_result_is_told_with_it(self) -> None:
        llm = FakeChatModel(calls(("search", {"word": "x"})), done())
        await run(llm, tools=searching(result_instruction="Be brief"))
        assert llm.results() == ["found x\n\n[How to speak about it: Be brief]"]

    async def test_the_result_is_silent_if_the_last_tools_were(self) -> None:
        tools = searching(respond=False)
        tools.action("Fail.", "fail", respond=False)(lambda: ActionResult.fail("no"))
        search, failed = ("search", {"word": "x"}), ("fail", {})
        assert not (await run(FakeChatModel(calls(search), done()), tools=searching(respond=False))).respond
        assert (await run(FakeChatModel(calls(search), calls(failed), done()), tools=tools)).respond

    async def test_own_tools_make_way_for_those_of_the_user(self) -> None:
        tools = Tools()
        tools.action("Theirs.", "done")(lambda: "theirs")
        llm = FakeChatModel(calls(("done", {})), calls(("done_2", {"result": "Ours."})))
        result = await run(llm, tools=tools)
        assert result.message == "Ours."
        assert llm.results() == ["theirs"]
        assert "call done_2 with the result" in llm.asked[0][0].text


class TestClarification:
    async def test_a_question_pauses_the_task_and_its_answer_resumes_it(self) -> None:
        llm = FakeChatModel(calls(("clarify", {"question": "Which one?"})), done("The red one."))
        subagent = agent(llm)
        paused = await subagent.run("Fetch it.")
        assert (paused.status, paused.message) == (SubAgentStatus.CLARIFICATION_NEEDED, "Which one?")
        assert not paused.ok
        assert paused.checkpoint is not None
        finished = await subagent.resume(paused.checkpoint, "Red")
        assert (finished.message, finished.usage) == ("The red one.", USAGE)
        assert llm.results() == ["Red"]
        assert finished.checkpoint is None

    async def test_b15_all_calls_beside_a_question_or_a_result_are_answered(self) -> None:
        """The fake model refuses messages with a call that has no result, as real ones do."""
        search, question = ("search", {"word": "x"}), ("clarify", {"question": "A?"})
        mixed = calls(search, question, ("done", {"result": "Early."}), ("clarify", {"question": "B?"}), search)
        llm = FakeChatModel(mixed, calls(search, ("done", {"result": "Late."}), search))
        subagent = agent(llm, tools=searching())
        paused = await subagent.run("Do it.")
        assert (paused.status, paused.message) == (SubAgentStatus.CLARIFICATION_NEEDED, "A? B?")
        finished = await subagent.resume(paused.checkpoint, "Both")
        assert finished.message == "Late."
        first, early, second, *answers = llm.results()
        assert (first, second, answers) == ("found x", "found x", ["Both", "Both"])
        assert "not finished" in early

    async def test_a_checkpoint_can_be_resumed_twice(self) -> None:
        llm = FakeChatModel(calls(("clarify", {"question": "Which?"})), done("a"), done("b"))
        subagent = agent(llm)
        paused = await subagent.run("Do it.")
        assert (await subagent.resume(paused.checkpoint, "A")).message == "a"
        assert (await subagent.resume(paused.checkpoint, "B")).message == "b"
        assert llm.results() == ["B"]


class TestProgressAndUpdates:
    async def test_progress_is_reported_by_the_model_by_tools_and_by_their_status(self) -> None:
        tools = searching(status="Searching {word}")

        @tools.action("Count.")
        async def counting():
            yield "one"
            yield ActionResult.success("counted")

        told: list[str] = []
        llm = FakeChatModel(
            calls(("search", {"word": "x"}), ("report_progress", {"message": "Half."}), ("counting", {})), done()
        )
        result = await agent(llm, tools=tools).run("Do it.", liaison=Liaison(on_progress=told.append))
        assert result.ok
        assert sorted(told) == ["Half.", "Searching x", "one"]
        assert llm.results() == ["found x", "Noted. Go on with the task.", "counted"]
        assert "call report_progress now and then" in llm.asked[0][0].text

    async def test_updates_are_read_before_the_next_step(self) -> None:
        tools, liaison = Tools(), Liaison()
        tools.action("Wait.", "wait")(lambda: liaison.tell("Make it blue"))
        llm = FakeChatModel(calls(("wait", {})), done("Blue."))
        liaison.tell("Hurry")
        await agent(llm, tools=tools).run("Paint it.", liaison=liaison)
        assert llm.told(0) == "<task>\nPaint it.\n</task>\n<update>\nHurry\n</update>"
        assert llm.told(1) == "<update>\nMake it blue\n</update>"

    @pytest.mark.parametrize("early", [done("Early."), says("Early.")], ids=["call", "text"])
    async def test_nothing_is_finished_before_an_update_was_read(self, early) -> None:
        liaison = Liaison()

        async def slow() -> ChatAnswer:
            liaison.tell("Make it blue")
            return early

        llm = FakeChatModel(slow, done("Blue."))
        assert (await agent(llm).run("Paint it.", liaison=liaison)).message == "Blue."
        assert llm.told() == "<update>\nMake it blue\n</update>"

    async def test_usage_is_told_answer_by_answer(self) -> None:
        spent: list[ResponseUsage] = []
        llm = FakeChatModel(calls(("search", {"word": "x"})), ConnectionFailedError("gone"))
        result = await agent(llm, tools=searching()).run("Do it.", liaison=Liaison(on_usage=spent.append))
        assert spent == [USAGE]
        assert result.usage == USAGE


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (AuthenticationError("sk-1"), "does not accept the key"),
            (QuotaExceededError("sk-1"), "no credit left"),
            (RateLimitedError("sk-1"), "too busy"),
            (ConnectionFailedError("sk-1"), "cannot be reached"),
            (ConfigurationError("sk-1"), "not set up"),
            (RequestRejectedError("sk-1"), "something went wrong"),
            (ZeroDivisionError("sk-1"), "something went wrong"),
        ],
    )
    async def test_b12_errors_are_results_and_tell_no_secrets(self, error, words, caplog) -> None:
        caplog.set_level(logging.WARNING)
        result = await run(FakeChatModel(error))
        assert (result.status, result.ok) == (SubAgentStatus.FAILED, False)
        assert words in result.message
        assert "sk-1" not in result.message
        assert "Subagent helper failed" in caplog.text
        assert "sk-1" not in caplog.text

    def test_b15_a_task_takes_no_longer_than_its_timeout(self) -> None:
        async def forever() -> ChatAnswer:
            await asyncio.Event().wait()
            raise AssertionError

        result = virtual_time.run(run(FakeChatModel(forever), timeout=5))
        assert result.status is SubAgentStatus.TIMED_OUT
        assert "within 5 s" in result.message

    async def test_a_timeout_of_the_models_own_is_a_failure(self) -> None:
        assert (await run(FakeChatModel(TimeoutError()))).status is SubAgentStatus.FAILED

    async def test_cancelling_stops_the_tools_at_work(self) -> None:
        tools, begun, stopped = Tools(), asyncio.Event(), asyncio.Event()

        @tools.action("Wait.")
        async def wait() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        task = asyncio.create_task(run(FakeChatModel(calls(("wait", {}))), tools=tools))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stopped.is_set()


class TestSurroundings:
    async def test_b16_context_and_the_agents_dependencies_reach_the_tools(self) -> None:
        tools, bus, own, theirs = Tools(), EventBus(), {"who": "own"}, {"who": "agent"}
        tools.set_context(ToolContext(7))

        @tools.action("Look.")
        async def look(bus: Inject[EventBus], context: Inject[dict], number: Inject[int]) -> str:
            return f"{type(bus).__name__} {context['who']} {number}"

        dependencies = ToolContext(bus, theirs)
        for context, who in ((own, "own"), (None, "agent")):
            llm = FakeChatModel(calls(("look", {})), done())
            await agent(llm, tools=tools, context=context).run("Do it.", dependencies=dependencies)
            assert llm.results() == [f"EventBus {who} 7"]

    async def test_skills_are_in_the_prompt_and_can_be_loaded(self) -> None:
        llm = FakeChatModel(calls(("load_skill", {"name": "tea"})), done())
        await run(llm, skills=[Skill.from_content("tea", "Use fresh water.", "Makes tea")])
        assert '<skill name="tea">Makes tea</skill>' in llm.asked[0][0].text
        assert json.loads(llm.results()[0])["instructions"] == "Use fresh water."

    async def test_b16_servers_are_connected_for_the_work_and_gone_after_closing(self, socket_enabled) -> None:
        server = house()
        llm = FakeChatModel(calls(("House_of_tests_add", {"a": 1, "b": 2})), done())
        subagent = agent(llm, mcp_servers=[server])
        await subagent.prewarm()
        assert llm.prewarmed == 1
        assert server.is_connected
        assert (await subagent.run("Add.")).ok
        assert llm.results() == ["3"]
        await subagent.close()
        assert not server.is_connected
        assert llm.closed == 1
        await subagent.close()


def test_messages_without_an_answer_are_refused_by_the_fake() -> None:
    call = done().message
    for wrong in ([call], [ToolMessage("x", "y")]):
        with pytest.raises(AssertionError):
            check([SystemMessage(""), *wrong])
