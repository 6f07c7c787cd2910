"""What befalls Home Assistant and what belongs to it, with a session at every stage."""

import asyncio
import logging
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.rtvoice.engine.session import supervisor
from tests.resilience.faults.scene import ANSWER, FIRST, KEY
from tests.resilience.faults.stages import Stage

from .rooms import befall, rooms
from .table import HOUSE_FAULTS
from .verify import HouseFault, Stand


def assert_discreet(log: pytest.LogCaptureFixture, *expected: str) -> None:
    """Neither keys nor what was said are in the log above debug, and no traceback but behind what is expected."""
    records, secret = log.get_records("call"), (KEY, FIRST, ANSWER)
    told = [one.getMessage() for one in records if one.levelno >= logging.INFO]
    assert [text for text in told if any(word in text for word in secret)] == []
    caught = [one for one in records if one.exc_info and not one.getMessage().startswith(expected or " ")]
    assert [f"{one.getMessage()}\n{one.exc_text}" for one in caught] == []


@pytest.mark.parametrize("fault", HOUSE_FAULTS, ids=lambda fault: fault.name)
async def test_faults(
    fault: HouseFault,
    hass: HomeAssistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    socket_enabled: None,
) -> None:
    await fault.befall(Stand(hass, tmp_path, monkeypatch, caplog, hass_ws_client, hass_client_no_auth), fault)
    assert_discreet(caplog, *fault.logged)


async def test_the_provider_goes(
    hass: HomeAssistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    socket_enabled: None,
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT_S", 0.05)
    async with rooms(hass, tmp_path, monkeypatch) as all_rooms:
        befall(all_rooms)
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
                assert not isinstance(response, HomeAssistantError)
                assert response["end_reason"] == "stopped"
                assert room.failures == []
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
    assert_discreet(caplog)
