"""Twenty rounds of talking and reloading: afterwards Home Assistant holds no more than after the first."""

import asyncio
import gc
import re
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.const import CONF_COMMAND
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import DATA_DISPATCHER
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.rtvoice.const import (
    CONF_ARGUMENTS,
    CONF_TRANSPORT,
    DOMAIN,
    SUBENTRY_MCP_SERVER,
    TRANSPORT_STDIO,
)
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Turn
from tests.engine.mcp.rig import lives
from tests.ha.browser import TABLET, TABLET_ID, Commands, Page, add_browser
from tests.ha.house import SATELLITE, async_wait_for_state, async_wait_until, entity_of, happenings, loaded
from tests.ha.test_equipment import add

from .servers import WORKSHOP_SERVER

ROUNDS = 20
WARM_ROUNDS = 4
"""After so many, all that is made once has been made."""
SETTLES_S = 5.0
POOLS = ("asyncio_", "SyncWorker_", "ImportExecutor_")
"""Threads that wait for the next work of a loop, and that grow in number up to a limit."""
OURS = f"custom_components.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Held:
    """What is held at one moment, each thing with how often it is there."""

    tasks: Counter[str]
    threads: Counter[str]
    files: Counter[str]
    listeners: Counter[str]
    signals: Counter[str]
    timers: Counter[str]
    objects: Counter[str]
    """Objects of the integration's classes."""
    entities: Counter[str]
    devices: Counter[str]
    states: Counter[str]

    def more_than(self, before: Held) -> dict[str, Counter[str]]:
        """What there is now that was not there before."""
        grown = {each.name: getattr(self, each.name) - getattr(before, each.name) for each in fields(self)}
        return {name: counts for name, counts in grown.items() if counts}


def held(hass: HomeAssistant) -> Held:
    """Look at all of it, once garbage is gone."""
    gc.collect()
    loop: Any = hass.loop
    entities = er.async_get(hass).entities.values()
    signals = hass.data.get(DATA_DISPATCHER, {})
    return Held(
        tasks=Counter(nameless(task.get_name()) for task in asyncio.all_tasks() if not task.done()),
        threads=Counter(one.name for one in threading.enumerate() if not one.name.startswith(POOLS)),
        files=Counter(kind_of(path) for path in Path("/proc/self/fd").iterdir()),
        listeners=Counter({str(kind): count for kind, count in hass.bus.async_listeners().items()}),
        signals=Counter({str(signal): len(targets) for signal, targets in signals.items()}),
        timers=Counter(
            one._callback.__qualname__
            for one in loop._scheduled
            if not one.cancelled() and (getattr(one._callback, "__module__", "") or "").startswith(OURS)
        ),
        objects=Counter(type(one).__qualname__ for one in gc.get_objects() if type(one).__module__.startswith(OURS)),
        entities=Counter(entity.unique_id for entity in entities if entity.platform == DOMAIN),
        devices=Counter(device.id for device in dr.async_get(hass).devices),
        states=Counter(hass.states.async_entity_ids()),
    )


def nameless(name: str) -> str:
    """A task's name without what is of this task only."""
    return re.sub(r"\d+|[0-9A-Z]{26}", "#", name)


def kind_of(path: Path) -> str:
    """What a descriptor stands for, without its number."""
    try:
        return re.sub(r"\[\d+\]", "", str(path.readlink()))
    except FileNotFoundError:
        return "closed meanwhile"


@dataclass(frozen=True)
class House:
    """What takes part in every round."""

    hass: HomeAssistant
    entry: MockConfigEntry
    brain: ScriptedBrain
    commands: Commands
    web: TestClient
    pids: Path
    told: list[dict[str, object]]

    async def round(self, number: int) -> None:
        """A page is opened, people talk at it and at the sound card, and the account is reloaded.

        In each second round that is in the middle of an answer, and the page is there still.
        """
        call, seconds = Call("Workshop_add", {"a": number, "b": 3}), (5.0, 0.2)[number % 2]
        self.brain.add(Turn(Heard("Add."), (Plan((call,)), Plan((Say("There.", seconds=seconds),)))))
        self.told.clear()
        page = await self.open()
        try:
            await self.act("start", SATELLITE)
            await self.act("start", TABLET)
            await page.until(lambda: page.got("microphone", open=True))
            await page.speak(0.2, silence_s=0.4)
            if number % 2:
                await self.until_told("assistant_turn")
                await self.act("stop", TABLET)
                await page.leave()
                await self.act("stop", SATELLITE)
            else:
                await async_wait_for_state(self.hass, entity_of(self.hass, "sensor", TABLET_ID, "status"), "speaking")
            assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        finally:
            await page.leave()
        assert "tool_called" in self.events
        results = [item.body["output"] for item in self.brain.contexts[-1].items if item.kind == "function_call_output"]
        assert results == [str(number + 3)]

    @property
    def events(self) -> list[str]:
        """What the activity has told in this round."""
        return [str(one["event_type"]) for one in self.told]

    async def until_told(self, event: str) -> None:
        """Wait until the activity tells it."""
        await async_wait_until(self.hass, lambda: event in self.events)

    async def open(self) -> Page:
        """Open the page."""
        url = (await self.commands.result("browser/connect", entity_id=TABLET))["url"]
        return await Page.open(self.web, url, speed=1.0)

    async def act(self, action: str, entity_id: str) -> None:
        """An action at a satellite."""
        await self.hass.services.async_call(DOMAIN, action, {"entity_id": entity_id}, blocking=True)

    async def settled(self, before: Held | None = None) -> tuple[Held, dict[str, Counter[str]]]:
        """What is held, and what of it is more than before, when nothing is on its way any more."""
        ends = time.monotonic() + SETTLES_S
        while True:
            await self.hass.async_block_till_done()
            now = held(self.hass)
            more = now.more_than(before or now)
            if not more or time.monotonic() > ends:
                return now, more
            await asyncio.sleep(0.1)


async def test_nothing_more_is_held_after_twenty_rounds(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    brain: ScriptedBrain,
    simulator: Simulator,
    tmp_path: Path,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hass.loop.set_debug(False)
    simulator.behaviour.semantic_silence_ms = dict.fromkeys(("low", "medium", "high", "auto"), 200)
    pids = tmp_path / "pids"
    await hass.async_add_executor_job(pids.mkdir)
    program = {
        CONF_TRANSPORT: TRANSPORT_STDIO,
        CONF_COMMAND: sys.executable,
        CONF_ARGUMENTS: [*WORKSHOP_SERVER, "stdio", str(pids)],
    }
    await add(hass, mock_entry, SUBENTRY_MCP_SERVER, "Workshop", program)
    add_browser(hass, mock_entry)
    async with loaded(hass, mock_entry):
        commands = Commands(await hass_ws_client())
        told = happenings(hass, entity_of(hass, "event", TABLET_ID, "activity"))
        house = House(hass, mock_entry, brain, commands, await hass_client_no_auth(), pids, told)
        for number in range(WARM_ROUNDS):
            await house.round(number)
        await asyncio.sleep(0.5)
        before, _ = await house.settled()
        assert before.objects["Runtime"] == 1
        for number in range(WARM_ROUNDS, ROUNDS):
            await house.round(number)
        _, more = await house.settled(before)
        assert more == {}
        programs = await hass.async_add_executor_job(lambda: [int(path.name) for path in pids.iterdir()])
        assert len(programs) == ROUNDS + 1
        assert sum(map(lives, programs)) == 1
        await commands.close()
    assert not any(map(lives, programs))
    assert [record for record in caplog.get_records("call") if record.exc_info] == []
