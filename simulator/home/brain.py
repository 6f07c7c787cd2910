"""The brain of the demo: hears, decides and speaks with nothing but what is on this machine."""

import re
from datetime import datetime

from simulator.conversation import Item
from simulator.errors import SimulatorSetupError
from simulator.plan import Call, Context, Fault, Heard, Plan, Say, Step
from simulator.scripted import verbatim

from .actions import calls_for
from .answers import GREETING, NO_TOOL, NOT_UNDERSTOOD, SMALL_TALK, Result, answer
from .ear import Ear
from .house import House
from .phrases import Phrases
from .toolbox import Toolbox, read_json
from .voice import Voice

_KEPT_HOUSES = 8
_TASK = re.compile(r"<task>\s*(.*?)\s*</task>", re.DOTALL)
TOKEN = "confirmation_token"  # noqa: S105  the name of an argument
NOTHING_TO_CONFIRM = "There is nothing that waits for your word."
_TO_CMU = {"ax": "AH", "el": "AH L", "em": "AH M", "en": "AH N"}


class HomeBrain:
    """Understands sentences about the house in the session's instructions, and answers in a real voice.

    With `preamble` it says a few words in the same response before it calls tools, as some models do.
    """

    def __init__(self, *, voice: Voice | None = None, ear: Ear | None = None, preamble: bool = False) -> None:
        self._voice = voice or Voice()
        self._ear = ear or Ear()
        self._preamble = preamble
        self._phrases: dict[tuple[str, str], Phrases] = {}
        self._pronunciations: dict[str, str] = {}

    async def start(self) -> None:
        """Raise SimulatorSetupError when flite or pocketsphinx is missing."""
        self._voice.check()
        await self._ear.start()

    async def close(self) -> None:
        """End the ear's thread."""
        await self._ear.close()

    def before_response(self, context: Context) -> Fault | None:  # noqa: ARG002  this brain never fails on purpose
        """Nothing goes wrong here."""
        return None

    async def hear(self, audio: bytes, context: Context) -> Heard:
        """Recognise a sentence about the house."""
        phrases = self._phrases_for(context)
        for word in await self._ear.unknown_words(phrases):
            if word not in self._pronunciations:
                self._pronunciations[word] = _cmu(await self._voice.phones(word))
        return Heard(await self._ear.hear(audio, phrases, self._pronunciations))

    async def respond(self, context: Context) -> Plan:
        """Say and do what the conversation asks for."""
        words, calls = self._decide(context)
        steps: list[Step] = []
        if words:
            audio = b"" if context.modality == "text" else await self._speech(words, context)
            steps.append(Say(words, audio=audio, phase="commentary" if calls else None))
        return Plan((*steps, *calls))

    async def _speech(self, words: str, context: Context) -> bytes:
        return await self._voice.speak(words, voice=context.voice, speed=context.speed)

    def _decide(self, context: Context) -> tuple[str, list[Call]]:
        if words := verbatim(context.response_instructions):
            return words, []
        question, results, answered = _situation(context.items)
        if results:
            intent = self._phrases_for(context).understand(_wish(question)) if question else None
            return answer(intent, results, datetime.now().astimezone()), []
        if question is None or answered:
            return GREETING, []
        return self._reply(_wish(question), context)

    def _reply(self, text: str, context: Context) -> tuple[str, list[Call]]:
        phrases = self._phrases_for(context)
        intent = phrases.understand(text)
        if intent is None:
            return NOT_UNDERSTOOD, []
        if given := Toolbox(context.tools).answer(intent.kind):
            return "", [given]
        if intent.kind in SMALL_TALK:
            return SMALL_TALK[intent.kind], []
        if intent.kind == "yes":
            call = _confirmed(context.items)
            return ("", [call]) if call else (NOTHING_TO_CONFIRM, [])
        calls = None if context.tool_choice == "none" else calls_for(intent, phrases.house, Toolbox(context.tools))
        if calls:
            return ("One moment." if self._preamble else ""), calls
        if intent.kind in ("ask_time", "ask_date"):
            return answer(intent, [], datetime.now().astimezone()), []
        return NO_TOOL, []

    def _phrases_for(self, context: Context) -> Phrases:
        toolbox = Toolbox(context.tools)
        key = (context.instructions, " ".join((*toolbox.scripts, *toolbox.subagents)))
        if key not in self._phrases:
            while len(self._phrases) >= _KEPT_HOUSES:
                del self._phrases[next(iter(self._phrases))]
            self._phrases[key] = Phrases(House.from_instructions(context.instructions), toolbox)
        return self._phrases[key]


def _situation(items: tuple[Item, ...]) -> tuple[Item | None, list[Result], bool]:
    """The user's last message, the tool results since then that nothing was said about, and whether it was answered."""
    last_user = max((at for at, item in enumerate(items) if item.role == "user"), default=-1)
    question = items[last_user] if last_user >= 0 else None
    calls: dict[str, Item] = {}
    results: list[Result] = []
    answered = False
    for item in items[last_user + 1 :]:
        match item.kind:
            case "function_call":
                calls[item.body["call_id"]] = item
                answered = True
            case "function_call_output" if call := calls.get(item.body["call_id"]):
                arguments = read_json(call.body["arguments"])
                results.append(
                    Result(call.body["name"], arguments if isinstance(arguments, dict) else {}, item.body["output"])
                )
            case "message" if item.role == "assistant" and item.body.get("phase") != "commentary":
                answered = True
                results.clear()
    return question, results, answered


def _wish(question: Item) -> str:
    """What the user wants; of a message with a task in it, the task."""
    task = _TASK.search(question.words)
    return task[1] if task else question.words


def _confirmed(items: tuple[Item, ...]) -> Call | None:
    """The call that waits for the user's word, with its token; None if none does, or it was made already."""
    calls = {item.body["call_id"]: item for item in items if item.kind == "function_call"}
    for item in reversed(items):
        output = read_json(item.body["output"]) if item.kind == "function_call_output" else None
        if isinstance(output, dict) and output.get("token") and (call := calls.get(item.body["call_id"])):
            arguments = read_json(call.body["arguments"])
            told = {**(arguments if isinstance(arguments, dict) else {}), TOKEN: output["token"]}
            made = [read_json(other.body["arguments"]) for other in calls.values()]
            return None if told in made else Call(call.body["name"], told)
    return None


def _cmu(phones: list[str]) -> str:
    """Phones of flite in the recogniser's alphabet. Raises SimulatorSetupError for a word without any sound."""
    known = [_TO_CMU.get(phone, phone.upper()) for phone in (re.sub(r"\d", "", phone) for phone in phones)]
    if not known:
        raise SimulatorSetupError("A name in the house has a word that cannot be pronounced")
    return " ".join(known)
