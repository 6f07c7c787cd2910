"""Whoever is in the network and not logged in: gets the card's program, which is public, and nothing else."""

import pytest
from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice.bridge.player.stream import SpeechStream
from custom_components.rtvoice.bridge.player.view import async_streams
from tests.ha.conftest import AGENT_ID, SATELLITE_ID
from tests.ha.house import AGENT, SATELLITE, entity_of

PUBLIC = "/rtvoice_static/"
"""The card's program, where Home Assistant has pages."""
BY_A_SECRET = {"/api/rtvoice/speech/{token}.wav"}
"""Players cannot log in; the token is the key, good once."""
BY_LOGIN = {"/api/rtvoice/browser/{ticket}"}


@pytest.fixture
async def stranger(
    hass: HomeAssistant, two_browsers: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> TestClient:
    """A program that knows the address of Home Assistant."""
    # No address can be added once somebody is served.
    assert await async_setup_component(hass, "api", {})
    assert await async_setup_component(hass, "diagnostics", {})
    return await hass_client_no_auth()


def paths(hass: HomeAssistant) -> set[str]:
    """The addresses that the integration answers at."""
    resources = (resource.canonical for resource in hass.http.app.router.resources())
    return {path for path in resources if "rtvoice" in path}


async def test_there_are_no_other_addresses(hass: HomeAssistant, stranger: TestClient) -> None:
    """An address that is new must be put among those that are attacked here."""
    assert {path for path in paths(hass) if not path.startswith(PUBLIC)} == BY_A_SECRET | BY_LOGIN
    for path in BY_LOGIN:
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = await stranger.request(method, path.format(ticket="x"))
            assert answer.status in (401, 405)
    for path in BY_A_SECRET:
        for token in ("x", "..", "%2e%2e", "x" * 5000):
            for method in ("GET", "HEAD", "POST"):
                answer = await stranger.request(method, path.format(token=token))
                assert answer.status in (404, 405)


@pytest.mark.parametrize("expected_lingering_timers", [True])  # of Home Assistant's sockets that were refused
async def test_no_command_works_before_logging_in(stranger: TestClient) -> None:
    for message in (
        {"type": "rtvoice/satellites", "id": 1},
        {"type": "rtvoice/browser/connect", "id": 1, "entity_id": SATELLITE},
        {"type": "auth", "access_token": "guess"},
        {"type": "auth", "access_token": ""},
    ):
        socket = await stranger.ws_connect("/api/websocket")
        assert (await socket.receive_json())["type"] == "auth_required"
        await socket.send_json(message)
        assert (await socket.receive_json())["type"] == "auth_invalid"
        assert (await socket.receive()).data in (1000, None)
        await socket.close()


async def test_what_home_assistant_has_of_us_takes_a_login(
    hass: HomeAssistant, two_browsers: MockConfigEntry, stranger: TestClient
) -> None:
    asked = {
        ("POST", "/api/services/rtvoice/start"): {"entity_id": SATELLITE},
        ("POST", "/api/services/rtvoice/send_message"): {"entity_id": SATELLITE, "text": "Boo"},
        ("POST", "/api/conversation/process"): {"text": "Open the door", "agent_id": AGENT},
        ("POST", f"/api/stt/{entity_of(hass, 'stt', AGENT_ID, 'stt')}"): None,
        ("POST", "/api/tts_get_url"): {"engine_id": entity_of(hass, "tts", AGENT_ID, "tts"), "message": "Boo"},
        ("GET", f"/api/states/{entity_of(hass, 'sensor', SATELLITE_ID, 'assistant_transcript')}"): None,
        ("GET", f"/api/diagnostics/config_entry/{two_browsers.entry_id}"): None,
        ("POST", "/api/config/config_entries/flow"): {"handler": "rtvoice"},
    }
    for (method, path), body in asked.items():
        assert (await stranger.request(method, path, json=body)).status in (401, 404), path
    for guess in ("guess.mp3", "0123456789abcdef.wav", "..%2f..%2fsecrets.yaml"):
        assert (await stranger.get(f"/api/tts_proxy/{guess}")).status in (400, 404)
    assert two_browsers.runtime_data.sessions == []


async def test_speech_is_for_one_who_knows_its_address_and_only_while_it_is_offered(
    hass: HomeAssistant, stranger: TestClient
) -> None:
    hass.config.internal_url = "http://127.0.0.1:8123"
    streams = async_streams(hass)
    addresses = []
    for _ in range(50):
        stream = SpeechStream(1000)
        addresses.append(streams.offer(stream))
        streams.withdraw(stream)
    tokens = {address.rpartition("/")[2] for address in addresses}
    assert len(tokens) == 50
    assert min(map(len, tokens)) > 40
    # What was withdrawn is not there any more.
    assert (await stranger.get(f"/api/rtvoice/speech/{tokens.pop()}")).status == 404
    stream = SpeechStream(1000)
    path = "/" + streams.offer(stream).split("/", 3)[3]
    stream.put(b"\x01\x00" * 100)
    stream.end()
    assert (await stranger.head(path)).status == 200
    assert (await (await stranger.get(path)).read())[44:] == b"\x01\x00" * 100
    for _ in range(2):
        assert (await stranger.get(path)).status == 404
