import enum
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Protocol, runtime_checkable

import pytest

from custom_components.rtvoice.engine.tools.inject import Inject, Injection, ToolContext, injection_of

type History = list[str]


class Bus:
    pass


class LoudBus(Bus):
    pass


class Clock:
    pass


class Closed(Protocol):
    def ring(self) -> None: ...


@runtime_checkable
class Bell(Protocol):
    def ring(self) -> None: ...


class Doorbell:
    def ring(self) -> None:
        pass


BUS = Bus()


def injection(function: Callable[..., object]) -> Injection | None:
    return injection_of(next(iter(inspect.signature(function).parameters.values())))


def test_first_dependency_of_the_type_wins() -> None:
    first, second = LoudBus(), Bus()
    context = ToolContext(None, Clock(), first)
    context.add(second)
    context.add(None)
    assert context.find((Bus,)) is first
    assert ToolContext(second, first).find((Bus,)) is second
    assert ToolContext(second, first).find((LoudBus,)) is first
    assert context.find((int, Bell)) is None
    bell = Doorbell()
    assert ToolContext(bell).find((Bell,)) is bell


def test_a_context_in_a_context_stands_for_what_it_holds() -> None:
    bus, inner = Bus(), ToolContext()
    context = ToolContext(inner, LoudBus())
    inner.add(bus)
    assert context.find((Bus,)) is bus
    assert context.find((Clock,)) is None
    assert len(list(context)) == 2


def test_false_objects_are_dependencies() -> None:
    history: list[str] = []
    assert ToolContext(history).find((list,)) is history


def test_injected_types() -> None:
    def plain(bus: Inject[Bus]) -> None: ...
    def inner(bus: Inject[Bus | None]) -> None: ...
    def outer(bus: Inject[Bus] | None) -> None: ...
    def either(bus: Inject[Bus | Clock] = BUS) -> None: ...
    def alias(history: Inject[History]) -> None: ...
    def annotated(bus: Annotated[Inject[Annotated[Bus, "inside"]], "outside"]) -> None: ...

    assert injection(plain) == Injection("bus", (Bus,), False, False)
    assert injection(inner) == Injection("bus", (Bus,), True, False)
    assert injection(outer) == Injection("bus", (Bus,), True, False)
    assert injection(either) == Injection("bus", (Bus, Clock), False, True)
    assert injection(alias) == Injection("history", (list,), False, False)
    assert injection(annotated) == Injection("bus", (Bus,), False, False)
    assert Injection("bus", (Bus, Clock), False, True).wanted == "Bus | Clock"


def test_other_parameters_are_the_models() -> None:
    def plain(a: int) -> None: ...
    def union(a: int | None) -> None: ...
    def bare(a) -> None: ...
    def annotated(a: Annotated[int, "text"]) -> None: ...
    def bus(a: Bus) -> None: ...

    for function in (plain, union, bare, annotated, bus):
        assert injection(function) is None


def test_types_that_cannot_be_looked_up() -> None:
    def bare(a: Inject) -> None: ...  # type: ignore[type-arg]  # the mistake under test
    def anything(a: Inject[Any]) -> None: ...
    def nothing(a: Inject[None]) -> None: ...
    def text(a: Inject["Bus"]) -> None: ...  # noqa: UP037 - the mistake under test
    def closed(a: Inject[Closed]) -> None: ...
    def mixed(a: Inject[Bus] | int) -> None: ...
    def twice(a: Inject[Bus] | Inject[Clock]) -> None: ...

    for function in (bare, anything, nothing, text, closed, mixed, twice):
        with pytest.raises(ValueError, match="Inject"):
            injection(function)


def test_enums_are_classes_too() -> None:
    class Mode(enum.Enum):
        ON = 1

    def tool(mode: Inject[Mode]) -> None: ...

    assert injection(tool) == Injection("mode", (Mode,), False, False)
    assert ToolContext(Mode.ON).find((Mode,)) is Mode.ON
