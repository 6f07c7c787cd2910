"""Saying sentences to the agent as a person would, and telling what came of it."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .api import ApiError, HomeAssistantApi, Json
from .programs import ProgramError
from .sound import Sound
from .speech import speak_to_file, speech_s, trim

SATELLITE = "assist_satellite.local_satellite"
STATUS = "sensor.local_satellite_status"
ANSWER_TIMEOUT_S = 60.0
SETTLED_S = 1.0
"""So long the agent must have been listening again for its answer to be over."""
LEAST_SPEECH_S = 0.3
LEAST_WORDS = 0.5
"""The share of the words of a sentence that the agent must have heard when it acts on it."""


LEAVE = "confirmation_token"
"""The argument by which a call shows that the user has agreed."""


@dataclass
class Outcome:
    """What came of some sentences."""

    said: list[str]
    turns: list[Json] = field(default_factory=list)
    tools: list[Json] = field(default_factory=list)
    changes: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    end_reason: str = ""
    answer_s: float = 0.0

    def heard(self) -> list[str]:
        """What the user said, as the agent understood it."""
        return [turn["text"] for turn in self.turns if turn["role"] == "user"]

    def answers(self) -> list[str]:
        """What the agent said."""
        return [turn["text"] for turn in self.turns if turn["role"] == "assistant" and turn["text"]]

    def is_understood(self) -> bool:
        """Whether the agent heard at least one of the sentences as it was said."""
        pairs = zip(self.said, self.heard(), strict=False)
        return any(words_in_common(said, heard) >= LEAST_WORDS for said, heard in pairs)

    def problems(self) -> list[str]:
        """Why this was no success; empty if it was one."""
        problems = []
        if len(self.heard()) < len(self.said):
            problems.append(f"the agent heard {len(self.heard())} of {len(self.said)} sentences")
        elif self.tools and not self.is_understood():
            problems.append("the agent acted on other words than were said")
        if not self.answers():
            problems.append("the agent did not answer")
        if self.answer_s < LEAST_SPEECH_S:
            problems.append(f"there are only {self.answer_s:.1f} s of speech in the recording")
        problems += [f"{tool['name']} failed" for tool in self.tools if not self.is_done(tool)]
        return problems

    def is_done(self, tool: Json) -> bool:
        """Whether a call succeeded, or was made again with the user's leave and succeeded then."""
        again = (
            other
            for other in self.tools
            if other["ok"] and other["name"] == tool["name"] and LEAVE in other["arguments"]
        )
        return tool["ok"] or any(_without_leave(other) == tool["arguments"] for other in again)


def has_spoken(api: HomeAssistantApi, mark: int) -> bool:
    """Whether the agent has spoken since change number `mark` and is silent again."""
    states = [after for entity_id, _, after in api.changes[mark:] if entity_id == STATUS]
    return "speaking" in states and states[-1] in {"listening", "idle"}


def words_in_common(said: str, heard: str) -> float:
    """The share of the words in `said` that are in `heard` too."""
    wanted, found = (set(re.findall(r"\w+", text.lower())) for text in (said, heard))
    return len(wanted & found) / max(1, len(wanted))


class Talk:
    """One conversation with the house's satellite."""

    def __init__(self, api: HomeAssistantApi, sound: Sound, folder: Path, *, voice: str) -> None:
        self._api = api
        self._sound = sound
        self._folder = folder
        self._voice = voice

    async def say(self, sentences: Sequence[str], recording: Path) -> bool:
        """Say the sentences, print the outcome, leave the answers in `recording`; whether all went well."""
        try:
            outcome = await self.converse(sentences, recording)
        except (ApiError, ProgramError) as err:
            print(f"The conversation failed: {err}", file=sys.stderr)
            return False
        show(outcome, recording)
        return not outcome.problems()

    async def converse(self, sentences: Sequence[str], recording: Path) -> Outcome:
        """Say the sentences and return what came of them. Raises ApiError, ProgramError."""
        outcome = Outcome(list(sentences))
        files = [await self._spoken(number, sentence) for number, sentence in enumerate(sentences)]
        mark = len(self._api.changes)
        # Where the microphone is a file, each sentence is a session of its own.
        for number, group in enumerate([files] if self._sound.is_live else [[file] for file in files]):
            part = recording if number == 0 else recording.with_stem(f"{recording.stem}-{number + 1}")
            await self._session(group, part, outcome)
        outcome.changes = await self._changed_things(mark)
        return outcome

    async def _session(self, files: Sequence[Path], recording: Path, outcome: Outcome) -> None:
        if not self._sound.is_live:
            await self._sound.speak(files[0])
        patience_s = ANSWER_TIMEOUT_S * (len(files) + 1)
        async with self._sound.recording(recording):
            session = asyncio.create_task(
                self._api.perform("rtvoice.start", response=True, within_s=patience_s, entity_id=SATELLITE)
            )
            try:
                await self._talk(session, files)
                report = await session
            finally:
                session.cancel()
                await asyncio.gather(session, return_exceptions=True)
        outcome.turns += report["turns"]
        outcome.tools += report["tools"]
        outcome.end_reason = report["end_reason"]
        await asyncio.to_thread(trim, recording)
        outcome.answer_s += await asyncio.to_thread(speech_s, recording)

    async def _talk(self, session: asyncio.Task[Json], files: Sequence[Path]) -> None:
        await self._until(session, "The agent listens", lambda: self._api.state(STATUS) not in {"idle", "connecting"})
        for file in files:
            mark = len(self._api.changes)
            if self._sound.is_live:
                await self._sound.speak(file)
            await self._answered(session, mark)
        if not session.done():
            await self._api.perform("rtvoice.stop", entity_id=SATELLITE)

    async def _answered(self, session: asyncio.Task[Json], mark: int) -> None:
        """Wait until the agent has spoken since change number `mark` and listens again. Raises ApiError."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + ANSWER_TIMEOUT_S
        await self._until(session, "The agent answers", lambda: has_spoken(self._api, mark))
        while clock() < deadline:
            seen = len(self._api.changes)
            await asyncio.sleep(SETTLED_S)
            is_calm = not any(entity_id == STATUS for entity_id, _, _ in self._api.changes[seen:])
            if is_calm and has_spoken(self._api, mark):
                return
        raise ApiError(f"The agent did not finish within {ANSWER_TIMEOUT_S:.0f} s")

    async def _until(self, session: asyncio.Task[Json], what: str, is_so: Callable[[], bool]) -> None:
        await self._api.until(what, lambda: session.done() or is_so(), within_s=ANSWER_TIMEOUT_S)
        if not is_so():
            reason = (await session)["end_reason"]
            raise ApiError(f"{what}: the session ended before ({reason})")

    async def _spoken(self, number: int, sentence: str) -> Path:
        path = self._folder / "said" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        await speak_to_file(sentence, path, voice=self._voice)
        return path

    async def _changed_things(self, mark: int) -> dict[str, tuple[str | None, str | None]]:
        registry = await self._api.call("config/entity_registry/list")
        # Sensors change by themselves.
        things = {
            entity["entity_id"]
            for entity in registry
            if entity["platform"] == "demo_house" and not entity["entity_id"].startswith("sensor.")
        }
        changed: dict[str, tuple[str | None, str | None]] = {}
        for entity_id, before, after in self._api.changes[mark:]:
            if entity_id in things:
                changed[entity_id] = (changed.get(entity_id, (before, None))[0], after)
        return {entity_id: (before, after) for entity_id, (before, after) in changed.items() if before != after}


def _without_leave(tool: Json) -> Json:
    return {name: value for name, value in tool["arguments"].items() if name != LEAVE}


def show(outcome: Outcome, recording: Path) -> None:
    """Print what came of some sentences."""
    for sentence in outcome.said:
        print(f"  said      {sentence}")
    for turn in outcome.turns:
        print(f"  {'heard' if turn['role'] == 'user' else 'agent':9} {turn['text'] or '(nothing that it understood)'}")
    for tool in outcome.tools:
        came = "ok" if tool["ok"] else "asked first" if outcome.is_done(tool) else "FAILED"
        print(f"  tool      {tool['name']} {tool['arguments']} {came}")
    for entity_id, (before, after) in outcome.changes.items():
        print(f"  changed   {entity_id}: {before} -> {after}")
    if not outcome.changes:
        print("  changed   nothing")
    print(f"  answer    {recording} ({outcome.answer_s:.1f} s of speech)")
    for problem in outcome.problems():
        print(f"  PROBLEM   {problem}")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def speak_on_request(api: HomeAssistantApi, sound: Sound, folder: Path, *, voice: str) -> AsyncIterator[None]:
    """Speak what the action `demo_house.speak` asks for, one after the other, while the body runs.

    At most 16 sentences wait; what is asked for beyond that is not said.
    """
    sentences: asyncio.Queue[str] = asyncio.Queue(16)

    async def speak() -> None:
        while True:
            sentence = await sentences.get()
            try:
                if sound.is_live:
                    path = folder / "said" / "request.wav"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    await speak_to_file(sentence, path, voice=voice)
                    await sound.speak(path)
                else:
                    await api.perform("rtvoice.send_message", {"text": sentence}, entity_id=SATELLITE)
            except (ApiError, ProgramError) as err:
                print(f"“{sentence}” could not be said: {err}", file=sys.stderr, flush=True)

    def ask(event: Json) -> None:
        if not sentences.full():
            sentences.put_nowait(event["data"]["text"])

    await api.subscribe("subscribe_events", ask, event_type="demo_house_speak")
    speaker = asyncio.create_task(speak(), name="speak on request")
    try:
        yield
    finally:
        speaker.cancel()
        await asyncio.gather(speaker, return_exceptions=True)
