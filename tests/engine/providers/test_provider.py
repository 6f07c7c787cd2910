"""Providers: keys, addresses, redirects, lists of models, and what is shared between sessions."""

import asyncio
import socket
import ssl
import threading

import aiohttp
import pytest
from aiohttp import web

from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    QuotaExceededError,
    RateLimitedError,
)
from custom_components.rtvoice.engine.ports import RealtimeProvider
from custom_components.rtvoice.engine.providers import CompatibleProvider, OpenAIProvider, redirect_guard

KEY = "sk-test-1234567890"


async def script(peer) -> None:
    await peer.set_up()
    await peer.closed()


# --- keys and addresses -----------------------------------------------------------------------------------------------


def test_both_are_providers() -> None:
    assert isinstance(OpenAIProvider(KEY), RealtimeProvider)
    assert isinstance(CompatibleProvider("http://127.0.0.1:8765"), RealtimeProvider)


def test_the_key_may_come_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert OpenAIProvider()
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        OpenAIProvider()
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        OpenAIProvider(api_key=None)


@pytest.mark.parametrize("key", ["sk-a\r\nX-Evil: 1", "sk-…", "sk-\x00"])
def test_a_key_that_cannot_be_one_is_refused(key) -> None:
    with pytest.raises(AuthenticationError):
        OpenAIProvider(key)
    with pytest.raises(AuthenticationError):
        CompatibleProvider("http://127.0.0.1", api_key=key)


def test_an_organization_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        OpenAIProvider(KEY, organization="a\nb")


def test_nothing_shows_the_key() -> None:
    for provider in (OpenAIProvider(KEY), CompatibleProvider("http://127.0.0.1/v1?x=secret", api_key=KEY)):
        shown = repr(provider) + repr(vars(provider))
        assert KEY not in shown
        assert "secret" not in repr(provider)
    assert repr(OpenAIProvider(KEY)) == "OpenAIProvider('https://api.openai.com/v1')"


@pytest.mark.parametrize("dialect", ["qwen", "GA", "klingon", ""])
def test_a_dialect_that_is_not_spoken_is_refused(dialect) -> None:
    with pytest.raises(ConfigurationError, match="not supported"):
        CompatibleProvider("http://127.0.0.1", dialect=dialect)


def test_what_the_servers_are_known_to_do() -> None:
    assert OpenAIProvider(KEY).capabilities.echoes_metadata
    for dialect in ("auto", "ga", "beta", "xai"):
        assert not CompatibleProvider("http://127.0.0.1", dialect=dialect).capabilities.echoes_metadata


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def redirecting(serve):
    """A server that redirects all it is asked for to another one, whose requests are recorded."""
    reached = []

    async def record(request) -> web.Response:
        reached.append(request.headers.copy())
        return web.json_response({"data": []})

    target = await serve(None, routes={"/v1/realtime": record, "/v1/models": record})

    async def redirect(request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{target.port}{request.path_qs}")

    return await serve(None, routes={"/v1/realtime": redirect, "/v1/models": redirect}), reached


@pytest.mark.parametrize("given", ["none", "guarded", "plain"])
async def test_a_key_never_follows_a_redirect(redirecting, given) -> None:
    server, reached = redirecting
    session = None
    if given != "none":
        session = aiohttp.ClientSession(trace_configs=[redirect_guard()] if given == "guarded" else [])
    provider = OpenAIProvider(KEY, base_url=server.url, session=session)
    with pytest.raises(ConnectionFailedError, match="redirect"):
        await provider.check("gpt-realtime")
    with pytest.raises(ConnectionFailedError):
        await provider.list_models()
    assert reached == []
    await provider.close()
    if session is not None:
        assert not session.closed
        await session.close()


async def test_the_server_that_is_redirected_to_would_be_reached(redirecting) -> None:
    server, reached = redirecting
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/models", headers={"api-key": KEY}):
        assert reached[0]["api-key"] == KEY


# --- what is shared ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_session_that_is_given_keeps_its_headers_and_stays_open(serve, guarded) -> None:
    server = await serve(script)
    traces = [redirect_guard()] if guarded else []
    async with aiohttp.ClientSession(trace_configs=traces, headers={"User-Agent": "house/1"}) as session:
        provider = OpenAIProvider(KEY, base_url=server.url, organization="org-1", project="proj-1", session=session)
        await provider.prewarm()
        await provider.check("gpt-realtime")
        await provider.check("gpt-realtime")
        await provider.close()
        await provider.close()
        assert not session.closed
        assert not session.connector.closed
    assert len(server.requests) == 2
    headers = server.requests[0].headers
    assert headers["User-Agent"] == "house/1"
    assert headers["OpenAI-Organization"] == "org-1"
    assert headers["OpenAI-Project"] == "proj-1"
    assert headers["Authorization"] == f"Bearer {KEY}"
    await server.until_done()


async def test_a_session_that_is_closed_is_an_error() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    provider = OpenAIProvider(KEY, session=session)
    await provider.prewarm()
    with pytest.raises(ConnectionFailedError, match="closed"):
        await provider.check("gpt-realtime")
    with pytest.raises(ConnectionFailedError, match="closed"):
        await provider.list_models()


async def test_a_provider_works_again_after_it_was_closed(serve) -> None:
    server = await serve(script)
    provider = CompatibleProvider(server.url)
    for _ in range(2):
        await provider.check("local")
        await provider.close()
    await server.until_done()


async def test_certificates_are_loaded_off_the_loop_and_once(serve, monkeypatch) -> None:
    server = await serve(script)
    threads = []
    load = ssl.create_default_context

    def recorded(*args, **kwargs) -> ssl.SSLContext:
        threads.append(threading.current_thread())
        return load(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", recorded)
    provider = CompatibleProvider(server.url)
    await asyncio.gather(provider.prewarm(), provider.prewarm(), provider.check("local"))
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    await provider.close()
    await server.until_done()


async def test_prewarming_asks_the_server_nothing(serve) -> None:
    server = await serve(script)
    provider = CompatibleProvider(server.url)
    await provider.prewarm()
    assert server.requests == []
    await provider.close()


@pytest.mark.parametrize("error", [socket.gaierror(), UnicodeError(), RuntimeError(), TimeoutError()])
async def test_prewarming_never_fails(monkeypatch, error) -> None:
    async def fail(*_) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    provider = CompatibleProvider("http://does-not-exist.invalid/v1")
    await provider.prewarm()
    await provider.close()


# --- models -----------------------------------------------------------------------------------------------------------


def answering(status: int = 200, body: object = None, text: str | None = None, **headers: str) -> dict:
    async def answer(request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        if text is not None:
            return web.Response(status=status, text=text, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return {"/v1/models": answer}


async def models(serve, routes: dict) -> tuple[str, ...]:
    server = await serve(None, routes=routes)
    provider = OpenAIProvider(KEY, base_url=server.url)
    try:
        return await provider.list_models()
    finally:
        await provider.close()


async def test_the_models_are_listed(serve) -> None:
    body = {
        "object": "list",
        "data": [{"id": "gpt-realtime-2.1", "shutdown_date": None}, {"id": None}, "x", {"id": "b"}],
    }
    assert await models(serve, answering(body=body)) == ("gpt-realtime-2.1", "b")


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_a_list_has_an_empty_one(serve, status) -> None:
    assert await models(serve, answering(status, text="no such thing")) == ()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"code": "invalid_api_key", "message": f"Incorrect API key provided: {KEY}"}, AuthenticationError),
        (403, None, AuthenticationError),
        (429, {"code": "rate_limit_exceeded", "message": "Slow down"}, RateLimitedError),
        (429, {"code": "insufficient_quota", "message": "No credit"}, QuotaExceededError),
        (402, None, QuotaExceededError),
        (400, {"code": "odd", "message": "What?"}, ConnectionFailedError),
        (500, {"message": None}, ConnectionFailedError),
        (502, None, ConnectionFailedError),
        (204, None, ConnectionFailedError),
    ],
)
async def test_a_list_that_is_refused(serve, status, error, kind) -> None:
    routes = answering(status, {"error": error}, **{"Retry-After": "9"})
    with pytest.raises(kind) as raised:
        await models(serve, routes)
    assert raised.type is kind
    assert KEY not in str(raised.value)
    assert str(status) in str(raised.value) or error is not None
    if kind is RateLimitedError:
        assert raised.value.retry_after_s == 9


async def test_a_date_to_retry_after_is_no_number_of_seconds(serve) -> None:
    routes = answering(429, {}, **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})
    with pytest.raises(RateLimitedError) as raised:
        await models(serve, routes)
    assert raised.value.retry_after_s is None


@pytest.mark.parametrize("text", ["<html>", "[]", "", '{"data": '])
async def test_a_list_that_cannot_be_read(serve, text) -> None:
    with pytest.raises(ConnectionFailedError, match="cannot be read"):
        await models(serve, answering(text=text))


async def test_an_odd_list_is_an_empty_one(serve) -> None:
    assert await models(serve, answering(body={"data": None})) == ()


async def test_a_list_that_does_not_come_in_time(serve, quick) -> None:
    never = asyncio.Event()

    async def hang(_) -> web.Response:
        await never.wait()
        return web.Response()

    server = await serve(None, routes={"/v1/models": hang})
    provider = CompatibleProvider(server.url, timeouts=quick)
    with pytest.raises(ConnectionFailedError, match="in time"):
        await provider.list_models()
    never.set()
    await provider.close()
