"""What befalls Home Assistant and what belongs to it, with a session at every stage."""

import asyncio
import logging
from collections.abc import Iterator
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


@pytest.fixture(autouse=True)
def nothing_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither keys nor what was said are in the log above debug, and no exception is at all."""
    yield
    assert problems(caplog.get_records("call")) == []


def problems(records: list[logging.LogRecord]) -> list[str]:
    """What no log may hold."""
    secret = (KEY, FIRST, ANSWER)
    told = [one.getMessage() for one in records if one.levelno >= logging.INFO]
    return [
        *(f"told: {text}" for text in told if any(word in text for word in secret)),
        *(f"unexpected: {one.getMessage()} {one.exc_text}" for one in records if one.exc_info),
    ]


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


async def test_the_provider_goes(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
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
