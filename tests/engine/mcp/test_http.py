import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.errors import ToolFailedError, ToolTimeoutError
from custom_components.rtvoice.engine.mcp import MCPServerHTTP, MCPTools, ServerUnavailableError
from tests.engine.mcp.rig import free_port, serving, until

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = {"Authorization": "Bearer sk-secret", "X-Api-Key": "secret"}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """A web server on loopback that hands every request to `handler`."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()


async def answer(request: web.Request) -> web.Response:
    """What a plain server without sessions says."""
    if request.method != "POST":
        return web.Response(status=405)
    message = await request.json()
    results = {
        "initialize": lambda: {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "plain", "version": "1"},
        },
        "tools/list": lambda: {"tools": [{"name": "ok", "inputSchema": {"type": "object"}}]},
        "tools/call": lambda: {"content": [{"type": "text", "text": "done"}]},
    }
    if message["method"] not in results:
        return web.Response(status=202)
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]()})


async def test_a_server_with_far_too_many_tools_costs_a_bounded_time() -> None:
    async def crowded(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and (message := await request.json())["method"] == "tools/list":
            tools = [{"name": f"{n}" + "x" * 100, "inputSchema": 5} for n in range(1500)]
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": tools}})
        return await answer(request)

    registry = Tools()
    async with answering(crowded) as url, MCPTools([MCPServerHTTP(url)], registry) as tools:
        assert len(registry.names()) == 128
        assert tools.problems[0].message.endswith("It has more than 128 tools; the others are left out")
        assert len(tools.problems) == 20
        assert all(len(problem.message) < 200 for problem in tools.problems)


@pytest.mark.parametrize(("way", "transport"), [("streamable_http", "auto"), ("sse", "auto"), ("sse", "sse")])
async def test_a_real_server_over_http(way, transport, tmp_path) -> None:
    async with serving(way, free_port()) as url:
        changed = asyncio.Event()
        async with MCPServerHTTP(url, transport=transport) as server:
            server.on_change = changed.set
            assert server.name == "House of tests"
            assert "add" in {tool.name for tool in await server.list_tools()}
            answers = await asyncio.gather(*(server.call_tool("add", {"a": n, "b": 1}) for n in range(5)))
            assert answers == ["1", "2", "3", "4", "5"]
            witness = tmp_path / "witness"
            call = asyncio.create_task(server.call_tool("wait", {"seconds": 600, "witness": str(witness)}))
            await until(witness.exists)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until(lambda: witness.read_text() == "cancelled")
            assert await server.call_tool("learn", {"name": "bake"}) == "learned"
            await changed.wait()
            assert "bake" in {tool.name for tool in await server.list_tools()}


async def test_a_server_that_was_started_anew_is_used_again() -> None:
    port = free_port()
    async with serving("streamable_http", port) as url:
        server = MCPServerHTTP(url)
        await server.connect()
        first = await server.call_tool("pid")
    async with serving("streamable_http", port):
        await until(lambda: not server.retry_wait_s)
        assert await server.call_tool("pid") != first
        await server.close()


async def test_a_call_fails_at_once_when_its_server_dies(tmp_path) -> None:
    witness = tmp_path / "witness"
    async with serving("streamable_http", free_port()) as url:
        server = MCPServerHTTP(url)
        await server.connect()
        lost = asyncio.Event()
        server.on_change = lost.set
        call = asyncio.create_task(server.call_tool("wait", {"seconds": 600, "witness": str(witness)}))
        await until(witness.exists)
    async with asyncio.timeout(5):
        with pytest.raises(ServerUnavailableError, match="the connection ended"):
            await call
        await lost.wait()
    assert not server.is_connected
    await server.close()


@pytest.mark.parametrize(("identified", "waits"), [(b"", False), (b"id: 1\n", True)])
async def test_a_stream_that_ends_without_the_answer_ends_the_call_unless_it_may_be_resumed(identified, waits) -> None:
    async def breaking_off(request: web.Request) -> web.StreamResponse:
        if request.method != "POST" or (await request.json())["method"] != "tools/call":
            return await answer(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(identified + b'data: {"jsonrpc": "2.0", "method": "notifications/message"}\n\n')
        return response

    async with answering(breaking_off) as url, MCPServerHTTP(url, timeout=1) as server:
        with pytest.raises(ToolTimeoutError if waits else ServerUnavailableError):
            await server.call_tool("ok")
        assert server.is_connected is waits


async def test_nothing_of_an_address_gets_into_the_log_when_a_server_fails(caplog) -> None:
    async def failing(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and (await request.json())["method"].startswith("notifications/"):
            return web.Response(status=500)
        return await answer(request)

    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "custom_components.rtvoice.engine.mcp")
    async with answering(failing) as url:
        server = MCPServerHTTP(f"{url}/mcp?token=secret")
        await server.connect()
        with pytest.raises(ServerUnavailableError):
            await server.list_tools()
        await server.close()
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    assert [record for record in ours if record.exc_info or "secret" in record.getMessage()] == []
    told = [record.getMessage() for record in ours if record.name.endswith("mcp.discretion")]
    assert any("500 Internal Server Error" in line for line in told), "told by us instead, for who looks for the cause"


async def test_a_server_that_forgot_the_session_is_greeted_again_and_the_call_repeated() -> None:
    greetings = 0
    forgotten = False

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal greetings, forgotten
        if request.method == "POST":
            method = (await request.json())["method"]
            greetings += method == "initialize"
            if method == "tools/call" and not forgotten:
                forgotten = True
                return web.Response(status=404)
        response = await answer(request)
        response.headers["Mcp-Session-Id"] = f"session-{greetings}"
        return response

    async with answering(handler) as url, MCPServerHTTP(url) as server:
        changed = asyncio.Event()
        server.on_change = changed.set
        await server.list_tools()
        assert await server.call_tool("ok") == "done"
        assert greetings == 2
        assert changed.is_set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("transport", ["auto", "sse"])
async def test_headers_never_follow_a_redirect_to_another_server(status, transport) -> None:
    strangers: list[web.Request] = []

    async def stranger(request: web.Request) -> web.StreamResponse:
        strangers.append(request)
        return await answer(request)

    async with answering(stranger) as elsewhere:

        async def redirecting(request: web.Request) -> web.StreamResponse:
            assert request.headers["X-Api-Key"] == "secret"
            return web.Response(status=status, headers={"Location": f"{elsewhere}/mcp"})

        async with answering(redirecting) as url:
            server = MCPServerHTTP(f"{url}/mcp?token=secret", headers=KEY, transport=transport)
            with pytest.raises(ServerUnavailableError) as caught:
                await server.connect()
    assert not strangers
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_within_the_server_is_followed(status) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.headers["X-Api-Key"] == "secret"
        if request.path == "/mcp":
            return web.Response(status=status, headers={"Location": "/mcp/"})
        return await answer(request)

    async with answering(handler) as url, MCPServerHTTP(f"{url}/mcp", headers=KEY) as server:
        await server.list_tools()
        assert await server.call_tool("ok") == "done"


async def test_a_circle_of_redirects_is_left() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/mcp"})

    async with answering(handler) as url:
        with pytest.raises(ServerUnavailableError, match="307"):
            await MCPServerHTTP(f"{url}/mcp").connect()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
@pytest.mark.parametrize("transport", ["auto", "streamable_http", "sse"])
async def test_a_refusal_says_its_status(status, transport) -> None:
    requests = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        return web.Response(status=status)

    async with answering(handler) as url:
        server = MCPServerHTTP(url, headers=KEY, transport=transport)
        with pytest.raises(ServerUnavailableError, match=f"127.0.0.1.*{status}"):
            await server.connect()
    assert requests == (2 if transport == "auto" and status == 404 else 1)
    assert not server.is_connected


async def test_a_server_that_is_not_there_is_not_available() -> None:
    server = MCPServerHTTP(f"http://127.0.0.1:{free_port()}/mcp", name="nobody")
    with pytest.raises(ServerUnavailableError, match="'nobody' is not available"):
        await server.connect()


async def test_a_server_that_hangs_is_given_up() -> None:
    over = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response(status=500)

    async with answering(handler) as url:
        with pytest.raises(ServerUnavailableError, match=r"within 0\.5 s"):
            await MCPServerHTTP(url, timeout=0.5).connect()
        over.set()


async def test_a_failing_call_says_why_and_the_next_one_works() -> None:
    broken = True

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and (await request.json())["method"] == "tools/call" and broken:
            return web.Response(status=500)
        return await answer(request)

    async with answering(handler) as url, MCPServerHTTP(url) as server:
        await server.list_tools()
        with pytest.raises((ServerUnavailableError, ToolFailedError)):
            await server.call_tool("ok")
        broken = False
        await until(lambda: not server.retry_wait_s)
        assert await server.call_tool("ok") == "done"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "ftp://host"}, "must begin"),
        ({"url": "http://"}, "must begin"),
        ({"url": "http://user:password@host"}, "headers"),
        ({"url": "http://host", "transport": "pigeon"}, "'pigeon' is no transport"),
        ({"url": "http://host", "headers": {"X-Key": "a\r\nB: c"}}, "'X-Key'"),
        ({"url": "http://host", "headers": {"X-Key": "ä"}}, "'X-Key'"),
        ({"url": "http://host", "headers": {"X Key": "a"}}, "'X Key'"),
    ],
)
def test_impossible_options_are_refused(options, words) -> None:
    with pytest.raises(ValueError, match=words):
        MCPServerHTTP(**options)
