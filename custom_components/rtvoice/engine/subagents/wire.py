"""Chat completions as JSON.

Source: https://developers.openai.com/api/reference/resources/chat
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, assert_never
from uuid import uuid4

import orjson
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from ..conversation.values import ResponseUsage, TokenCount, ToolCall, ToolDefinition
from ..errors import WireError
from .chat import ChatAnswer, ChatMessage, ModelMessage, SystemMessage, ToolMessage, UserMessage

type Json = dict[str, Any]

_CUT = "length"
_NO_ARGUMENTS = "{}"


def encoded_messages(messages: Sequence[ChatMessage]) -> list[Json]:
    """Messages as the API takes them."""
    return [_encoded(message) for message in messages]


def encoded_tools(tools: Sequence[ToolDefinition]) -> list[Json]:
    """Tools as the API takes them."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in tools
    ]


def decoded(content: bytes) -> ChatAnswer:
    """The body of an answer. Raises WireError."""
    try:
        completion = _Completion.model_validate_json(content)
    except ValidationError as err:
        raise WireError("The chat model's answer cannot be read") from err
    choice = completion.choices[0]
    message = choice.message
    calls = [(call.id, call.function) for call in message.tool_calls or () if call.function is not None]
    seen: set[str] = set()
    decoded_calls = tuple(
        _decoded_call(call_id, function, seen, complete=choice.finish_reason != _CUT or number < len(calls))
        for number, (call_id, function) in enumerate(calls, start=1)
    )
    return ChatAnswer(ModelMessage(message.content or message.refusal or "", decoded_calls), _usage(completion.usage))


def _encoded(message: ChatMessage) -> Json:
    match message:
        case SystemMessage(text):
            return {"role": "system", "content": text}
        case UserMessage(text):
            return {"role": "user", "content": text}
        case ToolMessage(call_id, text):
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        case ModelMessage(text, calls):
            answer: Json = {"role": "assistant", "content": text or None}
            return answer | {"tool_calls": [_encoded_call(call) for call in calls]} if calls else answer
        case _:
            assert_never(message)


def _encoded_call(call: ToolCall) -> Json:
    # Some servers read the arguments of earlier calls and refuse the whole request when they are no JSON object.
    arguments = call.arguments if _is_object(call.arguments) else _NO_ARGUMENTS
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False


def _decoded_call(call_id: str | None, function: _Function, seen: set[str], *, complete: bool) -> ToolCall:
    """A call with an id of its own: some servers give none, or the same one twice."""
    if not call_id or call_id in seen:
        call_id = f"call_{uuid4().hex}"
    seen.add(call_id)
    return ToolCall(call_id, function.name, function.arguments or _NO_ARGUMENTS, complete=complete)


def _usage(usage: _Usage | None) -> ResponseUsage:
    if usage is None:
        return ResponseUsage()
    cached = usage.prompt_tokens_details.cached_tokens or 0 if usage.prompt_tokens_details else 0
    return ResponseUsage(
        input=TokenCount(text=usage.prompt_tokens or 0),
        cached=TokenCount(text=cached),
        output=TokenCount(text=usage.completion_tokens or 0),
    )


def _as_text(arguments: object) -> object:
    return orjson.dumps(arguments).decode() if isinstance(arguments, Mapping) else arguments


def _joined(content: object) -> object:
    """Content in parts, as some servers send it, as one text."""
    if not isinstance(content, list):
        return content
    return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


class _Function(BaseModel):
    name: str
    arguments: Annotated[str | None, BeforeValidator(_as_text)] = None


class _Call(BaseModel):
    id: str | None = None
    function: _Function | None = None


class _Message(BaseModel):
    role: Literal["assistant"] | None = None
    content: Annotated[str | None, BeforeValidator(_joined)] = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _TokenDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _TokenDetails | None = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None
