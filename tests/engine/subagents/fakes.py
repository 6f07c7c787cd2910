"""A chat model that follows a script, and refuses what real ones refuse."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import override

from custom_components.rtvoice.engine.conversation.values import ResponseUsage, TokenCount, ToolCall, ToolDefinition
from custom_components.rtvoice.engine.subagents import (
    ChatAnswer,
    ChatMessage,
    ChatModel,
    ModelMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

USAGE = ResponseUsage(input=TokenCount(text=10), cached=TokenCount(text=4), output=TokenCount(text=2))

type Step = ChatAnswer | BaseException | Callable[[], Awaitable[ChatAnswer]]

_ids = count(1)


def says(text: str) -> ChatAnswer:
    return ChatAnswer(ModelMessage(text), USAGE)


def calls(*wanted: tuple[str, dict | str]) -> ChatAnswer:
    """An answer that calls tools; arguments are given as JSON or as an object."""
    made = (
        ToolCall(f"call_{next(_ids)}", name, given if isinstance(given, str) else json.dumps(given))
        for name, given in wanted
    )
    return ChatAnswer(ModelMessage("", tuple(made)), USAGE)


def done(result: str = "Finished.") -> ChatAnswer:
    return calls(("done", {"result": result}))


class FakeChatModel(ChatModel):
    """Answers as scripted, notes what it was asked, and checks it as a strict server does."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.asked: list[tuple[ChatMessage, ...]] = []
        self.offered: list[tuple[str, ...]] = []
        self.closed = 0
        self.prewarmed = 0

    @property
    @override
    def model(self) -> str:
        return "fake-model"

    @override
    async def prewarm(self) -> None:
        self.prewarmed += 1

    @override
    async def complete(self, messages: Sequence[ChatMessage], tools: Sequence[ToolDefinition]) -> ChatAnswer:
        check(messages)
        names = tuple(tool.name for tool in tools)
        assert len(set(names)) == len(names)
        self.asked.append(tuple(messages))
        self.offered.append(names)
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, ChatAnswer) else await step()

    @override
    async def close(self) -> None:
        self.closed += 1

    def results(self, ask: int = -1) -> list[str]:
        """Results of calls that it was told with a question."""
        return [message.text for message in self.asked[ask] if isinstance(message, ToolMessage)]

    def told(self, ask: int = -1) -> str:
        """The last thing that the user said with a question."""
        return [message.text for message in self.asked[ask] if isinstance(message, UserMessage)][-1]


class Gate:
    """Lets a scripted answer through when it is opened."""

    def __init__(self, answer: ChatAnswer) -> None:
        self._answer = answer
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> ChatAnswer:
        self.reached.set()
        await self.opened.wait()
        return self._answer


def check(messages: Sequence[ChatMessage]) -> None:
    """The API's rules: the system first, each call answered once and at once, and no two user messages in a row."""
    assert isinstance(messages[0], SystemMessage)
    assert not any(isinstance(message, SystemMessage) for message in messages[1:])
    waiting: set[str] = set()
    for before, message in zip((None, *messages), messages, strict=False):
        if isinstance(message, ToolMessage):
            assert message.call_id in waiting
            waiting.remove(message.call_id)
            continue
        assert not waiting, f"not answered: {waiting}"
        assert not (isinstance(message, UserMessage) and isinstance(before, UserMessage))
        if isinstance(message, ModelMessage):
            waiting = {call.call_id for call in message.calls}
            assert len(waiting) == len(message.calls)
    assert not waiting, f"not answered: {waiting}"
