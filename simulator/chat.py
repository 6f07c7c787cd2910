"""The chat completions API: the same brain, asked in writing, as subagents do.

Source: https://developers.openai.com/api/reference/resources/chat
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence

from .checks import Json, anything, by_key, fields, list_of, nullable, number, text
from .conversation import Item
from .errors import Rejected
from .plan import Brain, Call, Context, Fail, Plan, Say
from .usage import TokenMeter

CHAT_MODELS = ("gpt-5.4-mini",)


async def complete(brain: Brain, body: Json, models: Sequence[str] = CHAT_MODELS) -> Json:
    """The answer to a request. Raises Rejected; also when the brain fails on purpose."""
    _check(body, "")
    if body["model"] not in models:
        raise Rejected("model_not_found", f"The model '{body['model']}' does not exist.", "model")
    context = _context(body)
    plan = await brain.respond(context)
    fault = next((step for step in plan.steps if not isinstance(step, Say | Call)), None)
    if fault is not None:
        error = fault if isinstance(fault, Fail) else Fail()
        raise Rejected(error.code, error.message, kind=error.kind)
    return _completion(body["model"], context, plan)


def _context(body: Json) -> Context:
    messages = body["messages"]
    told = [_words(message) for message in messages if message["role"] in ("system", "developer")]
    items = tuple(item for message in messages for item in _items(message))
    tools = tuple({"type": "function", **tool["function"]} for tool in body.get("tools") or ())
    return Context(
        "\n\n".join(told),
        tools,
        items,
        tool_choice=body.get("tool_choice", "auto"),
        modality="text",
        by_request=True,
    )


def _items(message: Json) -> Iterator[Item]:
    """The message as the Realtime API would keep it."""
    match message["role"]:
        case "user":
            yield _item("message", role="user", content=[{"type": "input_text", "text": _words(message)}])
        case "assistant":
            if words := _words(message):
                yield _item("message", role="assistant", content=[{"type": "output_text", "text": words}])
            for call in message.get("tool_calls") or ():
                function = call["function"]
                yield _item("function_call", call_id=call["id"], name=function["name"], arguments=function["arguments"])
        case "tool":
            yield _item("function_call_output", call_id=message["tool_call_id"], output=_words(message))


def _item(kind: str, **body: object) -> Item:
    return Item(f"item_{uuid.uuid4().hex[:12]}", {"type": kind, **body})


def _words(message: Json) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _completion(model: str, context: Context, plan: Plan) -> Json:
    words = " ".join(step.text for step in plan.steps if isinstance(step, Say))
    calls = [_call(step) for step in plan.steps if isinstance(step, Call)]
    message: Json = {"role": "assistant", "content": words or None, "refusal": None}
    output = [_item("message", role="assistant", content=[{"type": "output_text", "text": words}])]
    if calls:
        message["tool_calls"] = calls
        output += [_item("function_call", **call["function"]) for call in calls]
    usage = TokenMeter().usage(context.instructions, context.tools, context.items, output)
    finish_reason = "tool_calls" if calls else "stop"
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        },
    }


def _call(call: Call) -> Json:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
    return {
        "id": call.call_id or f"call_{uuid.uuid4().hex[:24]}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _content(value: object, param: str) -> None:
    """A text, or a list of parts with text."""
    if isinstance(value, str):
        return
    list_of(by_key("type", {"text": fields({"type": anything, "text": text}, ("text",))}))(value, param)


_FUNCTION_CALL = fields({"name": text, "arguments": text}, ("name", "arguments"))
_TOOL_CALL = by_key(
    "type", {"function": fields({"id": text, "type": anything, "function": _FUNCTION_CALL}, ("id", "function"))}
)
_TOLD = fields({"role": anything, "name": text, "content": _content}, ("content",))
_MESSAGE = by_key(
    "role",
    {
        "system": _TOLD,
        "developer": _TOLD,
        "user": _TOLD,
        "assistant": fields(
            {
                "role": anything,
                "name": text,
                "content": nullable(_content),
                "refusal": nullable(text),
                "tool_calls": list_of(_TOOL_CALL),
            }
        ),
        "tool": fields({"role": anything, "content": _content, "tool_call_id": text}, ("content", "tool_call_id")),
    },
)
_FUNCTION = fields({"name": text, "description": text, "parameters": anything, "strict": anything}, ("name",))
_TOOL = by_key("type", {"function": fields({"type": anything, "function": _FUNCTION}, ("function",))})
_check = fields(
    {
        "model": text,
        "messages": list_of(_MESSAGE),
        "tools": list_of(_TOOL),
        "tool_choice": anything,
        "temperature": number(0, 2),
    },
    ("model", "messages"),
)
