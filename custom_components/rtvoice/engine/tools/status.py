"""Sentences that say what a call is doing, made from its arguments."""

import inspect
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from string import Formatter

from pydantic import BaseModel

from ..conversation.values import ToolCall
from ..errors import ToolArgumentsError
from .parameters import Parameters

_LOGGER = logging.getLogger(__name__)

type StatusSource = str | Callable[..., str]
"""A template such as "Looking up {city}", or a function that returns the sentence.

The function takes arguments of the tool by name, or the whole model if the tool has a `param_model`.
"""

type Status = Callable[[str], str]
"""Makes the sentence from the model's JSON."""


def status_maker(source: StatusSource, parameters: Parameters) -> Status:
    """Compile a status. Raises ValueError for a template or function that asks for what the tool does not take."""
    fill = _filler(source, parameters)
    return lambda arguments: fill(parameters.parse(arguments))


def sentence(status: Status, call: ToolCall) -> str | None:
    """Say what a call is doing; None for arguments that the tool would refuse. Never raises."""
    try:
        text: object = status(call.arguments)
    except ToolArgumentsError:
        return None
    except Exception as err:
        _LOGGER.warning("The status of tool %s failed: %s", call.name, type(err).__name__)
        _LOGGER.debug("Traceback of the status of tool %s", call.name, exc_info=err)
        return None
    return text if isinstance(text, str) else None


def _filler(source: StatusSource, parameters: Parameters) -> Callable[[BaseModel], str]:
    if isinstance(source, str):
        _check_template(source, parameters)
        return lambda parsed: source.format_map(_spoken(parameters.values(parsed)))
    if parameters.receiver is not None:
        _check_takes_model(source)
        return source
    wanted = _wanted_names(source, parameters)
    return lambda parsed: source(**_chosen(parameters.values(parsed), wanted))


def _chosen(values: Mapping[str, object], wanted: tuple[str, ...]) -> dict[str, object]:
    return {name: values[name] for name in wanted}


def _spoken(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}


def _check_template(template: str, parameters: Parameters) -> None:
    for _, name, spec, _ in Formatter().parse(template):
        if name is not None and name not in parameters.fields:
            raise ValueError(f"the status names '{{{name}}}', which is no parameter of the tool")
        if spec and "{" in spec:
            raise ValueError("the status nests placeholders")


def _check_takes_model(source: Callable[..., str]) -> None:
    try:
        inspect.signature(source).bind(None)
    except TypeError as err:
        raise ValueError(f"the status function must take the param_model: {err}") from err


def _wanted_names(source: Callable[..., str], parameters: Parameters) -> tuple[str, ...]:
    wanted: list[str] = []
    for parameter in inspect.signature(source).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return tuple(parameters.fields)
        if parameter.name in parameters.fields:
            wanted.append(parameter.name)
        elif parameter.default is inspect.Parameter.empty:
            raise ValueError(f"the status function asks for '{parameter.name}', which is no parameter of the tool")
    return tuple(wanted)
