"""Saying sentences to the agent as a person would, and telling what came of it."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Sequence
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
"""The share of the words said that the agent must have heard when it acts on them."""


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

    def problems(self) -> list[str]:
        """Why this was no success; empty if it was one."""
        problems = []
        if len(self.heard()) < len(self.said):
            problems.append(f"the agent heard {len(self.heard())} of {len(self.said)} sentences")
        elif self.tools and (share := words_in_common(self.said, self.heard())) < LEAST_WORDS:
            problems.append(f"the agent acted on other words than were said ({share:.0%} in common)")
        if not self.answers():
            problems.append("the agent did not answer")
        if self.answer_s < LEAST_SPEECH_S:
            problems.append(f"there are only {self.answer_s:.1f} s of speech in the recording")
        problems += [f"{tool['name']} failed" for tool in self.tools if not tool["ok"]]
        return problems


def words_in_common(said: Sequence[str], heard: Sequence[str]) -> float:
    """The share of the words in `said` that are in `heard` too."""
    wanted, found = (set(re.findall(r"\w+", " ".join(texts).lower())) for texts in (said, heard))
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
        async with self._sound.recording(recording), asyncio.TaskGroup() as tasks:
            patience_s = ANSWER_TIMEOUT_S * (len(files) + 1)
            session = tasks.create_task(
                self._api.perform("rtvoice.start", response=True, within_s=patience_s, entity_id=SATELLITE)
            )
            await self._listening(session)
            for file in files:
                mark = len(self._api.changes)
                if self._sound.is_live:
                    await self._sound.speak(file)
                await self.answered(mark)
            if not session.done():
                await self._api.perform("rtvoice.stop", entity_id=SATELLITE)
        report = session.result()
        outcome.turns += report["turns"]
        outcome.tools += report["tools"]
        outcome.end_reason = report["end_reason"]
        await asyncio.to_thread(trim, recording)
        outcome.answer_s += await asyncio.to_thread(speech_s, recording)

    async def _listening(self, session: asyncio.Task[Json]) -> None:
        def is_listening() -> bool:
            return session.done() or self._api.state(STATUS) not in {"idle", "connecting"}

        await self._api.until("The agent listens", is_listening, within_s=ANSWER_TIMEOUT_S)

    async def answered(self, mark: int) -> None:
        """Wait until the agent has spoken since change number `mark` and listens again. Raises ApiError."""

        def has_spoken() -> bool:
            later = [after for entity_id, _, after in self._api.changes[mark:] if entity_id == STATUS]
            return "speaking" in later and later[-1] in {"listening", "idle"}

        clock = asyncio.get_running_loop().time
        deadline = clock() + ANSWER_TIMEOUT_S
        await self._api.until("The agent answers", has_spoken, within_s=ANSWER_TIMEOUT_S)
        while clock() < deadline:
            seen = len(self._api.changes)
            await asyncio.sleep(SETTLED_S)
            news = [one for one in self._api.changes[seen:] if one[0] == STATUS]
            if not news and has_spoken():
                return
        raise ApiError(f"The agent did not finish within {ANSWER_TIMEOUT_S:.0f} s")

    async def _spoken(self, number: int, sentence: str) -> Path:
        path = self._folder / "said" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        await speak_to_file(sentence, path, voice=self._voice)
        return path

    async def _changed_things(self, mark: int) -> dict[str, tuple[str | None, str | None]]:
        registry = await self._api.call("config/entity_registry/list")
        things = {entity["entity_id"] for entity in registry if entity["platform"] == "demo_house"}
        changed: dict[str, tuple[str | None, str | None]] = {}
        for entity_id, before, after in self._api.changes[mark:]:
            if entity_id in things:
                changed[entity_id] = (changed.get(entity_id, (before, None))[0], after)
        return {entity_id: (before, after) for entity_id, (before, after) in changed.items() if before != after}


def show(outcome: Outcome, recording: Path) -> None:
    """Print what came of some sentences."""
    for sentence in outcome.said:
        print(f"  said      {sentence}")
    for turn in outcome.turns:
        print(f"  {'heard' if turn['role'] == 'user' else 'agent':9} {turn['text'] or '(nothing that it understood)'}")
    for tool in outcome.tools:
        print(f"  tool      {tool['name']} {tool['arguments']} {'ok' if tool['ok'] else 'FAILED'}")
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
    """Speak what the action `demo_house.speak` asks for, one after the other, while the body runs."""
    sentences: asyncio.Queue[str] = asyncio.Queue()

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

    await api.subscribe(
        "subscribe_events", lambda event: sentences.put_nowait(event["data"]["text"]), event_type="demo_house_speak"
    )
    speaker = asyncio.create_task(speak(), name="speak on request")
    try:
        yield
    finally:
        speaker.cancel()
        await asyncio.gather(speaker, return_exceptions=True)
