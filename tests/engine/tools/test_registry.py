import asyncio
import enum
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolDefinition, ToolOutcome
from custom_components.rtvoice.engine.errors import UnknownToolError
from custom_components.rtvoice.engine.events import ActionKind
from custom_components.rtvoice.engine.ports import ToolRunner
from custom_components.rtvoice.engine.tools import ActionResult, Inject, ToolContext, Tools, ToolSpec


class Room(BaseModel):
    """A room to work in."""

    name: str = Field(description="Its name")


class Unit(enum.Enum):
    C = "celsius"


def call(name: str, /, **arguments: object) -> ToolCall:
    return ToolCall("c1", name, json.dumps(arguments))


async def echo(arguments: Mapping[str, object]) -> object:
    return arguments


def named(*names: str) -> Tools:
    tools = Tools()
    for name in names:
        tools.register(ToolDefinition(name, name), echo)
    return tools


def test_it_is_the_port() -> None:
    runner: ToolRunner = Tools()
    assert runner.definitions() == ()


async def test_whole_way(check_schema: Callable[[dict[str, Any]], None]) -> None:
    tools = Tools()

    @tools.action("The weather somewhere", result_instruction="be brief")
    async def weather(city: Annotated[str, "Where"], days: int = 1, unit: Unit = Unit.C) -> dict[str, object]:
        return {"city": city, "days": days, "unit": unit}

    (definition,) = tools.definitions()
    check_schema(dict(definition.parameters))
    assert definition == ToolDefinition(
        "weather",
        "The weather somewhere",
        {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where"},
                "days": {"type": "integer", "default": 1},
                "unit": {"type": "string", "enum": ["celsius"], "default": "celsius"},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    )
    outcome = await tools.run(call("weather", city="Köln", days="2"))
    assert outcome == ToolOutcome('{"city":"Köln","days":2,"unit":"celsius"}', instruction="be brief")


async def test_functions_are_returned_unchanged() -> None:
    tools = Tools()

    def first() -> int:
        return 1

    assert tools.action("First", name="other")(first) is first
    assert first() == 1
    assert tools.names() == ("other",)


async def test_methods_of_objects_are_tools() -> None:
    class Lamp:
        def __init__(self) -> None:
            self.level = 0

        def dim(self, level: int) -> int:
            """Dim."""
            self.level = level
            return level

    tools, lamp = Tools(), Lamp()
    tools.action("Dim the lamp")(lamp.dim)
    assert await tools.run(call("dim", level=3)) == ToolOutcome("3")
    assert lamp.level == 3


@pytest.mark.parametrize(
    "name", ["get", "run", "execute", "action", "register", "remove", "merge", "clone", "names", "definitions", "spec"]
)
async def test_b17_a_tool_may_be_called_like_a_method(name: str) -> None:
    tools = Tools()
    seen: list[int] = []

    def function(copy: int) -> str:
        seen.append(copy)
        return "mine"

    function.__name__ = name
    tools.action("Mine")(function)
    assert tools.names() == (name,)
    assert await tools.run(call(name, copy=1)) == ToolOutcome("mine")
    assert seen == [1]


def test_taken_and_bad_names() -> None:
    tools = named("a")
    with pytest.raises(ValueError, match="'a' is there already"):
        tools.action("Again", name="a")(lambda: None)
    with pytest.raises(ValueError, match="'a' is there already"):
        tools.register(ToolDefinition("a", ""), echo)
    for bad in ("", "a b", "ä", "x" * 65):
        with pytest.raises(ValueError, match="no name for a tool"):
            tools.action("Bad", name=bad)(lambda: None)
    with pytest.raises(ValueError, match="no name for a tool"):
        tools.action("Bad")(lambda: None)
    assert tools.names() == ("a",)


def test_bad_functions_name_their_tool() -> None:
    class Bus:
        pass

    def tool(bus: Bus) -> None: ...

    tools = Tools()
    with pytest.raises(ValueError, match=r"Tool 'tool': .*Inject"):
        tools.action("Bad")(tool)
    assert tools.names() == ()


async def test_whole_model_and_dependencies() -> None:
    tools = Tools()

    @tools.action("Clean", param_model=Room)
    def clean(room: Room, log: Inject[list[str]]) -> None:
        log.append(room.name)

    log: list[str] = []
    tools.set_context(ToolContext(log))
    assert (await tools.run(call("clean", name="hall"))).ok
    assert log == ["hall"]
    assert tools.definitions()[0].parameters["properties"] == {"name": {"type": "string", "description": "Its name"}}


def test_metadata() -> None:
    tools = Tools()

    @tools.action("Slow", holding_instruction="hum", respond=False, timeout=5, cancel_on_interrupt=True)
    def slow() -> None: ...

    assert tools.spec("slow") == ToolSpec(tools.definitions()[0], 5, respond=False)
    assert tools.spec("slow").holding_instruction == tools.definitions()[0].holding_instruction == "hum"
    assert tools.spec("slow").cancel_on_interrupt
    definition = ToolDefinition("ext", "d", holding_instruction="h", cancel_on_interrupt=True)
    tools.register(
        definition,
        echo,
        timeout=7,
        respond=False,
        result_instruction="r",
    )
    assert tools.spec("ext") == ToolSpec(definition, 7, False, "r")
    assert (tools.spec("ext").holding_instruction, tools.spec("ext").cancel_on_interrupt) == ("h", True)
    with pytest.raises(UnknownToolError, match="'fast'; the tools are: slow, ext"):
        tools.spec("fast")


async def test_c3_unknown_tool_is_answered() -> None:
    assert await Tools().run(call("a")) == ToolOutcome("There is no tool 'a'; the tools are: none", ok=False)
    assert await named("b", "c").run(call("a")) == ToolOutcome("There is no tool 'a'; the tools are: b, c", ok=False)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (None, ToolOutcome("OK", True, False, "tool")),
        (ActionResult.success(), ToolOutcome("OK", True, False, "tool")),
        (ActionResult.success([1], respond=True), ToolOutcome("[1]", True, True, "tool")),
        (ActionResult.success("a", instruction="own"), ToolOutcome("a", True, False, "own")),
        (ActionResult.fail("no"), ToolOutcome("no", False, True, None)),
        (ActionResult.fail("no", respond=False, instruction="own"), ToolOutcome("no", False, False, "own")),
    ],
)
async def test_results_may_say_whether_and_how_to_respond(result: object, outcome: ToolOutcome) -> None:
    tools = Tools()
    tools.action("Do", name="do", respond=False, result_instruction="tool")(lambda: result)

    async def handler(arguments: Mapping[str, object]) -> object:
        return result

    tools.register(ToolDefinition("ext", ""), handler, respond=False, result_instruction="tool")
    assert await tools.run(call("do")) == outcome
    assert await tools.run(call("ext")) == outcome


async def test_c2_any_value_is_an_output() -> None:
    tools = Tools()

    @tools.action("Odd")
    def odd() -> object:
        return {"bytes": b"\xff", "set": {1}, "object": object, "nan": float("nan"), "text": "\ud800"}

    outcome = await tools.run(call("odd"))
    assert outcome.ok
    outcome.output.encode()


async def test_outputs_are_bounded() -> None:
    def long() -> str:
        return "x" * 20_000

    def fail() -> ActionResult:
        return ActionResult.fail("x" * 20_000)

    tools, short = Tools(), Tools(max_output_chars=100)
    for registry in (tools, short):
        registry.action("Long")(long)
        registry.action("Fail")(fail)
    assert len((await tools.run(call("long"))).output) == 16_000
    for name in ("long", "fail", "y" * 1000):
        outcome = await short.run(call(name))
        assert len(outcome.output) == 100
        assert outcome.output.endswith(" characters in all]")
    assert len((await short.clone().run(call("long"))).output) == 100


async def test_tools_from_elsewhere() -> None:
    tools = Tools()
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    definition = ToolDefinition("intent__HassTurnOn", "Turns on", schema)
    tools.register(definition, echo)
    assert tools.definitions() == (definition,)
    assert await tools.run(call("intent__HassTurnOn", name=3, more=[1])) == ToolOutcome('{"name":3,"more":[1]}')
    broken = await tools.run(ToolCall("c1", "intent__HassTurnOn", "[]"))
    assert broken == ToolOutcome(
        "Tool 'intent__HassTurnOn' was not called: arguments: Input should be an object", ok=False
    )


def test_schemas_from_elsewhere_are_completed_or_refused() -> None:
    tools = Tools()
    tools.register(ToolDefinition("a", "", {}), echo)
    tools.register(ToolDefinition("b", "", {"type": "object"}), echo)
    for definition in tools.definitions():
        assert definition.parameters == {"type": "object", "properties": {}}
    with pytest.raises(ValueError, match="must be an object, not array"):
        tools.register(ToolDefinition("c", "", {"type": "array"}), echo)
    with pytest.raises(ValueError, match="no JSON"):
        tools.register(ToolDefinition("c", "", {"type": "object", "default": object()}), echo)
    assert tools.names() == ("a", "b")


def test_remove() -> None:
    tools = named("a", "b")
    before = tools.definitions()
    assert tools.definitions() == before
    tools.remove("a")
    assert tools.names() == ("b",)
    assert [definition.name for definition in tools.definitions()] == ["b"]
    with pytest.raises(UnknownToolError):
        tools.remove("a")
    tools.register(ToolDefinition("a", "again"), echo)
    assert [definition.description for definition in tools.definitions()] == ["b", "again"]


async def test_running_call_outlives_its_tool() -> None:
    tools = Tools()
    go = asyncio.Event()

    @tools.action("Wait")
    async def wait() -> str:
        await go.wait()
        return "done"

    running = asyncio.create_task(tools.run(call("wait")))
    await asyncio.sleep(0)
    tools.remove("wait")
    go.set()
    assert await running == ToolOutcome("done")


def test_merge_adds_all_or_nothing() -> None:
    tools = named("a", "b")
    tools.merge(named("c"))
    assert tools.names() == ("a", "b", "c")
    with pytest.raises(ValueError, match="a, c"):
        tools.merge(named("d", "c", "a"))
    assert tools.names() == ("a", "b", "c")


async def test_clone_is_independent() -> None:
    tools = Tools()
    progress: list[str] = []
    tools.on_progress = lambda _call_id, text: progress.append(text)
    tools.set_context(ToolContext(["first"]))

    @tools.action("Peek")
    def peek(names: Inject[list[str]]) -> list[str]:
        return names

    copy = tools.clone()
    copy.register(ToolDefinition("more", ""), echo)
    assert (tools.names(), copy.names()) == (("peek",), ("peek", "more"))
    assert copy.on_progress is tools.on_progress
    assert (await copy.run(call("peek"))).output == '["first"]'
    copy.set_context(ToolContext(["second"]))
    assert (await copy.run(call("peek"))).output == '["second"]'
    assert (await tools.run(call("peek"))).output == '["first"]'
    tools.remove("peek")
    assert copy.names() == ("peek", "more")


async def test_merged_tools_use_the_context_of_their_new_registry() -> None:
    other = Tools()

    @other.action("Peek")
    def peek(names: Inject[list[str]]) -> list[str]:
        return names

    other.set_context(ToolContext(["other"]))
    assert other.context.find((list,)) == ["other"]
    tools = Tools()
    tools.set_context(ToolContext(["own"]))
    tools.merge(other)
    assert (await tools.run(call("peek"))).output == '["own"]'


def test_a_kind_is_for_observers_and_not_for_the_model() -> None:
    tools = Tools()

    @tools.action("Format the disk", kind=ActionKind.DESTRUCTIVE)
    def format_disk() -> None: ...

    (definition,) = tools.definitions()
    assert definition.kind is ActionKind.DESTRUCTIVE
    assert "destructive" not in definition.description + str(definition.parameters)
