"""An agent with subagents and skills of its own."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

from custom_components.rtvoice.engine import (
    CancelSubAgentCommand,
    ConversationTurn,
    EndReason,
    Skill,
    SubAgent,
    SubAgentFinishedEvent,
    SubAgentStartedEvent,
    SubAgentUsageEvent,
    Tools,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import ItemKind, NewItem, ResponseStatus
from custom_components.rtvoice.engine.usage import PRICES, ModelPrice, TokenRates

from .subagents.fakes import FakeChatModel, Gate, calls, says
from .test_agent import Rig
from .virtual_time import run


def events(rig: Rig, kind: type) -> list:
    return [event for event in rig.events if isinstance(event, kind)]


def researcher(model: FakeChatModel, **options: object) -> SubAgent:
    return SubAgent("researcher", "Finds things out", "Be thorough.", llm=model, **options)


def test_a_hand_off_is_a_call_that_the_conversation_does_not_wait_for() -> None:
    async def main():
        gate = Gate(says("It rains tomorrow."))
        model = FakeChatModel(gate)
        earlier = (ConversationTurn(role="user", transcript="I am Anna."),)
        rig = Rig(subagents=[researcher(model, holding_instruction="Say that you are looking it up.")], history=earlier)
        task = await rig.start()
        rig.call("researcher", '{"task": "weather"}')
        connection = rig.provider.connection
        await rig.until(lambda: events(rig, SubAgentStartedEvent))
        await rig.until(lambda: connection.sent(e.CreateResponse))
        assert "looking it up" in connection.sent(e.CreateResponse)[0].instructions
        connection.feed(f.ResponseStarted("r2", "response-1"), f.ResponseFinished("r2", ResponseStatus.COMPLETED))
        connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.ResponseStarted("r3"))
        connection.feed(f.ResponseFinished("r3", ResponseStatus.COMPLETED))
        await asyncio.sleep(1)
        gate.opened.set()
        await rig.until(lambda: connection.sent(e.SendToolOutput))
        assert "It rains tomorrow." in connection.sent(e.SendToolOutput)[0].output
        await rig.until(lambda: len(connection.sent(e.CreateResponse)) == 2)
        assert "I am Anna." in "".join(message.text for message in model.asked[0])
        await rig.agent.stop()
        result = await task
        assert events(rig, SubAgentFinishedEvent)
        assert "researcher" in [source.source for source in result.usage.sources]
        assert model.closed

    run(main())


def test_what_nobody_waited_for_is_reported_when_it_is_done_and_keeps_the_session_alive() -> None:
    async def main():
        gate = Gate(says("The table is booked."))
        model = FakeChatModel(gate)
        rig = Rig(
            subagents=[researcher(model, fire_and_forget=True)],
            inactivity_timeout_seconds=10,
            inactivity_timeout_enabled=True,
        )
        task = await rig.start()
        rig.call("researcher", '{"task": "book a table"}')
        connection = rig.provider.connection
        await rig.until(lambda: connection.sent(e.CreateResponse))
        connection.feed(f.ResponseStarted("r2", "response-1"), f.ResponseFinished("r2", ResponseStatus.COMPLETED))
        await asyncio.sleep(60)
        assert not task.done()
        gate.opened.set()
        await rig.until(lambda: connection.sent(e.AddItem))
        (note,) = connection.sent(e.AddItem)
        assert note.item.kind is ItemKind.SYSTEM_MESSAGE
        assert "The table is booked." in note.item.text
        await rig.until(lambda: len(connection.sent(e.CreateResponse)) == 2)
        connection.feed(f.ResponseStarted("r3", "response-2"), f.ResponseFinished("r3", ResponseStatus.COMPLETED))
        assert (await task).end_reason is EndReason.INACTIVITY

    run(main())


def test_what_a_subagent_uses_is_told_at_once_and_counts_for_the_budget() -> None:
    async def main():
        gate = Gate(says("Still at it."))
        model = FakeChatModel(calls(("note", {})), gate)
        own = Tools()
        own.action("Take a note", name="note")(lambda: "Noted.")
        rates = TokenRates(input=Decimal(100_000), output=Decimal(100_000))
        price = ModelPrice(text=rates, as_of=date(2026, 11, 1), source="a contract")
        prices = PRICES.replaced({model.model: price})
        rig = Rig(subagents=[researcher(model, tools=own)], budget_usd=1, prices=prices)
        task = await rig.start()
        rig.call("researcher", '{"task": "x"}')
        await rig.until(lambda: len(model.asked) == 2)
        await rig.until(lambda: events(rig, SubAgentUsageEvent))
        assert events(rig, SubAgentUsageEvent) == [SubAgentUsageEvent("researcher", model.model, 10, 4, 2)]
        gate.opened.set()
        result = await task
        assert result.end_reason is EndReason.BUDGET_EXCEEDED
        assert result.usage.cost_usd == Decimal("2.4")

    run(main())


def test_cancelling_answers_the_call_and_ends_the_work() -> None:
    async def main():
        model = FakeChatModel(Gate(says("never")))
        rig = Rig(subagents=[researcher(model)])
        task = await rig.start()
        rig.call("researcher", '{"task": "x"}')
        await rig.until(lambda: model.asked)
        await rig.bus.dispatch(CancelSubAgentCommand())
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        await rig.agent.stop()
        await task
        assert len(events(rig, SubAgentStartedEvent)) == len(events(rig, SubAgentFinishedEvent)) == 1

    run(main())


def test_the_controls_are_offered_only_while_a_subagent_works() -> None:
    async def main():
        gate = Gate(says("Done."))
        rig = Rig(subagents=[researcher(FakeChatModel(gate))])
        task = await rig.start()
        assert [tool.name for tool in rig.provider.options.tools] == ["researcher"]
        rig.call("researcher", '{"task": "x"}')
        sent = rig.provider.connection.sent
        await rig.until(lambda: sent(e.UpdateSession))
        assert "cancel_subagent" in [tool.name for tool in sent(e.UpdateSession)[-1].tools]
        gate.opened.set()
        await rig.until(lambda: [tool.name for tool in sent(e.UpdateSession)[-1].tools] == ["researcher"])
        await rig.agent.stop()
        await task

    run(main())


def test_skills_are_in_the_prompt_and_can_be_loaded() -> None:
    async def main():
        skill = Skill.from_content("plants", "Water them on Mondays.", "How to care for the plants")
        rig = Rig(instructions="Base.", skills=[skill])
        task = await rig.start()
        assert rig.provider.options.instructions.startswith("Base.\n\n")
        assert "How to care for the plants" in rig.provider.options.instructions
        rig.call("load_skill", '{"name": "plants"}')
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        assert "Mondays" in rig.provider.connection.sent(e.SendToolOutput)[0].output
        await rig.agent.stop()
        await task

    run(main())


def test_a_note_is_told_to_the_model_and_spoken_about_if_wanted() -> None:
    async def main():
        rig = Rig()
        task = await rig.start()
        await rig.agent.note("The washing machine has finished.")
        sent = rig.provider.connection.sent
        await rig.until(lambda: sent(e.AddItem))
        finished = NewItem(ItemKind.SYSTEM_MESSAGE, "The washing machine has finished.", item_id="note-1")
        assert sent(e.AddItem) == [e.AddItem(finished)]
        assert not sent(e.CreateResponse)
        await rig.agent.note("The doorbell rang.", respond=True)
        await rig.until(lambda: sent(e.CreateResponse))
        await rig.agent.stop()
        await task

    run(main())


def test_other_tools_leave_subagents_and_skills_in_place(tmp_path: Path) -> None:
    async def main():
        from custom_components.rtvoice.engine import Tools

        skill = Skill.from_content("plants", "Water them.", "Plants")
        rig = Rig(subagents=[researcher(FakeChatModel())], skills=[skill])
        task = await rig.start()
        tools = Tools()

        @tools.action("New")
        async def new() -> None: ...

        await rig.agent.update_tools(tools)
        await rig.until(lambda: rig.provider.connection.sent(e.UpdateSession))
        names = {tool.name for tool in rig.provider.connection.sent(e.UpdateSession)[-1].tools}
        assert names == {"new", "researcher", "load_skill"}
        await rig.agent.stop()
        await task

    run(main())
