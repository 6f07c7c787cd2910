"""One satellite of each kind that can be spoken to and heard, for tests that do not care which it is."""

import asyncio
import wave
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from pathlib import Path
from typing import override

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    CONF_SPEAKER,
    FILE_PREFIX,
    KIND_BROWSER,
    KIND_LOCAL,
    KIND_WYOMING,
)

from .browser import Commands, Page
from .house import add_satellite, async_wait_for_state, heard_from
from .player_rig import RigPlayer
from .wyoming_rig import RigSatellite

RUSTLE = (5).to_bytes(2, "little")
"""A sample that is not silent, and hardly more."""


class End(ABC):
    """A satellite called `name`; added to an account that is not set up, opened when it is."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.subentry_id = f"satellite_{name}"
        self.entity_id = f"assist_satellite.{name}"
        self.folder = folder

    @property
    def player(self) -> RigPlayer | None:
        """The media player that it speaks through."""
        return None

    @abstractmethod
    async def add(self, hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> None:
        """Add it."""

    async def open(self, hass: HomeAssistant, commands: Commands, web: TestClient, stack: AsyncExitStack) -> None:
        """Have it be there."""
        await async_wait_for_state(hass, self.entity_id, "idle")

    @abstractmethod
    async def rustle(self) -> None:
        """Something is to be heard in the next session, or in the present one, that nobody takes for speech."""

    @abstractmethod
    def heard(self) -> bytes:
        """What was heard there so far, or until its last session ended."""

    def _add(self, hass: HomeAssistant, entry: MockConfigEntry, **data: object) -> None:
        add_satellite(hass, entry, self.subentry_id, data, title=self.name.capitalize())


class LocalEnd(End):
    """Two files."""

    @property
    def ears(self) -> Path:
        """What it hears."""
        return self.folder / f"{self.name}_ears.wav"

    @property
    def mouth(self) -> Path:
        """What is heard of it."""
        return self.folder / f"{self.name}_mouth.wav"

    @override
    async def add(self, hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> None:
        self._write(bytes(48_000))
        files = {CONF_INPUT: f"{FILE_PREFIX}{self.ears}", CONF_OUTPUT: f"{FILE_PREFIX}{self.mouth}"}
        self._add(hass, entry, **{CONF_KIND: KIND_LOCAL, **files})

    def _write(self, pcm: bytes) -> None:
        with wave.open(str(self.ears), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes(pcm)

    @override
    async def rustle(self) -> None:
        self._write(RUSTLE * 48_000)

    @override
    def heard(self) -> bytes:
        return heard_from(self.mouth)


class PlayerEnd(LocalEnd):
    """A file as the ears, a media player as the mouth."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self._player = RigPlayer(f"{name.capitalize()} speaker")

    @property
    @override
    def player(self) -> RigPlayer:
        return self._player

    @override
    async def add(self, hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> None:
        self._write(bytes(48_000))
        ends = {CONF_INPUT: f"{FILE_PREFIX}{self.ears}", CONF_SPEAKER: f"media_player.{self.name}_speaker"}
        self._add(hass, entry, **{CONF_KIND: KIND_LOCAL, **ends})

    @override
    def heard(self) -> bytes:
        return self._player.heard


class WyomingEnd(End):
    """A Wyoming satellite without a wake word."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self._rig = RigSatellite(wake_word=None)

    @override
    async def add(self, hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self._rig.serving())
        self._add(hass, entry, kind=KIND_WYOMING, host="127.0.0.1", port=self._rig.port)

    @override
    async def rustle(self) -> None:
        await self._rig.hear(RUSTLE * 3200)

    @override
    def heard(self) -> bytes:
        return self._rig.played


class BrowserEnd(End):
    """A page."""

    _page: Page

    @override
    async def add(self, hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> None:
        self._add(hass, entry, kind=KIND_BROWSER)

    @override
    async def open(self, hass: HomeAssistant, commands: Commands, web: TestClient, stack: AsyncExitStack) -> None:
        url = (await commands.result("browser/connect", entity_id=self.entity_id))["url"]
        self._page = await Page.open(web, url)
        stack.push_async_callback(self._page.leave)
        await super().open(hass, commands, web, stack)

    @override
    async def rustle(self) -> None:
        for _ in range(10):
            await self._page.socket.send_bytes(RUSTLE * 480)
            await asyncio.sleep(0.01)

    @override
    def heard(self) -> bytes:
        return self._page.all_audio


KINDS: dict[str, type[End]] = {
    "local": LocalEnd,
    "player": PlayerEnd,
    "wyoming": WyomingEnd,
    "browser": BrowserEnd,
}
