"""What befalls Home Assistant and what belongs to it, with a session at every stage."""

import asyncio
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant

from .rooms import rooms


async def test_reload(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    async with rooms(hass, tmp_path, monkeypatch) as all_rooms:
        async with asyncio.timeout(20):
            await asyncio.gather(*(hass.config_entries.async_reload(room.entry.entry_id) for room in all_rooms))
        for room in all_rooms:
            print(room.stage, room.status, repr(await room.ended()), room.told)
        for room in all_rooms:
            room.let_go()
        await asyncio.gather(*(room.begin_anew() for room in all_rooms))
    assert 0
