import logging
from typing import ClassVar

import pytest

from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolOutcome
from custom_components.rtvoice.engine.errors import ToolError
from custom_components.rtvoice.engine.tools import ToolContext, Tools


class House:
    """What the tools depend on."""

    asleep = False


HOUSE = (House,)


def house_of(context: ToolContext) -> House:
    house = context.find(HOUSE)
    assert isinstance(house, House)
    return house


def of_the_night() -> Tools:
    tools = Tools()

    @tools.action(
        lambda context: f"Wake the house, which is {'asleep' if house_of(context).asleep else 'awake'}",
        available_when=lambda context: house_of(context).asleep,
    )
    async def wake() -> str:
        return "awake"

    @tools.action("Put the house to sleep")
    async def sleep() -> str:
        return "asleep"

    return tools


async def test_the_context_decides_what_is_offered_and_what_can_be_called() -> None:
    house = House()
    tools = of_the_night()
    tools.set_context(ToolContext(house))
    assert [tool.name for tool in tools.definitions()] == ["sleep"]
    refused = await tools.run(ToolCall("c", "wake", "{}"))
    assert refused == ToolOutcome("Tool 'wake' cannot be used now; the tools are: sleep", ok=False)
    house.asleep = True
    assert [tool.description for tool in tools.definitions()] == [
        "Wake the house, which is asleep",
        "Put the house to sleep",
    ]
    assert (await tools.run(ToolCall("c", "wake", "{}"))).output == "awake"


async def test_an_offer_that_fails_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    tools = of_the_night()  # and no house to ask

    @tools.action(lambda context: house_of(context).nonsense)  # type: ignore[attr-defined]  # that is the point
    async def odd() -> str:
        return "done"

    with caplog.at_level(logging.CRITICAL):
        assert [(tool.name, tool.description) for tool in tools.definitions()] == [
            ("sleep", "Put the house to sleep"),
            ("odd", ""),
        ]
        assert not (await tools.run(ToolCall("c", "wake", "{}"))).ok
        assert (await tools.run(ToolCall("c", "odd", "{}"))).output == "done"


class TestMiddleware:
    seen: ClassVar[list[str]] = []

    @pytest.fixture(autouse=True)
    def forgotten(self) -> None:
        self.seen.clear()

    def noting(self, name: str):
        async def note(call, run):
            self.seen.append(f"{name} before {call.name}")
            outcome = await run(call)
            self.seen.append(f"{name} after {outcome.output}")
            return outcome

        return note

    async def test_it_stands_around_a_call_the_first_outermost(self) -> None:
        tools = of_the_night()
        tools.use(self.noting("outer"))
        tools.use(self.noting("inner"))
        await tools.run(ToolCall("c", "sleep", "{}"))
        assert self.seen == ["outer before sleep", "inner before sleep", "inner after asleep", "outer after asleep"]

    async def test_it_goes_with_its_tools_and_with_no_others(self) -> None:
        own = of_the_night()
        own.use(self.noting("own"))
        tools = Tools()

        @tools.action("Other")
        async def other() -> str:
            return "other"

        tools.merge(own.clone())
        tools.use(self.noting("all"))
        await tools.run(ToolCall("c", "other", "{}"))
        assert self.seen == ["all before other", "all after other"]
        self.seen.clear()
        await tools.run(ToolCall("c", "sleep", "{}"))
        assert self.seen == ["all before sleep", "own before sleep", "own after asleep", "all after asleep"]

    async def test_it_may_answer_in_place_of_the_tool_or_fail(self) -> None:
        async def refuse(call, run):
            raise ToolError("Not at night")

        async def break_down(call, run):
            raise ValueError("secret")

        async def answer(call, run):
            return ToolOutcome("no need", ok=True)

        for middleware, output in ((refuse, "Not at night"), (break_down, "Tool 'sleep' failed: ValueError")):
            tools = of_the_night()
            tools.use(middleware)
            assert await tools.run(ToolCall("c", "sleep", "{}")) == ToolOutcome(output, ok=False)
        tools = of_the_night()
        tools.use(answer)
        assert await tools.run(ToolCall("c", "sleep", "{}")) == ToolOutcome("no need", ok=True)

    async def test_it_sees_no_call_of_what_is_not_there(self) -> None:
        tools = of_the_night()
        tools.set_context(ToolContext(House()))
        tools.use(self.noting("all"))
        assert not (await tools.run(ToolCall("c", "nothing", "{}"))).ok
        assert not (await tools.run(ToolCall("c", "wake", "{}"))).ok
        assert self.seen == []
