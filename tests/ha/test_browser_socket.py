"""Who gets an audio socket, who does not, and what becomes of those who misuse one."""

import asyncio
import json
import socket as sockets
from datetime import timedelta

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.http.auth import async_sign_path
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.rtvoice.bridge.browser import page as page_module
from custom_components.rtvoice.const import DOMAIN

from .browser import PHONE, TABLET, TABLET_ID, Commands, Page, async_guest
from .house import SATELLITE, async_wait_for_state, state_of


async def address(commands: Commands, entity_id: str = TABLET) -> str:
    """Where the socket of a satellite may be opened."""
    url: str = (await commands.result("browser/connect", entity_id=entity_id))["url"]
    return url


async def status_of(web: TestClient, url: str) -> int:
    """With what HTTP status a socket is refused."""
    with pytest.raises(WSServerHandshakeError) as refusal:
        await web.ws_connect(url)
    return refusal.value.status


async def test_an_address_is_good_once(commands: Commands, web: TestClient) -> None:
    url = await address(commands)
    page = await Page.open(web, url)
    assert await status_of(web, url) == 403
    await page.leave()
    assert await status_of(web, url) == 403


@pytest.mark.parametrize("said_hello", [True, False])
async def test_a_page_that_asks_whether_we_are_there_and_is_gone(
    commands: Commands, web: TestClient, caplog: pytest.LogCaptureFixture, said_hello: bool
) -> None:
    url = await address(commands)
    page = await Page.open(web, url) if said_hello else Page(await web.ws_connect(url))
    for _ in range(20):
        await page.socket.ping()
    await page.vanish()
    other = await Page.open(web, await address(commands))
    await other.leave()
    assert "Error handling request" not in caplog.text


async def test_an_address_must_be_signed(
    commands: Commands, web: TestClient, hass_client: ClientSessionGenerator
) -> None:
    url = await address(commands)
    assert await status_of(await hass_client(), url.partition("?")[0]) == 401
    assert await status_of(web, url.partition("?")[0]) == 401
    assert await status_of(web, f"{url[:-3]}abc") == 401
    ticket = url.partition("?")[0].rpartition("/")[2]
    other = (await address(commands)).partition("?")[0].rpartition("/")[2]
    assert await status_of(web, url.replace(ticket, other)) == 401


async def test_an_address_expires(
    hass: HomeAssistant, commands: Commands, web: TestClient, freezer: FrozenDateTimeFactory
) -> None:
    url = await address(commands)
    freezer.tick(31)
    assert await status_of(web, url) == 401


async def test_an_address_that_nobody_was_given(
    hass: HomeAssistant, commands: Commands, web: TestClient, hass_admin_user: object
) -> None:
    token = next(iter(hass_admin_user.refresh_tokens))
    made_up = async_sign_path(hass, "/api/rtvoice/browser/made-up", timedelta(seconds=30), refresh_token_id=token)
    assert await status_of(web, made_up) == 403


async def test_the_address_of_another_user_is_refused(
    hass: HomeAssistant, commands: Commands, web: TestClient, hass_client: ClientSessionGenerator
) -> None:
    policy = {"entities": {"entity_ids": {TABLET: {"read": True, "control": True}}}}
    guest, token = await async_guest(hass, policy)
    url = await address(commands)
    path = url.partition("?")[0]
    # The guest signs the administrator's address as their own, or comes with a key of their own.
    signed = async_sign_path(hass, path, timedelta(seconds=30), refresh_token_id=next(iter(guest.refresh_tokens)))
    assert await status_of(web, signed) == 403
    client = await hass_client(token)
    assert await status_of(client, await address(commands)) == 403


async def test_control_is_asked_for_again_when_the_socket_is_opened(
    hass: HomeAssistant, two_browsers: MockConfigEntry, web: TestClient, hass_ws_client: WebSocketGenerator
) -> None:
    control = {"entities": {"entity_ids": {TABLET: {"read": True, "control": True}}}}
    guest, token = await async_guest(hass, control)
    commands = Commands(await hass_ws_client(hass, token))
    assert (await commands.error("browser/connect", entity_id=PHONE))["code"] == "unauthorized"
    url = await address(commands)
    guest.mock_policy({"entities": {"entity_ids": {TABLET: {"read": True}}}})
    assert await status_of(web, url) == 403
    assert (await commands.error("browser/connect", entity_id=TABLET))["code"] == "unauthorized"

    # And it is taken away from who is there.
    guest.mock_policy(control)
    page = await Page.open(web, await address(commands))
    guest.mock_policy({})
    assert await page.until_closed() == 1008
    await page.leave()

    guest.mock_policy(control)
    page = await Page.open(web, await address(commands))
    await commands.close()
    for refresh_token in list(guest.refresh_tokens.values()):
        hass.auth.async_remove_refresh_token(refresh_token)
    assert await page.until_closed() == 1008
    await page.leave()


async def test_there_are_sockets_for_browsers_only(commands: Commands) -> None:
    assert (await commands.error("browser/connect", entity_id=SATELLITE))["code"] == "not_allowed"
    assert (await commands.error("browser/connect", entity_id="assist_satellite.none"))["code"] == "not_found"


async def test_an_address_is_for_sockets(commands: Commands, web: TestClient) -> None:
    assert (await web.get(await address(commands))).status == 426


async def test_the_address_of_a_satellite_that_has_gone(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands, web: TestClient
) -> None:
    url = await address(commands)
    assert await hass.config_entries.async_unload(two_browsers.entry_id)
    assert await status_of(web, url) == 403


HELLO = {"type": "hello", "protocol": 1, "input_rate_hz": 24_000, "output_rate_hz": 24_000}


@pytest.mark.parametrize(
    "first",
    [
        "no JSON",
        "[]",
        '{"hello": 1}',
        b"\0\0",
        {"type": "pong"},
        {"type": "later"},
        {**HELLO, "protocol": 2},
        {**HELLO, "input_rate_hz": 4_000},
        {**HELLO, "output_rate_hz": 96_000},
        {**HELLO, "output_rate_hz": "24000"},
        {"type": "hello"},
    ],
)
async def test_a_wrong_hello(
    hass: HomeAssistant, commands: Commands, web: TestClient, first: str | bytes | dict[str, object]
) -> None:
    socket = await web.ws_connect(await address(commands))
    if isinstance(first, bytes):
        await socket.send_bytes(first)
    else:
        await socket.send_str(first if isinstance(first, str) else json.dumps(first))
    error = await socket.receive_json()
    assert (error["type"], error["code"]) == ("error", "bad_hello")
    await socket.receive()
    assert socket.close_code == 1008
    assert state_of(hass, TABLET).state == "unavailable"


async def test_no_hello_at_all(commands: Commands, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "HELLO_WITHIN_S", 0.2)
    socket = await web.ws_connect(await address(commands))
    assert (await socket.receive_json())["code"] == "bad_hello"
    socket = await web.ws_connect(await address(commands))
    await socket.close()


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "null",
        '"hello"',
        "{}",
        '{"type": 7}',
        '{"type": "played"}',
        '{"type": "played", "epoch": -1, "samples": 0}',
        '{"type": "played", "epoch": 1, "samples": 1.5}',
        '{"type": "microphone_failed", "reason": "moon"}',
        json.dumps(HELLO),
        b"",
        b"\0",
        bytes(4802),
    ],
)
async def test_a_malformed_message(hass: HomeAssistant, page: Page, message: str | bytes) -> None:
    send = page.socket.send_bytes if isinstance(message, bytes) else page.socket.send_str
    await send(message)
    assert await page.until_closed() == 1008
    assert (page.messages[-1]["type"], page.messages[-1]["code"]) == ("error", "bad_message")
    await async_wait_for_state(hass, TABLET, "unavailable")


async def test_an_oversized_message(hass: HomeAssistant, page: Page) -> None:
    await page.socket.send_str("x" * 100_000)
    assert await page.until_closed() == 1009
    await async_wait_for_state(hass, TABLET, "unavailable")


async def test_what_a_later_version_says_is_no_fault(page: Page) -> None:
    await page.say("volume", level=3)
    await page.say("played", epoch=10**6, samples=10**9)
    await page.say("pong", more=1)
    await page.until(lambda: page.got("ping"), within_s=5.0)
    assert page.close_code is None


async def test_too_much_audio(page: Page) -> None:
    for _ in range(110):
        await page.socket.send_bytes(bytes(4800))
    assert await page.until_closed() == 1008
    assert page.got("error", code="too_much_audio")


async def test_a_page_that_does_not_answer_is_gone(hass: HomeAssistant, page: Page) -> None:
    page.answers_pings = False
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    assert await page.until_closed() == 1001
    assert 5.0 < loop.time() - begun_s < 8.0
    await async_wait_for_state(hass, TABLET, "unavailable")


async def test_pages_are_closed_with_the_account(
    hass: HomeAssistant, two_browsers: MockConfigEntry, page: Page
) -> None:
    assert await hass.config_entries.async_unload(two_browsers.entry_id)
    assert await page.until_closed(2.0) == 1001


async def test_pages_are_closed_with_home_assistant(hass: HomeAssistant, commands: Commands, page: Page) -> None:
    await commands.result("session/start", entity_id=TABLET)
    await commands.close()
    await hass.async_stop(force=True)
    assert await page.until_closed(2.0) == 1001


async def test_a_lying_page_breaks_nothing(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands, page: Page
) -> None:
    page.reports = False
    await commands.result("session/start", entity_id=TABLET, message="Something to be said. " * 10)
    [session] = two_browsers.runtime_data.sessions
    mouth = session._engine._sink
    await page.until(lambda: len(page.all_audio) > 9_600)
    for samples in (10**9, 5, 0):
        await page.say("played", epoch=page.epoch, samples=samples)
        await page.say("played", epoch=page.epoch + 1, samples=samples)
    await asyncio.sleep(0.1)
    heard = mouth.played_samples
    assert 0 < heard <= len(page.all_audio) // 2
    await page.say("played", epoch=page.epoch, samples=1)
    await asyncio.sleep(0.1)
    assert mouth.played_samples >= heard
    await commands.result("session/stop", entity_id=TABLET)


async def test_a_page_that_does_not_read_costs_no_memory(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands, web: TestClient
) -> None:
    page = await Page.open(web, await address(commands), rate_hz=48_000)
    place = two_browsers.runtime_data.satellites[TABLET_ID].place
    server_page = place.seat._page
    transport = server_page._socket._req.transport
    # Nothing more is read, and the buffers of the system are small.
    for end in (transport, page.socket._conn.transport):
        end.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
    page.socket._conn.transport.pause_reading()
    page.freeze()
    mouth = await place.async_output()
    await mouth.start()

    async def chatter() -> None:
        while True:
            await mouth.play_chunk(bytes(1920))
            await asyncio.sleep(0)
            if mouth.playback.unplayed_samples >= 40_000:
                # It says that it has played all, but has not even read it.
                place.seat.played(server_page, mouth.playback.epoch, 10**9)
                await mouth.clear_buffer()

    talking = asyncio.create_task(chatter())
    most = 0
    for _ in range(40):
        await asyncio.sleep(0.05)
        most = max(most, transport.get_write_buffer_size())
        assert len(server_page._waiting) <= 4
        assert mouth.playback.unplayed_samples <= 48_000
    assert most <= 200_000
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    assert await hass.config_entries.async_unload(two_browsers.entry_id)
    while not transport.is_closing():
        await asyncio.sleep(0.05)
    assert loop.time() - begun_s < 5.0
    await page.leave()


async def test_all_of_it_is_gone_when_home_assistant_has_no_account(
    hass: HomeAssistant, two_browsers: MockConfigEntry, commands: Commands
) -> None:
    await hass.config_entries.async_remove(two_browsers.entry_id)
    assert (await commands.error("browser/connect", entity_id=TABLET))["code"] == "not_found"
    assert hass.data[f"{DOMAIN}_chronicles"] == {}
