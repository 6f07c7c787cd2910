"""What befalls Home Assistant and what belongs to it, with a session at every stage."""

import asyncio
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from custom_components.rtvoice.const import (
    CONF_MCP_SERVERS,
    CONF_RECORDING,
    CONF_TRANSPORT,
    SUBENTRY_MCP_SERVER,
)
from custom_components.rtvoice.engine.session import supervisor
from tests.engine.mcp.rig import free_port, serving
from tests.resilience.faults.scene import ANSWER, FIRST, KEY
from tests.resilience.faults.stages import Stage

from .rooms import Room, rooms, subentry

KNOWN = (Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)
"""Stages at which the user's words are known."""


@pytest.fixture(autouse=True)
def nothing_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither keys nor what was said are in the log above debug."""
    yield
    records = [one for one in caplog.get_records("call") if one.levelno >= logging.INFO]
    assert [one for one in records if any(text in one.getMessage() for text in (KEY, FIRST, ANSWER))] == []


async def test_reload(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    async with rooms(hass, tmp_path, monkeypatch) as all_rooms:
        async with asyncio.timeout(20):
            await asyncio.gather(*(hass.config_entries.async_reload(room.entry.entry_id) for room in all_rooms))
        for room in all_rooms:
            await assert_stopped(room)
            assert room.entry.state is ConfigEntryState.LOADED
            assert room.status == "idle"
            room.let_go()
        await asyncio.gather(*(room.begin_anew() for room in all_rooms))


async def test_home_assistant_stops(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    async with rooms(hass, tmp_path, monkeypatch) as all_rooms:
        async with asyncio.timeout(20):
            await hass.async_stop(force=True)
        for room in all_rooms:
            await assert_stopped(room)
            # The provider's end may learn of it now that nothing is held back any more.
            room.let_go()
            for connection in room.simulator.connections:
                async with asyncio.timeout(5):
                    await connection.closed.wait()


async def test_an_mcp_server_dies(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    async with serving("http", port := free_port()) as url:
        server = subentry("workshop", SUBENTRY_MCP_SERVER, {CONF_TRANSPORT: "http", CONF_URL: url})
        made = rooms(hass, tmp_path, monkeypatch, server, **{CONF_MCP_SERVERS: ["workshop"]})
        all_rooms = await made.__aenter__()
    assert port
    try:
        await asyncio.gather(*(goes_on(room) for room in all_rooms))
    finally:
        await made.__aexit__(None, None, None)


async def test_the_provider_goes(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT_S", 0.05)
    async with rooms(hass, tmp_path, monkeypatch) as all_rooms:
        for room in all_rooms:
            room.proxy.refuses = True
            room.proxy.line.cut()
            room.let_go()
        for room in all_rooms:
            response = await room.ended()
            if not room.stage.established:
                assert isinstance(response, HomeAssistantError)
                assert response.translation_key == "provider_unreachable"
                assert room.happened == ["error"]
                assert room.failures == ["connection_lost"]
            elif room.stage is Stage.STOPPING:
                await assert_stopped(room)
            else:
                assert not isinstance(response, HomeAssistantError)
                assert response["end_reason"] == "connection_lost"
                assert room.failures == ["connection_lost"]
                assert room.told[-1]["event_type"] == "session_ended"
                assert room.told[-1]["reason"] == "connection_lost"
            if room.stage is not Stage.STOPPING:
                await room.until(lambda room=room: room.status == "unavailable", "being unavailable")
            room.proxy.refuses = False
        await asyncio.gather(*(room.begin_anew() for room in all_rooms))


async def test_the_disk_is_full(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    hass.config.media_dirs = {"local": str(tmp_path / "media")}
    async with rooms(hass, tmp_path, monkeypatch, **{CONF_RECORDING: True}) as all_rooms:
        with full_disk():
            await asyncio.gather(*(told_of_the_recording(room) for room in all_rooms))
            await asyncio.gather(*(goes_on(room) for room in all_rooms))


async def told_of_the_recording(room: Room) -> None:
    """While a session goes on, its recording cannot."""
    if room.stage is not Stage.STOPPING:
        await room.until(lambda: room.failures == ["recording_failed"], "telling of the recording")


async def goes_on(room: Room) -> None:
    """What was asked is answered, another turn succeeds, and the session is stopped."""
    room.let_go()
    if room.stage is not Stage.STOPPING:
        if room.stage.asked:
            await room.until(lambda: room.sensor("assistant_transcript") == ANSWER, "the answer")
        await room.converse()
        await room.call("stop")
    await assert_stopped(room)


async def assert_stopped(room: Room) -> None:
    """The session ended in good order, and what had been said by then is in its report."""
    response = await room.ended()
    assert not isinstance(response, HomeAssistantError), f"{room.stage.value}: {response!r}"
    assert response["end_reason"] == "stopped", room.stage
    if room.stage in KNOWN:
        assert response["turns"][0]["text"] == FIRST
    if room.stage.established:
        assert "session_ended" in room.happened


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond four seconds of a recording; what satellites say in that time is less."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 96_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
