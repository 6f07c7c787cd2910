"""Rooms whose satellites are pages in browsers, which are closed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, override

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from custom_components.rtvoice.bridge.browser import page as far_end
from custom_components.rtvoice.bridge.browser.devices import BrowserOutput
from custom_components.rtvoice.bridge.browser.seat import Seat
from custom_components.rtvoice.bridge.places import browser
from custom_components.rtvoice.const import CONF_KIND, DOMAIN, KIND_BROWSER
from custom_components.rtvoice.engine.errors import EndReason
from tests.ha.browser import Commands, Page
from tests.ha.house import state_of
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import Ends

from .rooms import Room, befall, rooms
from .verify import KNOWN, LIVE, HouseFault, Refused, Stand, Told, all_of, has_turns, hold_to

GRACE_S = far_end.GRACE_AFTER_CLOSE_S
SHORT_S = 1.0
"""In place of it."""


class PageMouth(BrowserOutput):
    """The speaker of a page that may take its time to stop."""

    rooms: dict[Seat, PageRoom] = {}  # noqa: RUF012 - which room a speaker is in is known by its seat only

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self._room = self.rooms[seat]

    @override
    async def start(self) -> None:
        await super().start()
        self._room.page_mouth = self

    @override
    async def stop(self) -> None:
        if self._room.page_mouth is self:
            await self.clear_buffer()
            self._room.mouth_closes.set()
            await self._room.mouth_may_close.wait()
        await super().stop()


class PageRoom(Room):
    """A room with a page in place of a sound card."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.page_mouth: PageMouth | None = None
        self.gone_s = 0.0
        """When the page was closed, on the loop's clock, and when that was told."""
        self.told_s = 0.0
        self._says_s = 0.0

    async def open(self, commands: Commands, web: TestClient) -> None:
        """Open the page."""
        PageMouth.rooms[self.entry.runtime_data.satellites[self.satellite_id].place.seat] = self
        url = (await commands.result("browser/connect", entity_id=self.satellite))["url"]
        self.page = await Page.open(web, url, speed=1.0)

    async def close(self) -> None:
        """Close the page, unless it is closed."""
        await self.page.leave()

    @property
    @override
    def audible(self) -> bool:
        return self.page_mouth is not None and self.page_mouth.is_playing

    @override
    async def reach(self) -> None:
        speaking = asyncio.create_task(self._talk())
        try:
            await super().reach()
        finally:
            if self.stage is not Stage.USER_SPEAKING:
                await speaking
            self._speaking = speaking

    async def vanish(self) -> None:
        """The page is gone, and its session with it after a while."""
        self.gone_s = asyncio.get_running_loop().time()
        await self.page.vanish()
        await asyncio.gather(self._speaking, return_exceptions=True)
        if self.stage is Stage.STOPPING:
            self.let_go()
        else:
            await self.until(lambda: "device_failed" in self.failures, "telling that the page is gone")
            self.told_s = asyncio.get_running_loop().time()
            self.let_go()

    async def _talk(self) -> None:
        """The user speaks as soon as the page hears."""
        await self.page.until(lambda: self.page.got("microphone", open=True))
        if self._says_s:
            await self.page.speak(self._says_s)

    @override
    def _speak(self, seconds: float) -> None:
        self._says_s = seconds

    @override
    def _place(self) -> dict[str, object]:
        return {CONF_KIND: KIND_BROWSER}


@asynccontextmanager
async def pages(stand: Stand) -> AsyncGenerator[list[PageRoom]]:
    """A page at every stage."""
    stand.monkeypatch.setattr(browser, "BrowserOutput", PageMouth)
    # What answers at addresses must be there before anybody asks.
    assert await async_setup_component(stand.hass, DOMAIN, {})
    commands, web = Commands(await stand.commands()), await stand.browser()
    opened: list[PageRoom] = []

    async def prepare(room: Room) -> None:
        assert isinstance(room, PageRoom)
        opened.append(room)
        await room.open(commands, web)

    try:
        async with rooms(stand.hass, stand.folder, stand.monkeypatch, kind=PageRoom, prepare=prepare):
            yield opened
    finally:
        for room in opened:
            await room.close()
        PageMouth.rooms.clear()
        await commands.close()


async def page_closes(stand: Stand, fault: HouseFault) -> None:
    """All pages are gone at once, and none comes back."""
    stand.monkeypatch.setattr(far_end, "GRACE_AFTER_CLOSE_S", SHORT_S)
    async with pages(stand) as all_rooms:
        befall(all_rooms)
        await all_of([room.vanish() for room in all_rooms])
        await all_of([hold_to(room, fault) for room in all_rooms])


async def is_told_after_its_grace(room: Room) -> None:
    """One error, no sooner than the page could have been back."""
    assert isinstance(room, PageRoom)
    assert GRACE_S == 8.0
    assert room.failures == ["device_failed"]
    assert SHORT_S <= room.told_s - room.gone_s < SHORT_S + 2


async def is_refused_until_it_is_back(room: Room) -> None:
    """The satellite is unavailable, and a session is not to be had."""
    await room.until(lambda: state_of(room.hass, room.satellite).state == "unavailable", "being unavailable")
    with pytest.raises(HomeAssistantError) as refusal:
        await room.act("start")
    assert refusal.value.translation_key == "page_not_open"


PAGE_CLOSES = HouseFault(
    "The page of a browser satellite is closed",
    page_closes,
    Ends(EndReason.DEVICE_FAILED),
    first=Refused("page_gone"),
    seen=(
        Told("*Activity*: `error`, when it was not back within eight seconds", is_told_after_its_grace, LIVE),
        Told("the satellite is unavailable until it is", is_refused_until_it_is_back),
    ),
    conversation=(Told("waits for the page, then ends; what was said is in its turns", has_turns, KNOWN),),
)
