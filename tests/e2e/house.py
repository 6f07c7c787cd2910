"""A house for the tests, and what they look at in it."""

import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

from demo.api import HomeAssistantApi
from demo.home_assistant import ROOT, HomeAssistant, free_port, home_assistant
from demo.house import Furnishing, simulated
from demo.programs import Program, running
from demo.sound import Sound, SoundFiles, VirtualSoundCard, virtual_sound_card
from demo.speech import speak_to_file
from demo.talk import SATELLITE, STATUS, Outcome, Talk

CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
API_KEY = "right-key"
THINGS = {
    "light.kitchen_light": "light.turn_off",
    "light.hall_light": "light.turn_off",
    "light.bedroom_light": "light.turn_off",
    "light.living_room_light": "light.turn_off",
    "light.living_room_lamp": "light.turn_on",
    "lock.front_door": "lock.lock",
    "cover.living_room_blinds": "cover.close_cover",
}
"""How things are when a test begins."""
HARMLESS = ("We found a custom integration", "[homeassistant.components.websocket_api.http.connection]")
"""Home Assistant warns of every custom integration, and writes down each refused action beside refusing it."""


@dataclass(frozen=True)
class Simulator:
    """The simulator as a program, and the record of what went over its wire."""

    program: Program
    base_url: str
    record: Path

    def events(self) -> list[dict[str, Any]]:
        """All events so far; each has `t`, `connection`, `from` and `event`."""
        lines = self.record.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """The client's events of a type."""
        return [line["event"] for line in self.events() if line["from"] == "client" and line["event"]["type"] == kind]


@contextlib.asynccontextmanager
async def simulator(folder: Path, *, think_s: float = 0.0, script: Path | None = None) -> AsyncIterator[Simulator]:
    """The simulator while the body runs; with a script, the model follows that and understands nothing."""
    record = folder / "events.jsonl"
    brain = ("--brain", "home") if script is None else ("--brain", "scripted", "--script", script)
    options = (*brain, "--api-key", API_KEY, "--record", record, "--think", str(think_s))
    path = {"PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-m", "simulator", *options)
    async with running("simulator", command, log=folder / "simulator.log", environment=path) as program:
        address = await program.line(r"^listening on (\S+)$", within_s=60)
        yield Simulator(program, address[1], record)


@dataclass(frozen=True)
class House:
    """Everything that runs."""

    home: HomeAssistant
    simulator: Simulator
    sound: Sound
    folder: Path

    @property
    def api(self) -> HomeAssistantApi:
        """Home Assistant's."""
        return self.home.api

    @property
    def card(self) -> VirtualSoundCard:
        """The virtual sound card, where the house has one."""
        assert isinstance(self.sound, VirtualSoundCard)
        return self.sound

    @property
    def answer(self) -> Path:
        """Where answers are recorded."""
        return self.folder / "answer.wav"

    async def say(self, *sentences: str, voice: str = "slt") -> Outcome:
        """Speak the sentences in one session and return what came of them."""
        return await Talk(self.api, self.sound, self.folder, voice=voice).converse(sentences, self.answer)

    async def speak(self, sentence: str, *, voice: str = "slt") -> None:
        """Speak a sentence into the microphone; returns when all of it has been said."""
        path = self.folder / "spoken.wav"
        await speak_to_file(sentence, path, voice=voice)
        await self.sound.speak(path)

    async def tidy(self) -> None:
        """Put everything back as it was."""
        for entity_id, action in THINGS.items():
            await self.api.perform(action, entity_id=entity_id)
        await self.until_state("cover.living_room_blinds", "closed")

    async def until_state(self, entity_id: str, state: str, *, within_s: float = 20) -> None:
        """Wait until a thing is so."""
        await self.api.until(f"{entity_id} is {state}", lambda: self.api.state(entity_id) == state, within_s=within_s)

    async def no_session(self) -> None:
        """End a session that a failed test left behind."""
        if self.api.state(STATUS) not in {"idle", "unavailable"}:
            await self.api.perform("rtvoice.stop", entity_id=SATELLITE)
            await self.until_state(STATUS, "idle")

    def complaints(self) -> list[str]:
        """Warnings and errors in Home Assistant's log that are ours or about us."""
        lines = re.findall(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL).*$", self.home.program.log_text(), re.MULTILINE)
        return [line for line in lines if "rtvoice" in line and not any(words in line for words in HARMLESS)]

    def check(self) -> None:
        """Nothing of ours complained, and every event that we sent is one of the real API's."""
        assert self.complaints() == []
        for line in self.simulator.events():
            if line["from"] == "client":
                CLIENT_EVENT.validate_python(line["event"], strict=True)
            else:
                assert line["event"]["type"] != "error", line


@contextlib.asynccontextmanager
async def open_house(
    folder: Path, *, files: bool = False, account: bool = True, think_s: float = 0.0, script: Path | None = None
) -> AsyncIterator[House]:
    """Open a house; with `files` in place of a sound card; without `account`, nothing of ours is set up in it.

    The model thinks for `think_s` each time; with a script, it follows that.
    """
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(simulator(folder, think_s=think_s, script=script))
        sound: Sound
        if files:
            sound = SoundFiles(folder / "config" / "www")
        else:
            sound = await stack.enter_async_context(virtual_sound_card(folder / "pulseaudio.log"))
        home = await stack.enter_async_context(
            home_assistant(
                folder / "config",
                port=free_port(),
                log=folder / "home-assistant.log",
                environment=sound.environment,
            )
        )
        furnishing = Furnishing(home.api)
        if account:
            await furnishing.furnish(simulated(provider.base_url, API_KEY), sound.devices)
        yield House(home, provider, sound, folder)
