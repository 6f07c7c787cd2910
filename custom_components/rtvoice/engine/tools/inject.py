"""Dependencies that tools are given by type, out of the model's sight."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, TypeAliasType, Union, get_args, get_origin

type Inject[T] = T
"""Marks a parameter that is filled from the `ToolContext` by its type and that the model never sees.

`Inject[T]` takes the first dependency that is an instance of T. Without one, the parameter's default is used, then None
for `Inject[T | None]` and `Inject[T] | None`; else the call fails.
"""


class ToolContext:
    """What `Inject[T]` is filled from: event bus, context, history, agent and any other objects.

    The first dependency that is an instance of T wins, in the order of registration. None is ignored. Another context
    stands for all that it holds, now and later.
    """

    def __init__(self, *dependencies: object) -> None:
        self._dependencies: list[object] = []
        for dependency in dependencies:
            self.add(dependency)

    def add(self, dependency: object) -> None:
        """Offer one more object, behind those that are there."""
        if dependency is not None:
            self._dependencies.append(dependency)

    def find(self, types: tuple[type, ...]) -> object | None:
        """The first dependency that is an instance of one of `types`, or None."""
        return next((dependency for dependency in self if isinstance(dependency, types)), None)

    def __iter__(self) -> Iterator[object]:
        for dependency in self._dependencies:
            if isinstance(dependency, ToolContext):
                yield from dependency
            else:
                yield dependency


@dataclass(frozen=True, slots=True)
class Injection:
    """A parameter that is filled from the context."""

    parameter: str
    types: tuple[type, ...]
    nullable: bool
    defaulted: bool

    @property
    def wanted(self) -> str:
        """The types in words."""
        return " | ".join(wanted.__name__ for wanted in self.types)


def injection_of(parameter: inspect.Parameter) -> Injection | None:
    """How a parameter is injected, None if it is the model's. Raises ValueError for a type that cannot be looked up."""
    targets, nullable = _injected(parameter.annotation)
    if not targets:
        return None
    types: list[type] = []
    for member in _members(targets[0]):
        if member is NoneType:
            nullable = True
        else:
            types.append(_class_of(member, parameter.name))
    if not types:
        raise ValueError(f"Inject of parameter '{parameter.name}' names no class")
    return Injection(parameter.name, tuple(types), nullable, parameter.default is not inspect.Parameter.empty)


def _injected(annotation: object) -> tuple[tuple[object, ...], bool]:
    """What stands inside `Inject[...]`, if there is one, and whether None was allowed outside of it."""
    if annotation is Inject:
        raise ValueError("Inject needs a type, as in Inject[EventBus]")
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Inject:
        return args, False
    if origin is Annotated:
        return _injected(args[0])
    if origin is not Union:
        return (), False
    targets = tuple(target for arg in args for target in _injected(arg)[0])
    others = [arg for arg in args if not _injected(arg)[0]]
    if targets and (len(targets) > 1 or others != [NoneType]):
        raise ValueError("Inject mixes only with None; write Inject[A | B]")
    return targets, bool(targets)


def _members(target: object) -> tuple[object, ...]:
    while isinstance(target, TypeAliasType):
        target = target.__value__
    if get_origin(target) is Annotated:
        return _members(get_args(target)[0])
    if get_origin(target) is Union:
        return tuple(member for arg in get_args(target) for member in _members(arg))
    return (NoneType if target is None else target,)


def _class_of(target: object, parameter: str) -> type:
    found = get_origin(target) or target
    if not isinstance(found, type):
        raise ValueError(f"Inject of parameter '{parameter}' needs a class, not {target!r}")  # noqa: TRY004 - as documented
    try:
        isinstance(None, found)
    except TypeError as err:
        raise ValueError(
            f"Inject of parameter '{parameter}': {found.__name__} cannot be looked up by isinstance"
        ) from err
    return found
