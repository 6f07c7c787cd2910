"""What a function takes from the model: a pydantic model that gives the schema and reads the model's JSON."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any, Final, TypeAliasType, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticUndefinedAnnotation,
    PydanticUserError,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from ..errors import ToolArgumentsError
from .schema import Schema, object_schema

MAX_ARGUMENTS_CHARS: Final = 1_000_000
"""Of one call; more than a model says in a response, and what is read at once."""
_MAX_ERRORS = 10
_MAX_ERROR_CHARS = 500
_ITERABLE = (Iterable, Collection)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def readable(arguments: str) -> str:
    """The model's JSON as it is to be read; blank means no arguments. Raises ToolArgumentsError if it is too long."""
    if len(arguments) > MAX_ARGUMENTS_CHARS:
        words = f"{len(arguments)} characters are too many, no more than {MAX_ARGUMENTS_CHARS} are taken"
        raise ToolArgumentsError(f"arguments: {words}")
    return arguments if arguments.strip() else "{}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The model's side of a function: `model` reads the JSON, `fields` maps the author's names to its fields."""

    model: type[BaseModel]
    schema: Schema
    fields: Mapping[str, str]
    receiver: str | None = None
    """The parameter that takes the whole model; None: each field has its own parameter."""
    optional: frozenset[str] = frozenset()
    """Names that are left out when the model said nothing, so that the function's own default holds."""

    def parse(self, arguments: str) -> BaseModel:
        """Read the model's JSON; blank means no arguments. Raises ToolArgumentsError that names each wrong field."""
        try:
            return self.model.model_validate_json(readable(arguments))
        except ValidationError as err:
            raise ToolArgumentsError(_complaint(err)) from err

    def keywords(self, parsed: BaseModel) -> dict[str, object]:
        """Arguments for the function."""
        if self.receiver is not None:
            return {self.receiver: parsed}
        given = parsed.model_fields_set
        return {
            name: getattr(parsed, field)
            for name, field in self.fields.items()
            if field in given or name not in self.optional
        }

    def values(self, parsed: BaseModel) -> dict[str, object]:
        """All values by name, defaults included."""
        return {name: getattr(parsed, field) for name, field in self.fields.items()}


def signature_of(function: Callable[..., object]) -> inspect.Signature:
    """Return the signature with its annotations evaluated. Raises ValueError for what cannot be called by name."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except (NameError, SyntaxError, TypeError, AttributeError) as err:
        raise ValueError(f"its annotations cannot be evaluated: {err}") from err
    for parameter in signature.parameters.values():
        if parameter.kind not in _BY_NAME:
            raise ValueError(f"parameter '{parameter.name}' cannot be given by name ({parameter.kind.description})")
    return signature


def from_signature(parameters: Sequence[inspect.Parameter], hidden: Iterable[str], module: str) -> Parameters:
    """Make one field per parameter. Raises ValueError for types that JSON cannot carry.

    The fields have names of their own and the parameters' as aliases, so that any parameter may be called anything.
    What the model writes for a `hidden` name is ignored; any other name is refused.
    """
    fields = {parameter.name: f"p{index}" for index, parameter in enumerate(parameters)}
    definitions: dict[str, Any] = {fields[parameter.name]: _field(parameter) for parameter in parameters}
    definitions |= {f"hidden{index}": _hidden_field(name) for index, name in enumerate(hidden)}
    config = ConfigDict(extra="forbid", protected_namespaces=())
    try:
        model = create_model("Arguments", __config__=config, __module__=module, **definitions)
        model.model_rebuild()
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError) as err:
        raise ValueError(f"its parameters cannot be read from JSON (should one be Inject[...]?): {err}") from err
    optional = frozenset(parameter.name for parameter in parameters if _has_own_default(parameter))
    return Parameters(model, _schema_of(model), fields, optional=optional)


def from_model(model: type[BaseModel], parameters: Sequence[inspect.Parameter]) -> Parameters:
    """One parameter takes a validated instance of `model`: the one annotated with it, or the only one there is."""
    named = [parameter for parameter in parameters if _bare(parameter.annotation) is model]
    receivers = named or [parameter for parameter in parameters if not _has_own_default(parameter)]
    if len(receivers) != 1:
        raise ValueError(f"exactly one parameter must take the {model.__name__}")
    for parameter in parameters:
        if parameter is not receivers[0] and not _has_own_default(parameter):
            raise ValueError(f"parameter '{parameter.name}' is neither injected nor has it a default")
    return Parameters(model, _schema_of(model), {name: name for name in model.model_fields}, receivers[0].name)


def _schema_of(model: type[BaseModel]) -> Schema:
    try:
        return object_schema(model)
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError, ValueError, KeyError) as err:
        raise ValueError(f"its parameters have no JSON schema: {err}") from err


def _field(parameter: inspect.Parameter) -> tuple[object, FieldInfo]:
    hint = Any if parameter.annotation is inspect.Parameter.empty else _described(parameter.annotation, frozenset())
    alias = Field(alias=parameter.name, validation_alias=parameter.name, serialization_alias=parameter.name)
    if isinstance(parameter.default, FieldInfo):
        return Annotated[hint, parameter.default, alias], Field()
    if parameter.default is inspect.Parameter.empty:
        return Annotated[hint, alias], Field()
    return Annotated[hint, alias], Field(default=parameter.default)


def _hidden_field(name: str) -> tuple[object, object]:
    no_schema: Any = SkipJsonSchema
    return Annotated[no_schema[Any], Field(alias=name)], Field(default=None)


def _has_own_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty and not isinstance(parameter.default, FieldInfo)


def _bare(annotation: object) -> object:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _described(hint: Any, seen: frozenset[TypeAliasType]) -> Any:
    """The same type with the first string of every `Annotated` in it as the description of its schema.

    What is only said to be iterable becomes a list: pydantic would read its items when the tool does, too late to
    refuse them.
    """
    if isinstance(hint, TypeAliasType):
        if hint in seen or get_origin(hint.__value__) is not Annotated:
            return hint
        return _described(hint.__value__, seen | {hint})
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        texts = [text for text in args[1:] if isinstance(text, str)]
        others = [other for other in args[1:] if not isinstance(other, str)]
        description = [Field(description=texts[0])] if texts else []
        metadata = (*description, *others)
        inner = _described(args[0], seen)
        return Annotated[inner, *metadata] if metadata else inner
    described = tuple(_described(arg, seen) for arg in args)
    if hint in _ITERABLE or origin in _ITERABLE:
        return GenericAlias(list, described or (Any,))
    if origin is None or all(new is old for new, old in zip(described, args, strict=True)):
        return hint
    return reduce(or_, described) if origin is Union else origin[described]


def _complaint(error: ValidationError) -> str:
    lines = []
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    for wrong in errors[:_MAX_ERRORS]:
        place = ".".join(str(part) for part in wrong["loc"]) or "arguments"
        lines.append(f"{place}: {wrong['msg'][:_MAX_ERROR_CHARS]}")
    if len(errors) > _MAX_ERRORS:
        lines.append(f"and {len(errors) - _MAX_ERRORS} more")
    return "; ".join(lines)
