"""The simulator as a chat model, asked by the engine and by the official package's types."""

import aiohttp
import pytest
from openai.types.chat import ChatCompletion

from custom_components.rtvoice.engine import ToolDefinition
from custom_components.rtvoice.engine.errors import AuthenticationError, EngineError, ProviderError
from custom_components.rtvoice.engine.subagents import OpenAIChatModel, SystemMessage, ToolMessage, UserMessage
from simulator import Call, Fail, Plan, Say, ScriptedBrain, Simulator

MODEL = "gpt-5.4-mini"
LAMP = ToolDefinition("lamp", "Switch the lamp.", {"type": "object", "properties": {"on": {"type": "boolean"}}})


def chat_model(simulator: Simulator, *, model: str = MODEL, key: str = "sk-right") -> OpenAIChatModel:
    """A chat model at the simulator."""
    return OpenAIChatModel(model, api_key=key, base_url=simulator.base_url, max_retries=0)


async def test_the_brain_calls_tools_and_is_told_what_came_of_them(start) -> None:
    brain = ScriptedBrain(plans=[Plan((Say("A moment."), Call("lamp", {"on": True}))), Plan((Say("It is on."),))])
    simulator = await start(brain, api_key="sk-right")
    chat = chat_model(simulator)
    messages = [SystemMessage("Be brief."), UserMessage("Turn the lamp on.")]
    first = await chat.complete(messages, (LAMP,))
    (call,) = first.message.calls
    assert (first.message.text, call.name, call.arguments) == ("A moment.", "lamp", '{"on": true}')
    assert first.usage.input.text > 0
    assert first.usage.output.text > 0

    last = await chat.complete([*messages, first.message, ToolMessage(call.call_id, "done")], (LAMP,))
    await chat.close()
    assert (last.message.text, last.message.calls) == ("It is on.", ())
    context = brain.contexts[-1]
    assert context.instructions == "Be brief."
    assert [tool["name"] for tool in context.tools] == ["lamp"]
    assert [item.kind for item in context.items] == ["message", "message", "function_call", "function_call_output"]


async def test_an_answer_is_what_the_official_package_expects(start) -> None:
    simulator = await start(ScriptedBrain(plans=[Plan((Say("Hello."),))]))
    body = {"model": MODEL, "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{simulator.base_url}/chat/completions", json=body) as answer,
    ):
        completion = ChatCompletion.model_validate(await answer.json(), strict=True)
    assert completion.choices[0].message.content == "Hello."
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("options", "plans", "expected"),
    [
        ({"key": "sk-wrong"}, (), AuthenticationError),
        ({"model": "gpt-nothing"}, (), EngineError),
        ({}, (Plan((Fail(),)),), ProviderError),
    ],
    ids=["wrong key", "unknown model", "fault"],
)
async def test_what_goes_wrong_is_said_as_an_error(start, options, plans, expected) -> None:
    simulator = await start(ScriptedBrain(plans=plans), api_key="sk-right")
    chat = chat_model(simulator, **options)
    with pytest.raises(expected):
        await chat.complete([UserMessage("hello")], ())
    await chat.close()


async def test_a_request_that_is_none_is_rejected(start) -> None:
    simulator = await start(ScriptedBrain())
    for body, param in (
        ({"messages": []}, "model"),
        ({"model": MODEL, "messages": [], "stream": True}, "stream"),
        ({"model": MODEL, "messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ):
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{simulator.base_url}/chat/completions", json=body) as answer,
        ):
            assert answer.status == 400
            assert (await answer.json())["error"]["param"] == param
