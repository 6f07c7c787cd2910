from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial

import pytest

from custom_components.rtvoice.engine.errors import ToolArgumentsError, ToolFailedError
from custom_components.rtvoice.engine.tools.bodies import HandlerBody, function_body
from custom_components.rtvoice.engine.tools.inject import Inject, ToolContext


class Bus:
    pass


class Clock:
    pass


def test_only_functions_that_wait_stay_on_the_loop() -> None:
    def plain() -> None: ...
    async def waits() -> None: ...
    async def steps() -> AsyncIterator[int]:
        yield 1

    class Waiting:
        async def __call__(self) -> None: ...

    class Plain:
        def __call__(self) -> None: ...

    assert function_body(plain, None).blocking
    assert function_body(Plain(), None).blocking
    for function in (waits, steps, partial(waits), Waiting(), Waiting().__call__):
        assert not function_body(function, None).blocking


def test_plain_generators_are_refused() -> None:
    def steps() -> Iterator[int]:
        yield 1

    with pytest.raises(ValueError, match="async generator"):
        function_body(steps, None)


def test_b18_dependencies_win_over_what_the_model_writes() -> None:
    bus, default = Bus(), Clock()

    def tool(
        a: int, bus: Inject[Bus], clock: Inject[Clock | None], other: Inject[Clock] = default
    ) -> tuple[object, ...]:
        return a, bus, clock, other

    body = function_body(tool, None)
    assert body.parameters.schema["properties"].keys() == {"a"}
    result = body.prepare('{"a": 1, "bus": "evil", "clock": 2, "other": 3}', ToolContext(bus))()
    assert result == (1, bus, None, default)
    clock = Clock()
    assert body.prepare('{"a": 1}', ToolContext(clock, bus))() == (1, bus, clock, clock)


def test_missing_dependency_is_named() -> None:
    def tool(bus: Inject[Bus | Clock]) -> None: ...

    with pytest.raises(ToolFailedError, match=r"needs a Bus \| Clock"):
        function_body(tool, None).prepare("{}", ToolContext())


async def test_handlers_take_the_object() -> None:
    async def handler(arguments: Mapping[str, object]) -> object:
        return arguments

    body = HandlerBody(handler)
    assert await body.prepare('{"a": {"b": [1]}}', ToolContext())() == {"a": {"b": [1]}}  # type: ignore[misc]  # a coroutine
    assert await body.prepare("", ToolContext())() == {}  # type: ignore[misc]  # a coroutine


@pytest.mark.parametrize("text", ["{", "[1]", '"a"', "null", '{"a": NaN}', "[" * 10_000, '{"a": "\ud800"}'])
def test_handlers_take_nothing_else(text: str) -> None:
    async def handler(arguments: Mapping[str, object]) -> object:
        return arguments

    with pytest.raises(ToolArgumentsError, match="arguments: "):
        HandlerBody(handler).prepare(text, ToolContext())
