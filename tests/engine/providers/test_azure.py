"""Azure OpenAI: addresses, keys and tokens, refusals by HTTP, and what stands for its models."""

import asyncio
import threading

import aiohttp
import pytest
from aiohttp import web

from custom_components.rtvoice.engine import AzureOpenAIProvider as Exported
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    QuotaExceededError,
    RateLimitedError,
)
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.ports import RealtimeProvider
from custom_components.rtvoice.engine.providers import AzureOpenAIProvider, redirect_guard

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOi.eyJhdWQiOi.c2lnbmF0dXJl"
PATH = "/openai/v1/realtime"
OPTIONS = SessionOptions(model="some-model")


async def script(peer) -> None:
    await peer.set_up()
    await peer.closed()


def local(server, **more: object) -> AzureOpenAIProvider:
    if "token_provider" not in more:
        more.setdefault("api_key", KEY)
    return AzureOpenAIProvider(f"http://127.0.0.1:{server.port}", "my-deployment", **more)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "root"),
    [
        ("my-res", "https://my-res.openai.azure.com/openai/v1"),
        (" my-res ", "https://my-res.openai.azure.com/openai/v1"),
        ("my-res.openai.azure.com", "https://my-res.openai.azure.com/openai/v1"),
        ("my-res.services.ai.azure.com", "https://my-res.services.ai.azure.com/openai/v1"),
        ("my-res.cognitiveservices.azure.com/", "https://my-res.cognitiveservices.azure.com/openai/v1"),
        ("https://my-res.openai.azure.com", "https://my-res.openai.azure.com/openai/v1"),
        ("https://My-Res.OpenAI.Azure.com/openai/v1/", "https://my-res.openai.azure.com/openai/v1"),
        ("wss://my-res.openai.azure.com/openai/v1/realtime?model=x", "https://my-res.openai.azure.com/openai/v1"),
        (
            "https://my-res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=old",
            "https://my-res.openai.azure.com/openai/v1",
        ),
        (
            "https://my-res.services.ai.azure.com/api/projects/my-project",
            "https://my-res.services.ai.azure.com/openai/v1",
        ),
        ("https://gateway.example.com", "https://gateway.example.com/openai/v1"),
        ("https://gateway.example.com/voice%20one/", "https://gateway.example.com/voice%20one/openai/v1"),
        ("https://gateway.example.com/voice/openai/v1", "https://gateway.example.com/voice/openai/v1"),
        ("https://gateway.example.com/voice/openai", "https://gateway.example.com/voice/openai/v1"),
        ("https://gateway.example.com/v?a=1&api-version=2", "https://gateway.example.com/v/openai/v1?a=1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/openai/v1"),
    ],
)
def test_a_resource_is_found(resource, root) -> None:
    endpoint = AzureOpenAIProvider(resource, " my deployment ", api_key=KEY)._endpoint
    assert str(endpoint.root) == root
    url = endpoint.realtime("some-model")
    assert url.scheme == ("wss" if root.startswith("https") else "ws")
    assert url.path.endswith(PATH)
    assert url.query["model"] == "my deployment"
    assert not {"api-version", "deployment"} & set(url.query)


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "gateway.example.com",
        "my-res.openai.azure.com.example.com",
        "127.0.0.1:8080",
        "my res",
        "https://",
        "ftp://my-res.openai.azure.com",
        "https://user:pw@my-res.openai.azure.com",
        "https://[::1",
        "my-res.openai.azure.com:99999",
    ],
)
def test_a_resource_that_cannot_be_one_is_refused(resource) -> None:
    with pytest.raises(ConfigurationError):
        AzureOpenAIProvider(resource, "my-deployment", api_key=KEY)


def test_a_deployment_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="deployment"):
        AzureOpenAIProvider("my-res", " ", api_key=KEY)


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_key_may_come_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    assert AzureOpenAIProvider("my-res", "d")._endpoint.headers == {"api-key": KEY}
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", " ")
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_API_KEY"):
        AzureOpenAIProvider("my-res", "d")
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_API_KEY"):
        AzureOpenAIProvider("my-res", "d")


def test_a_token_leaves_the_key_of_the_environment_alone(monkeypatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    assert AzureOpenAIProvider("my-res", "d", token_provider=lambda: TOKEN)._endpoint.headers == {}


def test_a_key_and_a_token_are_too_much() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        AzureOpenAIProvider("my-res", "d", api_key=KEY, token_provider=lambda: TOKEN)


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "ke…y"])
def test_a_key_that_cannot_be_one_is_refused(key) -> None:
    with pytest.raises(AuthenticationError):
        AzureOpenAIProvider("my-res", "d", api_key=key)


def test_it_is_a_provider_and_shows_no_key() -> None:
    provider = AzureOpenAIProvider("my-res", "d", api_key=KEY)
    assert isinstance(provider, RealtimeProvider)
    assert Exported is AzureOpenAIProvider
    assert KEY not in repr(provider) + repr(vars(provider))
    assert repr(provider) == "AzureOpenAIProvider('https://my-res.openai.azure.com/openai/v1')"
    assert provider.capabilities.echoes_metadata


async def test_a_session_is_opened_with_the_key_and_the_deployment(serve) -> None:
    server = await serve(script, path=PATH)
    provider = local(server)
    async with provider.connect(OPTIONS):
        pass
    await provider.close()
    await server.until_done()
    (request,) = server.requests
    assert request.path == PATH
    assert request.query == {"model": "my-deployment"}
    assert request.headers["api-key"] == KEY
    assert "Authorization" not in request.headers
    assert "OpenAI-Beta" not in request.headers


# --- tokens -----------------------------------------------------------------------------------------------------------


async def of_coroutine() -> str:
    return TOKEN


class Credential:
    async def __call__(self) -> str:
        return TOKEN


@pytest.mark.parametrize("source", [of_coroutine, lambda: TOKEN, lambda: asyncio.sleep(0, TOKEN), Credential()])
async def test_a_token_is_had_from_any_callable(serve, source) -> None:
    server = await serve(script, path=PATH)
    provider = local(server, token_provider=source)
    await provider.check("any")
    await provider.close()
    await server.until_done()
    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in server.requests[0].headers


async def test_a_token_is_asked_for_anew_for_every_connection(serve) -> None:
    async def list_models(request) -> web.Response:
        listed.append(request.headers["Authorization"])
        return web.json_response({"data": [{"id": "gpt-realtime-2.1"}]})

    def next_token() -> str:
        asked.append(threading.current_thread())
        return f"token-{len(asked)}"

    asked: list[threading.Thread] = []
    listed: list[str] = []
    server = await serve(script, path=PATH, routes={"/openai/v1/models": list_models})
    provider = local(server, token_provider=next_token)
    await provider.prewarm()
    assert asked == []
    await provider.check("any")
    await provider.check("any")
    assert await provider.list_models() == ("gpt-realtime-2.1",)
    await provider.close()
    await server.until_done()
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert listed == ["Bearer token-3"]
    # It may talk to a server on its own, which must not hold up the loop.
    assert threading.main_thread() not in asked


def raising(error: Exception):
    def source() -> str:
        raise error

    return source


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (raising(OSError("secret-7")), ConnectionFailedError),
        (raising(ValueError("secret-7")), ConnectionFailedError),
        (raising(AuthenticationError("The identity is gone")), AuthenticationError),
        (raising(RateLimitedError("Slow down")), RateLimitedError),
        (lambda: "", AuthenticationError),
        (lambda: None, AuthenticationError),
        (lambda: "a\r\nX-Evil: 1", AuthenticationError),
    ],
)
async def test_a_token_that_cannot_be_had(source, kind) -> None:
    provider = AzureOpenAIProvider("http://127.0.0.1:9", "d", token_provider=source)
    for ask in (provider.check("any"), provider.list_models()):
        with pytest.raises(kind) as raised:
            await ask
        assert raised.type is kind
        assert "secret-7" not in str(raised.value)
    await provider.close()


async def test_a_token_that_does_not_come_in_time(quick) -> None:
    never = asyncio.Event()
    provider = AzureOpenAIProvider("http://127.0.0.1:9", "d", token_provider=never.wait, timeouts=quick)
    with pytest.raises(ConnectionFailedError, match="TimeoutError"):
        await provider.check("any")
    await provider.close()


async def test_a_token_is_not_repeated(serve) -> None:
    async def refusing(peer) -> None:
        await peer.fail("invalid_api_key", 3000, "invalid_request_error.invalid_api_key", message="Bad token opaque-7")
        await peer.closed()

    server = await serve(refusing, path=PATH)
    provider = local(server, token_provider=lambda: "opaque-7")
    with pytest.raises(AuthenticationError) as raised:
        await provider.check("any")
    assert "opaque-7" not in str(raised.value) + repr(vars(provider))
    await provider.close()
    await server.until_done()


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["none", "guarded", "plain"])
@pytest.mark.parametrize("admission", [{"api_key": KEY}, {"token_provider": lambda: TOKEN}], ids=["key", "token"])
async def test_neither_key_nor_token_follows_a_redirect(serve, given, admission) -> None:
    reached = []

    async def record(request) -> web.Response:
        reached.append(request.headers.copy())
        return web.json_response({"data": []})

    async def redirect(request) -> web.Response:
        asked.append(request.headers.copy())
        raise web.HTTPTemporaryRedirect(f"http://localhost:{target.port}{request.path_qs}")

    asked: list = []
    paths = (PATH, "/openai/v1/models")
    target = await serve(None, routes=dict.fromkeys(paths, record))
    server = await serve(None, routes=dict.fromkeys(paths, redirect))
    session = None
    if given != "none":
        session = aiohttp.ClientSession(trace_configs=[redirect_guard()] if given == "guarded" else [])
    provider = local(server, session=session, **admission)
    with pytest.raises(ConnectionFailedError, match="redirect"):
        await provider.check("any")
    with pytest.raises(ConnectionFailedError):
        await provider.list_models()
    assert reached == []
    assert [set(headers) & {"api-key", "Authorization"} for headers in asked] == [
        {"api-key" if "api_key" in admission else "Authorization"}
    ] * 2
    await provider.close()
    if session is not None:
        await session.close()


# --- refusals by HTTP -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "error", "asked"),
    [
        (400, "OpperationNotSupported", ConfigurationError, 2),
        (401, "401", AuthenticationError, 1),
        (403, "server_error", AuthenticationError, 2),
        (404, "DeploymentNotFound", ConfigurationError, 2),
        (429, "429", RateLimitedError, 1),
        (400, "insufficient_quota", QuotaExceededError, 2),
        (503, "server_error", ConnectionFailedError, 1),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_server(serve, status, code, error, asked) -> None:
    async def refuse(request) -> web.Response:
        requests.append(request)
        body = {"error": {"code": code, "message": f"About {code}, not about {KEY}"}}
        return web.json_response(body, status=status, headers={"Retry-After": "17"})

    requests: list[web.Request] = []
    server = await serve(None, routes={PATH: refuse})
    provider = local(server)
    with pytest.raises(error) as raised:
        await provider.check("any")
    await provider.close()
    assert raised.type is error
    assert str(raised.value) == (
        f"About {code}, not about …" if asked == 2 else f"The provider answered with HTTP status {status}"
    )
    if error is RateLimitedError:
        assert raised.value.retry_after_s == 17
    assert len(requests) == asked
    assert all(request.headers["api-key"] == KEY for request in requests)
    chain, each = [], raised.value
    while each is not None:
        chain.append(repr(each))
        each = each.__cause__ or each.__context__
    assert KEY not in "".join(chain)


@pytest.mark.parametrize(
    ("again", "body"),
    [(404, "no such page"), (404, "[]"), (404, '{"error": null}'), (200, '{"error": {"code": "x"}}'), (None, "")],
)
async def test_a_refusal_without_words_is_told_by_its_status(serve, again, body) -> None:
    async def refuse(request) -> web.Response:
        if "Upgrade" in request.headers:
            return web.Response(status=404)
        if again is None:
            request.transport.abort()
        return web.Response(status=again or 404, text=body)

    server = await serve(None, routes={PATH: refuse})
    provider = local(server)
    with pytest.raises(ConfigurationError, match="404"):
        await provider.check("any")
    await provider.close()


# --- transcription ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deployment", "options", "expected"),
    [
        (None, {}, None),
        ("my-ears", {}, {"model": "my-ears"}),
        ("my-ears", {"transcription_language": "de"}, {"model": "my-ears", "language": "de"}),
        ("gpt-transcribe", {"transcription_language": "de"}, {"model": "gpt-transcribe", "languages": ["de"]}),
        (None, {"transcription_model": "other-ears"}, {"model": "other-ears"}),
        ("my-ears", {"transcription_model": "other-ears"}, {"model": "other-ears"}),
        ("my-ears", {"transcription_model": None}, None),
    ],
)
async def test_transcription_is_done_by_a_deployment(serve, deployment, options, expected) -> None:
    settings = []

    async def noting(peer) -> None:
        settings.append(await peer.set_up())
        await peer.closed()

    server = await serve(noting, path=PATH)
    provider = local(server, transcription_deployment=deployment)
    async with provider.connect(SessionOptions(**options)):
        pass
    await provider.close()
    await server.until_done()
    assert settings[0]["audio"]["input"]["transcription"] == expected
