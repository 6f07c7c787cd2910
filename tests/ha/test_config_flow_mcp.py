"""Adding and changing an MCP server, against real servers."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry, SubentryFlowResult
from homeassistant.const import CONF_COMMAND, CONF_HEADERS, CONF_NAME, CONF_TIMEOUT, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_ALLOWED_TOOLS,
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_CONFIRMED,
    CONF_ENVIRONMENT,
    CONF_TRANSPORT,
    SUBENTRY_MCP_SERVER,
)
from tests.engine.mcp.rig import SERVERS, free_port, python_path, serving

PROGRAM = {
    CONF_COMMAND: sys.executable,
    CONF_ARGUMENTS: [str(SERVERS / "house.py"), "stdio"],
    CONF_ENVIRONMENT: [f"{name}={value}" for name, value in python_path().items()] + [" MOOD = good "],
    CONF_CONFIRMED: True,
}


async def begin(hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> SubentryFlowResult:
    """Open the form of a new server."""
    menu = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_MCP_SERVER), context={"source": SOURCE_USER}
    )
    assert (menu["type"], menu["menu_options"]) == (FlowResultType.MENU, ["http", "program"])
    form = await submit(hass, menu, {"next_step_id": kind})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, kind, {})
    return form


async def submit(hass: HomeAssistant, form: SubentryFlowResult, user_input: dict[str, Any]) -> SubentryFlowResult:
    """Fill a form in."""
    return await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)


def servers_of(entry: MockConfigEntry) -> list[ConfigSubentry]:
    """The servers that the account has."""
    return list(entry.get_subentries_of_type(SUBENTRY_MCP_SERVER))


def offered(form: SubentryFlowResult) -> dict[str, str]:
    """The tools that can be chosen, with what is shown of them."""
    return {
        option["value"]: option["label"] for option in form["data_schema"].schema[CONF_ALLOWED_TOOLS].config["options"]
    }


def suggested(form: SubentryFlowResult) -> dict[str, Any]:
    """What the form shows as values."""
    markers = form["data_schema"].schema
    return {str(marker): marker.description["suggested_value"] for marker in markers if marker.description}


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """A server on loopback that answers everything alike; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    await runner.cleanup()


async def test_a_server_in_the_network_is_asked_for_its_tools(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await begin(hass, mock_entry, "http")
    async with serving("streamable_http", free_port()) as url:
        filled = {CONF_URL: f" {url} ", CONF_AUTHORIZATION: " s3cret ", CONF_HEADERS: ["X-Room: kitchen", " "]}
        form = await submit(hass, form, filled)
    assert (form["step_id"], form["description_placeholders"]) == ("tools", {"name": "House of tests"})
    tools = offered(form)
    assert tools["add"] == "add: Add two numbers."
    assert "crash" in tools
    result = await submit(hass, form, {CONF_ALLOWED_TOOLS: ["add", "weather"]})

    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "House of tests")
    assert result["data"] == {
        CONF_TRANSPORT: "auto",
        CONF_URL: url,
        CONF_AUTHORIZATION: "s3cret",
        CONF_HEADERS: ["X-Room: kitchen"],
        CONF_TIMEOUT: 30,
        CONF_ALLOWED_TOOLS: ["add", "weather"],
    }


async def test_the_token_and_the_headers_are_sent(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    seen: list[tuple[str | None, str | None]] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Authorization"), request.headers.get("X-Room")))
        return web.Response(status=401)

    form = await begin(hass, mock_entry, "http")
    async with answering(refuse) as url:
        headers = ["X-Room: kitchen", "authorization: mine"]
        for token in ("s3cret", "Basic abc"):
            form = await submit(
                hass, form, {CONF_URL: url, CONF_AUTHORIZATION: token, CONF_HEADERS: headers, CONF_TRANSPORT: "sse"}
            )
            assert form["errors"] == {"base": "invalid_auth"}
            assert CONF_AUTHORIZATION not in suggested(form)
    assert set(seen) == {("Bearer s3cret", "kitchen"), ("Basic abc", "kitchen")}


async def test_a_server_that_is_not_there_is_not_added(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await begin(hass, mock_entry, "http")
    form = await submit(hass, form, {CONF_NAME: "Away", CONF_URL: f"http://127.0.0.1:{free_port()}/mcp"})
    assert form["errors"] == {"base": "cannot_connect"}
    assert "127.0.0.1" in form["description_placeholders"]["reason"]
    assert suggested(form)[CONF_NAME] == "Away"
    assert servers_of(mock_entry) == []


async def test_a_server_that_does_not_answer_is_not_waited_for(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    held = hass.loop.create_future()

    async def hold(request: web.Request) -> web.Response:
        await held
        return web.Response()

    form = await begin(hass, mock_entry, "program")
    mute = {
        CONF_COMMAND: sys.executable,
        CONF_ARGUMENTS: ["-c", "import time; time.sleep(60)"],
        CONF_TIMEOUT: 1,
        CONF_CONFIRMED: True,
    }
    assert (await submit(hass, form, mute))["errors"] == {"base": "timeout"}
    form = await begin(hass, mock_entry, "http")
    async with answering(hold) as url:
        form = await submit(hass, form, {CONF_URL: url, CONF_TIMEOUT: 1})
        held.set_result(None)
    assert form["errors"] == {"base": "timeout"}


@pytest.mark.parametrize(
    ("user_input", "errors"),
    [
        ({CONF_URL: "homeserver"}, {CONF_URL: "invalid_server_url"}),
        ({CONF_URL: " "}, {CONF_URL: "invalid_server_url"}),
        ({CONF_URL: "http://me:secret@homeserver/mcp"}, {CONF_URL: "invalid_server_url"}),
        ({CONF_URL: "http://homeserver", CONF_HEADERS: ["X-Room kitchen"]}, {CONF_HEADERS: "invalid_headers"}),
        ({CONF_URL: "http://homeserver", CONF_HEADERS: ["X Room: kitchen"]}, {CONF_HEADERS: "invalid_headers"}),
        ({CONF_URL: "http://homeserver", CONF_AUTHORIZATION: "ключ"}, {CONF_AUTHORIZATION: "invalid_headers"}),
    ],
)
async def test_what_cannot_be_a_server_is_refused_without_asking_anybody(
    hass: HomeAssistant, mock_entry: MockConfigEntry, user_input: dict[str, Any], errors: dict[str, str]
) -> None:
    form = await submit(hass, await begin(hass, mock_entry, "http"), user_input)
    assert form["errors"] == errors


async def test_a_program_is_started_only_when_that_is_confirmed(
    hass: HomeAssistant, mock_entry: MockConfigEntry, tmp_path: Any
) -> None:
    witness = tmp_path / "started"
    touch = {CONF_COMMAND: "touch", CONF_ARGUMENTS: [str(witness)]}
    form = await submit(hass, await begin(hass, mock_entry, "program"), touch)
    assert form["errors"] == {CONF_CONFIRMED: "not_confirmed"}
    assert not witness.exists()
    form = await submit(hass, form, {CONF_COMMAND: " ", CONF_CONFIRMED: True})
    assert form["errors"] == {CONF_COMMAND: "field_required"}
    form = await submit(hass, form, {**PROGRAM, CONF_ENVIRONMENT: ["=good"]})
    assert form["errors"] == {CONF_ENVIRONMENT: "invalid_lines"}
    form = await submit(hass, form, {**touch, CONF_CONFIRMED: True})
    assert form["errors"] == {"base": "cannot_connect"}
    assert witness.exists()


async def test_a_program_is_asked_for_its_tools(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await submit(hass, await begin(hass, mock_entry, "program"), {**PROGRAM, CONF_NAME: " Workshop "})
    assert form["step_id"] == "tools"
    result = await submit(hass, form, {})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Workshop")
    assert CONF_ALLOWED_TOOLS not in result["data"]
    assert CONF_CONFIRMED not in result["data"]
    assert result["data"][CONF_TRANSPORT] == "stdio"
    assert result["data"][CONF_ENVIRONMENT][-1] == "MOOD = good"


async def test_a_server_without_tools_is_of_no_use(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await begin(hass, mock_entry, "program")
    empty = {**PROGRAM, CONF_ARGUMENTS: ["-c", EMPTY]}
    assert (await submit(hass, form, empty))["errors"] == {"base": "no_tools"}


async def test_a_known_program_is_changed_and_confirmed_anew(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    entry = setup_integration
    form = await submit(hass, await begin(hass, entry, "program"), {**PROGRAM, CONF_NAME: "Workshop"})
    await submit(hass, form, {CONF_ALLOWED_TOOLS: ["add", "pid"]})
    await hass.async_block_till_done()
    (server,) = servers_of(entry)

    form = await entry.start_subentry_reconfigure_flow(hass, server.subentry_id)
    assert form["step_id"] == "program"
    assert suggested(form)[CONF_NAME] == "Workshop"
    assert CONF_CONFIRMED not in suggested(form)
    form = await submit(hass, form, {**PROGRAM, CONF_NAME: ""})
    assert suggested(form) == {CONF_ALLOWED_TOOLS: ["add", "pid"]}
    result = await submit(hass, form, {CONF_ALLOWED_TOOLS: ["add"]})
    await hass.async_block_till_done()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    (server,) = servers_of(entry)
    assert (server.title, server.data[CONF_ALLOWED_TOOLS]) == ("Workshop", ["add"])


async def test_a_known_token_stays_at_its_server(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    entry = setup_integration
    async with serving("streamable_http", free_port()) as url, serving("streamable_http", free_port()) as other:
        form = await submit(hass, await begin(hass, entry, "http"), {CONF_URL: url, CONF_AUTHORIZATION: "s3cret"})
        await submit(hass, form, {})
        await hass.async_block_till_done()
        (server,) = servers_of(entry)
        form = await entry.start_subentry_reconfigure_flow(hass, server.subentry_id)
        assert (await submit(hass, form, {CONF_URL: "nowhere"}))["errors"] == {CONF_URL: "invalid_server_url"}
        for address, kept in ((f"{url}?room=1", "s3cret"), (other, None)):
            form = await entry.start_subentry_reconfigure_flow(hass, server.subentry_id)
            assert CONF_AUTHORIZATION not in suggested(form)
            form = await submit(hass, form, {CONF_URL: address})
            await submit(hass, form, {})
            await hass.async_block_till_done()
            (server,) = servers_of(entry)
            assert (server.data[CONF_URL], server.data.get(CONF_AUTHORIZATION)) == (address, kept)


async def test_a_token_is_taken_away(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    entry = setup_integration
    async with serving("streamable_http", free_port()) as url:
        form = await begin(hass, entry, "http")
        assert "remove_authorization" not in form["data_schema"].schema
        form = await submit(hass, form, {CONF_URL: url, CONF_AUTHORIZATION: "s3cret"})
        await submit(hass, form, {})
        await hass.async_block_till_done()
        (server,) = servers_of(entry)
        for changes, left in (
            ({"remove_authorization": False}, "s3cret"),
            ({"remove_authorization": True, CONF_AUTHORIZATION: "n3w"}, "n3w"),
            ({"remove_authorization": True}, None),
        ):
            form = await entry.start_subentry_reconfigure_flow(hass, server.subentry_id)
            assert "remove_authorization" in form["data_schema"].schema
            await submit(hass, await submit(hass, form, {CONF_URL: url, **changes}), {})
            await hass.async_block_till_done()
            (server,) = servers_of(entry)
            assert server.data.get(CONF_AUTHORIZATION) == left
            assert "remove_authorization" not in server.data
        form = await entry.start_subentry_reconfigure_flow(hass, server.subentry_id)
        assert "remove_authorization" not in form["data_schema"].schema


EMPTY = """
import mcp
if hasattr(mcp, "MCPError"):
    from mcp.server import MCPServer as Server
else:
    from mcp.server.fastmcp import FastMCP as Server
Server("Empty").run("stdio")
"""
