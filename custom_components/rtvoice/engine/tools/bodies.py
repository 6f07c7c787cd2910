"""The code behind a tool: what it needs before it can be called."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import orjson
from pydantic import BaseModel

from ..errors import ToolArgumentsError, ToolFailedError
from .inject import Injection, ToolContext, injection_of
from .parameters import Parameters, from_model, from_signature, readable, signature_of

_LOGGER = logging.getLogger(__name__)

type ToolHandler = Callable[[Mapping[str, object]], Awaitable[object]]


class ToolBody(Protocol):
    """Code that a call runs."""

    @property
    def blocking(self) -> bool:
        """Whether it must run in a thread."""

    def prepare(self, arguments: str, context: ToolContext) -> Callable[[], object]:
        """Everything filled in. Raises ToolArgumentsError for bad JSON, ToolFailedError for a missing dependency."""


_ROOM: Final = 16
"""Containers that whoever passes arguments on may put around them."""


@dataclass(frozen=True, slots=True)
class FunctionBody:
    """A decorated function: arguments by pydantic, dependencies by type."""

    function: Callable[..., object]
    parameters: Parameters
    injections: tuple[Injection, ...]
    blocking: bool

    def prepare(self, arguments: str, context: ToolContext) -> Callable[[], object]:
        """Bind the model's arguments and the dependencies."""
        keywords = self.parameters.keywords(self.parameters.parse(arguments))
        return partial(self.function, **keywords, **self._dependencies(context))

    def _dependencies(self, context: ToolContext) -> dict[str, object]:
        found: dict[str, object] = {}
        for injection in self.injections:
            dependency = context.find(injection.types)
            if dependency is None and injection.defaulted:
                continue
            if dependency is None and not injection.nullable:
                _LOGGER.warning("Nothing to inject for parameter %s: no %s", injection.parameter, injection.wanted)
                raise ToolFailedError(f"it needs a {injection.wanted}, and there is none")
            found[injection.parameter] = dependency
        return found


@dataclass(frozen=True, slots=True)
class HandlerBody:
    """A coroutine function that takes the JSON object as it is."""

    handler: ToolHandler
    blocking: bool = False

    def prepare(self, arguments: str, context: ToolContext) -> Callable[[], object]:  # noqa: ARG002 - part of the protocol
        """Bind the parsed JSON object."""
        return partial(self.handler, parsed_object(arguments))


def function_body(function: Callable[..., object], param_model: type[BaseModel] | None) -> FunctionBody:
    """Take a function apart. Raises ValueError for one that the model could not call."""
    if inspect.isgeneratorfunction(function):
        raise ValueError("a tool that yields must be an async generator")
    signature = signature_of(function)
    injections: list[Injection] = []
    plain: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if (injection := injection_of(parameter)) is None:
            plain.append(parameter)
        else:
            injections.append(injection)
    if param_model is None:
        hidden = [injection.parameter for injection in injections]
        parameters = from_signature(plain, hidden, getattr(function, "__module__", __name__))
    else:
        parameters = from_model(param_model, plain)
    return FunctionBody(function, parameters, tuple(injections), blocking=not _is_async(function))


def _is_async(function: Callable[..., object]) -> bool:
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004 - the method is wanted
    return any(
        check(candidate)
        for candidate in (function, called)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    )


def parsed_object(arguments: str) -> Mapping[str, object]:
    """Read the model's JSON object; blank means no arguments. Raises ToolArgumentsError."""
    try:
        parsed: object = orjson.loads(readable(arguments))
    except orjson.JSONDecodeError as err:
        raise ToolArgumentsError(f"arguments: Invalid JSON: {err}") from err
    if not isinstance(parsed, dict):
        raise ToolArgumentsError("arguments: Input should be an object")
    _check_depth(parsed)
    return parsed


def _check_depth(parsed: object) -> None:
    """Raise ToolArgumentsError for what cannot be passed on: more can be read than written."""
    for _ in range(_ROOM):
        parsed = [parsed]
    try:
        orjson.dumps(parsed)
    except TypeError as err:
        raise ToolArgumentsError("arguments: Input is nested too deeply") from err
