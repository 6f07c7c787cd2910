"""A question of the home, and how the agent hands in its answer."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers import llm

from ..engine import ActionResult, AgentState, ToolDefinition, Tools
from ..engine.events import (
    AgentStateChangedEvent,
    AssistantStoppedRespondingEvent,
    SessionEvent,
    UserStartedSpeakingEvent,
    UserStoppedSpeakingEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)
from .phrases import Phrases

ANSWER_TOOL: Final = "give_answer"
DECLINE_TOOL: Final = "decline_to_answer"
PATIENCE_S: Final = 3.0
"""How long the agent may take over an answer that a sentence fits exactly, before it counts without the agent."""

_ID: Final = "answer_id"
_TEXT: Final = "answer"
_RULE: Final = f"""\
You have just asked this question on behalf of the home, which waits for the answer: "{{question}}"
As soon as the user has answered, call {ANSWER_TOOL} and say nothing. Take what they mean, not only their words.
If they do not want to answer, call {DECLINE_TOOL}. If you did not understand, ask once more, briefly.
You cannot do anything else now; the home acts on the answer by itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and which answers there can be; with neither `answers` nor `fields`, any."""

    text: str
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Sentence templates by the answer's id."""
    fields: probatio.Schema | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question; all None where nobody said anything."""

    answer_id: str | None = None
    text: str | None = None
    """What the user said last."""
    data: Mapping[str, Any] | None = None

    def as_response(self) -> dict[str, Any]:
        """The response of the action `rtvoice.ask`."""
        return {"answer_id": self.answer_id, "text": self.text, "data": dict(self.data) if self.data else None}


class Inquiry:
    """One question on its way to an answer. The model answers by a tool; the user's own words make up for it."""

    def __init__(self, hass: HomeAssistant, question: Question) -> None:
        self._hass = hass
        self._question = question
        self._phrases = Phrases(question.answers, hass.config.language) if question.answers else None
        self._found: asyncio.Future[Answer] = hass.loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._candidate: Answer | None = None
        self._text: str | None = None
        self._user_speaks = False
        self._state = AgentState.CONNECTING
        self._written = asyncio.Event()
        self._written.set()
        self.asked = asyncio.Event()
        """Set when the question was heard, or the user has answered before that."""

    @property
    def instructions(self) -> str:
        """What the agent must know."""
        return _RULE.format(question=self._question.text)

    @property
    def tools(self) -> Tools:
        """How the agent hands in the answer."""
        tools = Tools()
        answer = ToolDefinition(ANSWER_TOOL, "Hand in the user's answer to the question.", self._schema())
        tools.register(answer, self._async_answer, respond=False)
        decline = ToolDefinition(DECLINE_TOOL, "The user does not want to answer the question.", _object({}))
        tools.register(decline, lambda _: self._async_decline(), respond=False)
        return tools

    @property
    def found(self) -> asyncio.Future[Answer]:
        """The answer, as soon as there is one."""
        return self._found

    @property
    def busy(self) -> bool:
        """Whether an answer may be under way."""
        return self._user_speaks or self._state in (AgentState.THINKING, AgentState.SPEAKING)

    async def async_close(self, *, wait_s: float) -> Answer:
        """The answer, or what was said in place of one; what the user said may yet be written down for so long."""
        self._stop_waiting()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._written.wait()
        answer = self._found.result() if self._found.done() else self._candidate or Answer()
        return replace(answer, text=self._text or answer.text)

    def receive(self, event: SessionEvent) -> None:
        """Take in an event of the session."""
        match event:
            case UserStartedSpeakingEvent():
                self._user_speaks = True
                self.asked.set()
                self._written.clear()
            case UserStoppedSpeakingEvent():
                self._user_speaks = False
            case UserTranscriptCompletedEvent(transcript=text):
                self._heard(text)
            case UserTranscriptFailedEvent():
                self._heard("")
            case AgentStateChangedEvent(state=state):
                self._state = AgentState(state)
            case AssistantStoppedRespondingEvent():
                self.asked.set()
                self._settle()

    def _heard(self, text: str) -> None:
        self._written.set()
        if not text:
            return
        self.asked.set()
        self._text = text
        if self._phrases is None or (match := self._phrases.find(text)) is None:
            self._candidate = None
            return
        self._candidate = Answer(match.key, text, match.slots)
        self._stop_waiting()
        self._timer = self._hass.loop.call_later(PATIENCE_S, self._settle)

    def _settle(self) -> None:
        """The agent has had its chance."""
        if self._candidate is not None:
            self._find(self._candidate)

    def _find(self, answer: Answer) -> None:
        if not self._found.done():
            self._found.set_result(answer)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schema(self) -> dict[str, Any]:
        question = self._question
        if question.fields is not None:
            schema = probatio.to_openapi(
                question.fields, custom_serializer=llm.selector_serializer, openapi_version="3.1.0"
            )
            return _object({}) | dict(schema)
        if question.answers:
            hints = "; ".join(f"{key}: {', '.join(sentences)}" for key, sentences in question.answers.items())
            choice = {"type": "string", "enum": list(question.answers), "description": f"What fits best. {hints}"}
            return _object({_ID: choice}, _ID)
        return _object({_TEXT: {"type": "string", "description": "The answer in the user's own words"}}, _TEXT)

    async def _async_answer(self, arguments: Mapping[str, object]) -> object:
        try:
            self._find(self._answer(dict(arguments)))
        except probatio.Invalid as err:
            return ActionResult.fail(f"This is no answer to the question: {err}")
        return ActionResult.success(respond=False)

    def _answer(self, given: dict[str, object]) -> Answer:
        question = self._question
        if question.fields is not None:
            return Answer(data=question.fields(given))
        if question.answers:
            return Answer(_chosen(given, question.answers))
        return Answer(text=probatio.Schema({probatio.Required(_TEXT): str})(given)[_TEXT])

    async def _async_decline(self) -> object:
        self._find(Answer())
        return ActionResult.success(respond=False)


def _chosen(given: dict[str, object], ids: Iterable[str]) -> str:
    return str(probatio.Schema({probatio.Required(_ID): probatio.In(list(ids))})(given)[_ID])


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}
