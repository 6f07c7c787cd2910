import json

import pytest

from custom_components.rtvoice.engine.conversation.values import ResponseUsage
from custom_components.rtvoice.engine.errors import WireError
from custom_components.rtvoice.engine.subagents.chat import ModelMessage
from custom_components.rtvoice.engine.subagents.wire import decoded
from tests.engine.subagents.conftest import completion


def answered(message: dict, **fields) -> ModelMessage:
    choice = {"index": 0, "message": message, **fields}
    return decoded(json.dumps(completion(choices=[choice])).encode()).message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "assistant", "content": "Hi."}, "Hi."),
        ({"content": None}, ""),
        ({}, ""),
        ({"content": [{"type": "text", "text": "H"}, {"type": "odd"}, {"text": "i."}]}, "Hi."),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        ({"content": "Hi.", "tool_calls": None, "reasoning": "hm"}, "Hi."),
    ],
)
def test_texts_in_all_their_shapes(message, text) -> None:
    assert answered(message) == ModelMessage(text)


def test_calls_as_servers_write_them() -> None:
    functions = [
        {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}},
        {"id": "a", "function": {"name": "f", "arguments": None}},
        {"id": "", "function": {"name": "f", "arguments": ""}},
        {"function": {"name": "f"}},
        {"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}},
    ]
    calls = answered({"tool_calls": functions}).calls
    assert [call.arguments for call in calls] == ['{"x":1}', "{}", "{}", "{}"]
    assert calls[0].call_id == "a"
    assert len({call.call_id for call in calls}) == 4
    assert all(call.call_id and call.complete for call in calls)


def test_only_the_last_call_can_have_been_cut_off() -> None:
    functions = [{"id": name, "function": {"name": "f", "arguments": "{"}} for name in ("a", "b")]
    calls = answered({"tool_calls": functions}, finish_reason="length").calls
    assert [call.complete for call in calls] == [True, False]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "prompt_tokens_details": {}}])
def test_usage_may_be_missing(usage) -> None:
    assert decoded(json.dumps(completion("Hi.", usage=usage)).encode()).usage == ResponseUsage()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"choices": [{}]}', b'{"choices": [{"message": "Hi."}]}'])
def test_what_is_no_answer_is_refused(content) -> None:
    with pytest.raises(WireError):
        decoded(content)
