"""Sessions over a real websocket on loopback."""

import asyncio
import base64
import socket
import struct
import time
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import orjson
import pytest
from aiohttp import web

from custom_components.rtvoice.engine.conversation import facts
from custom_components.rtvoice.engine.conversation.effects import CommitInput, CreateResponse, TruncateItem
from custom_components.rtvoice.engine.conversation.values import ProviderFault, ResponseStatus
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
    SessionExpiredError,
)
from custom_components.rtvoice.engine.options import PushToTalk, ReasoningEffort, SessionOptions
from custom_components.rtvoice.engine.providers import CompatibleProvider, OpenAIProvider
from custom_components.rtvoice.engine.providers.openai.dialect import Timeouts

OPTIONS = SessionOptions(model="gpt-realtime-2.1-mini")
KEY = "sk-test-1234567890"


@pytest.fixture
async def openai(serve) -> AsyncIterator[Callable[..., Awaitable[OpenAIProvider | CompatibleProvider]]]:
    """Make an OpenAIProvider for a server that follows a script."""
    made = []

    async def make(script, *, provider=None, timeouts=None, **server) -> OpenAIProvider | CompatibleProvider:
        loopback = await serve(script, **server)
        more = {} if timeouts is None else {"timeouts": timeouts}
        provider = provider or OpenAIProvider
        if provider is OpenAIProvider:
            more["api_key"] = KEY
        made.append(provider(base_url=loopback.url, **more))
        made[-1].loopback = loopback
        return made[-1]

    before = asyncio.all_tasks()
    yield make
    for provider in made:
        await provider.loopback.until_done()
        await provider.close()
    left = {task for task in asyncio.all_tasks() - before if task.get_name() == "provider-writer"}
    assert not left


async def drain(connection) -> list:
    """Receive until the link ends; returns the facts and the error."""
    received = []
    try:
        async for fact in connection.receive():
            received.append(fact)  # noqa: PERF401 what was received before the error counts
    except EngineError as err:
        received.append(err)
    return received


def socket_of(connection) -> TransportSocket:
    return connection._wire._websocket.get_extra_info("socket")


async def until_closed(connected: TransportSocket) -> None:
    while connected.fileno() != -1:
        await asyncio.sleep(0)


# --- the handshake ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [[], {}, 5, None, True])
async def test_what_has_no_name_does_not_keep_a_session_from_being_set_up(openai, kind) -> None:
    async def script(peer) -> None:
        await peer.send({"type": kind})
        await peer.greet()
        await peer.receive("session.update")
        await peer.send({"type": kind}, {"type": "session.updated", "session": {}})
        assert await peer.closed() == 1000

    provider = await openai(script)
    async with provider.connect(OPTIONS):
        pass


async def test_a_session_is_set_up_before_it_can_be_used(openai) -> None:
    async def script(peer) -> None:
        await peer.greet()
        update = await peer.receive("session.update")
        assert update["event_id"] == "setup-1"
        assert update["session"]["audio"]["output"]["voice"] == "marin"
        await peer.send({"type": "rate_limits.updated"}, {"type": "session.updated", "session": {}})
        append = await peer.receive("input_audio_buffer.append")
        assert base64.b64decode(append["audio"]) == b"\x01\x02"
        create = await peer.receive("response.create")
        assert create["response"]["metadata"] == {"request_id": "r-1"}
        response = {"id": "resp_1", "conversation_id": "conv_1", "metadata": {"request_id": "r-1"}}
        await peer.send(
            {"type": "response.created", "response": response},
            {"type": "response.done", "response": {**response, "status": "completed"}},
        )
        assert await peer.closed() == 1000

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        connection.send_audio(b"\x01\x02")
        await connection.send(CreateResponse("r-1"))
        events = connection.receive()
        assert await anext(events) == facts.ResponseStarted("resp_1", "r-1")
        assert await anext(events) == facts.ResponseFinished("resp_1", ResponseStatus.COMPLETED)
    (request,) = provider.loopback.requests
    assert request.query == {"model": "gpt-realtime-2.1-mini"}
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert "OpenAI-Beta" not in request.headers
    assert "Sec-WebSocket-Extensions" not in request.headers
    assert "Sec-WebSocket-Protocol" not in request.headers
    with pytest.raises(ConnectionLostError):
        connection.send_audio(b"\x01\x02")
    with pytest.raises(ConnectionLostError):
        await connection.send(CommitInput())


@pytest.mark.parametrize(
    ("code", "kind", "close", "reason", "error"),
    [
        ("invalid_api_key", None, 3000, "invalid_request_error.invalid_api_key", AuthenticationError),
        ("insufficient_permissions", None, 3000, "invalid_request_error.insufficient_permissions", AuthenticationError),
        ("missing_model", None, 4000, "invalid_request_error.missing_model", ConfigurationError),
        ("invalid_model", None, 4000, "invalid_request_error.invalid_model", ConfigurationError),
        ("model_not_found", None, 4004, "invalid_request_error.model_not_found", ConfigurationError),
        ("insufficient_quota", "insufficient_quota", 1013, "insufficient_quota.insufficient_quota", QuotaExceededError),
        (
            "credit_balance_exhausted",
            "insufficient_quota",
            1013,
            "insufficient_quota.credit_balance_exhausted",
            QuotaExceededError,
        ),
        ("beta_api_shape_disabled", None, 4000, "invalid_request_error.beta_api_shape_disabled", ConfigurationError),
        ("rate_limit_exceeded", "rate_limit_error", 1013, "", RateLimitedError),
        ("session_limit_reached", None, 1008, "", RateLimitedError),
        ("session_expired", None, 1001, "Your session hit the maximum duration", ConnectionFailedError),
        (None, "server_error", 1011, "", ConnectionFailedError),
        (None, "insufficient_quota", 1013, "", QuotaExceededError),
        ("something_new", None, 1011, "", ConnectionFailedError),
        ("model_load_error", None, None, "", ConfigurationError),
    ],
)
async def test_a_refusal_after_the_upgrade(openai, code, kind, close, reason, error) -> None:
    async def script(peer) -> None:
        more = {} if kind is None else {"type": kind}
        await peer.fail(code, close, reason, message=f"Key {KEY} is no good", **more)
        await peer.closed()

    provider = await openai(script)
    with pytest.raises(error) as raised:
        async with provider.connect(OPTIONS):
            pytest.fail("no session was set up")
    assert raised.type is error
    assert KEY not in str(raised.value)
    assert "is no good" in str(raised.value)


@pytest.mark.parametrize(
    ("close", "reason", "error"),
    [
        (3000, "invalid_request_error.invalid_api_key", AuthenticationError),
        (3000, "", AuthenticationError),
        (4004, "invalid_request_error.model_not_found", ConfigurationError),
        (4000, "", ConfigurationError),
        (1008, "", AuthenticationError),
        (1013, "insufficient_quota.insufficient_quota", QuotaExceededError),
        (1013, "", ConnectionFailedError),
        (1000, "", ConnectionFailedError),
    ],
)
@pytest.mark.parametrize("greeted", [False, True])
async def test_a_close_frame_alone(openai, close, reason, error, greeted) -> None:
    async def script(peer) -> None:
        if greeted:
            await peer.greet()
        await peer.close(close, reason)

    provider = await openai(script)
    with pytest.raises(error) as raised:
        async with provider.connect(OPTIONS):
            pytest.fail("no session was set up")
    assert raised.type is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ConfigurationError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, ConfigurationError),
        (429, RateLimitedError),
        (500, ConnectionFailedError),
        (503, ConnectionFailedError),
        (200, ConnectionFailedError),
    ],
)
async def test_a_refusal_by_http(openai, status, error) -> None:
    async def refuse(_) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "17"})

    provider = await openai(None, routes={"/v1/realtime": refuse})
    with pytest.raises(error) as raised:
        async with provider.connect(OPTIONS):
            pytest.fail("no session was set up")
    assert raised.type is error
    if error is RateLimitedError:
        assert raised.value.retry_after_s == 17
    # What aiohttp raises holds the request's headers, and with them the key.
    chain, each = [], raised.value
    while each is not None:
        chain.append(repr(each))
        each = each.__cause__ or each.__context__
    assert KEY not in "".join(chain)


async def test_nobody_listens(openai, unused_tcp_port) -> None:
    provider = OpenAIProvider(KEY, base_url=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.1"):
        async with provider.connect(OPTIONS):
            pytest.fail("no session was set up")
    await provider.close()


async def test_a_server_that_speaks_no_http(socket_enabled) -> None:
    async def answer(_, writer) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    provider = OpenAIProvider(KEY, base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with pytest.raises(ConnectionFailedError):
        await provider.check("gpt-realtime")
    with pytest.raises(ConnectionFailedError):
        await provider.list_models()
    await provider.close()
    server.close()


async def test_a_server_that_never_answers(socket_enabled, quick) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = OpenAIProvider(KEY, base_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeouts=quick)
        with pytest.raises(ConnectionFailedError, match="in time"):
            await provider.check("gpt-realtime")
        await provider.close()


async def test_a_server_that_never_greets(openai, quick) -> None:
    async def script(peer) -> None:
        await peer.send({"type": "ping"})
        await peer.closed()

    provider = await openai(script, timeouts=quick)
    with pytest.raises(ConnectionFailedError, match="in time"):
        await provider.check("gpt-realtime")


async def test_a_server_that_never_confirms(openai, quick) -> None:
    async def script(peer) -> None:
        await peer.greet()
        await peer.receive("session.update")
        await peer.closed()

    provider = await openai(script, timeouts=quick)
    with pytest.raises(ConnectionFailedError, match="in time"):
        await provider.check("gpt-realtime")


@pytest.mark.parametrize("event_id", ["setup-1", None])
async def test_a_setting_that_can_be_spared_is_dropped(openai, event_id) -> None:
    async def script(peer) -> None:
        await peer.greet()
        first = await peer.receive("session.update")
        assert first["session"]["reasoning"] == {"effort": "low"}
        await peer.fail("unknown_parameter", param="session.reasoning.effort", event_id=event_id)
        second = await peer.receive("session.update")
        assert second["event_id"] == "setup-2"
        del first["session"]["reasoning"]
        assert second["session"] == first["session"]
        await peer.send({"type": "session.updated", "session": {}})
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(SessionOptions(reasoning_effort=ReasoningEffort.LOW)):
        pass


@pytest.mark.parametrize(
    ("code", "kind", "param", "error"),
    [
        ("invalid_value", "invalid_request_error", "session.audio.output.voice", ConfigurationError),
        ("unknown_parameter", "invalid_request_error", "session.reasoning", ConfigurationError),
        ("invalid_value", "invalid_request_error", None, ConfigurationError),
        ("model_not_found", "invalid_request_error", "session.audio.input.transcription.model", ConfigurationError),
        ("insufficient_quota", "insufficient_quota", None, QuotaExceededError),
        (None, "server_error", None, ConnectionFailedError),
        ("rate_limit_exceeded", "rate_limit_error", None, RateLimitedError),
    ],
)
async def test_a_setting_that_cannot_be_spared_is_an_error(openai, code, kind, param, error) -> None:
    async def script(peer) -> None:
        await peer.greet()
        await peer.receive("session.update")
        await peer.fail(code, type=kind, param=param, event_id="setup-1", message="Not like this, try again in 3s")
        await peer.closed()

    provider = await openai(script)
    with pytest.raises(error, match=f"{param or 'settings'}.*Not like this") as raised:
        await provider.check("gpt-realtime")
    assert raised.type is error
    assert error is not RateLimitedError or raised.value.retry_after_s == 3


async def test_what_comes_during_the_handshake_is_kept(openai) -> None:
    async def script(peer) -> None:
        await peer.greet()
        await peer.receive("session.update")
        await peer.fail("invalid_value", event_id="somebody-else")
        await peer.send({"type": "session.updated", "session": {}})
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        fault = ProviderFault("invalid_value", "About invalid_value")
        assert await anext(connection.receive()) == facts.RequestRejected(fault, "somebody-else")


@pytest.mark.parametrize("moment", ["before greeting", "before settings"])
async def test_cancelling_the_handshake_closes_the_socket(openai, moment) -> None:
    reached = asyncio.Event()
    closed = asyncio.Event()

    async def script(peer) -> None:
        if moment == "before settings":
            await peer.greet()
            await peer.receive("session.update")
        reached.set()
        await peer.closed()
        closed.set()

    provider = await openai(script)
    check = asyncio.create_task(provider.check("gpt-realtime"))
    await reached.wait()
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    async with asyncio.timeout(5):
        await closed.wait()


# --- other servers ----------------------------------------------------------------------------------------------------


async def test_a_compatible_server_that_confirms_nothing(openai, quick) -> None:
    async def script(peer) -> None:
        assert "Authorization" not in peer.request.headers
        await peer.send({"type": "conversation.created", "conversation": {"id": None}})
        await peer.receive("session.update")
        await peer.receive("response.create")
        await peer.send({"type": "response.created", "response": {"id": "resp_1", "metadata": None}})
        await peer.receive("response.create")
        metadata = {"request_id": "r-2"}
        await peer.send({"type": "response.created", "response": {"id": "resp_2", "metadata": metadata}})
        await peer.closed()

    provider = await openai(script, provider=CompatibleProvider, timeouts=quick)
    async with provider.connect(OPTIONS) as connection:
        events = connection.receive()
        await connection.send(CreateResponse("r-1"))
        assert await anext(events) == facts.ResponseStarted("resp_1")
        assert not connection.metadata_echoed
        await connection.send(CreateResponse("r-2"))
        assert await anext(events) == facts.ResponseStarted("resp_2", "r-2")
        assert connection.metadata_echoed
        assert not provider.capabilities.echoes_metadata
    assert provider.capabilities.echoes_metadata


async def test_push_to_talk_turns_the_detection_of_turns_off(openai) -> None:
    async def script(peer) -> None:
        session = await peer.set_up()
        assert session["audio"]["input"]["turn_detection"] is None
        await peer.receive("input_audio_buffer.commit")
        await peer.send({"type": "input_audio_buffer.committed", "item_id": "u"})
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(SessionOptions(turn_detection=PushToTalk())) as connection:
        await connection.send(CommitInput())
        assert await anext(connection.receive()) == facts.TurnCommitted("u")


# --- during a session -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "close", "reason", "error"),
    [
        ("session_expired", "invalid_request_error", 1001, "Your session hit the maximum", SessionExpiredError),
        ("session_expired", "invalid_request_error", None, "", SessionExpiredError),
        ("insufficient_quota", "insufficient_quota", 1013, "", QuotaExceededError),
        ("account_deactivated", "invalid_request_error", None, "", AuthenticationError),
        ("model_not_found", "invalid_request_error", 4004, "", ConfigurationError),
        (None, "server_error", 1011, "", ConnectionLostError),
        ("rate_limit_exceeded", "rate_limit_error", 1013, "", RateLimitedError),
        ("inference_rate_limit_exceeded", "x", 1013, "", RateLimitedError),
    ],
)
async def test_an_error_that_ends_a_session(openai, code, kind, close, reason, error) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.fail(code, close, reason, type=kind)
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        *rejected, raised = await drain(connection)
    assert type(raised) is error
    assert all(isinstance(fact, facts.RequestRejected) for fact in rejected)
    assert len(rejected) == (error in (ConnectionLostError, RateLimitedError))


@pytest.mark.parametrize(
    ("close", "reason", "error"),
    [
        (1000, "", ConnectionLostError),
        (1001, "", ConnectionLostError),
        (1008, "", ConnectionLostError),
        (4000, "", ConnectionLostError),
        (1013, "insufficient_quota.insufficient_quota", QuotaExceededError),
        (3000, "invalid_request_error.invalid_api_key", AuthenticationError),
        (1001, "invalid_request_error.session_expired", SessionExpiredError),
        (1011, "server_error.server_error", ConnectionLostError),
    ],
)
async def test_a_close_frame_that_ends_a_session(openai, close, reason, error) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.close(close, reason)

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        (raised,) = await drain(connection)
        assert type(raised) is error
        assert str(close) in str(raised) or reason in str(raised)
        # It does not end without an error later either.
        (raised,) = await drain(connection)
        assert isinstance(raised, ConnectionLostError)


@pytest.mark.parametrize(
    ("left_s", "error"), [(5, SessionExpiredError), (3600, ConnectionLostError), (0, ConnectionLostError)]
)
async def test_an_expiry_that_no_error_announces(openai, left_s, error) -> None:
    async def script(peer) -> None:
        expires_at = int(time.time()) + left_s if left_s else None
        await peer.send({"type": "session.created", "session": {"expires_at": expires_at}})
        await peer.receive("session.update")
        await peer.send({"type": "session.updated"})
        await peer.close(1001, "Your session hit the maximum duration of 60 minutes.")

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        (raised,) = await drain(connection)
    assert type(raised) is error


@pytest.mark.parametrize("shown", ["session.created", "session.updated"])
async def test_an_expiry_that_is_shown_after_the_greeting(openai, shown) -> None:
    async def script(peer) -> None:
        await peer.send({"type": "conversation.created"})
        await peer.receive("session.update")
        await peer.send({"type": shown, "session": {"expires_at": int(time.time()) + 5}}, {"type": "session.updated"})
        await peer.close(1001)

    def make(base_url: str) -> CompatibleProvider:
        return CompatibleProvider(base_url, dialect="xai")

    provider = await openai(script, provider=make)
    async with provider.connect(OPTIONS) as connection:
        *_, raised = await drain(connection)
    assert type(raised) is SessionExpiredError


def response_that_failed(code: str, message: str = "Oops") -> dict:
    details = {"type": "failed", "error": {"type": "x", "code": code, "message": message}}
    return {"type": "response.done", "response": {"id": "resp_1", "status": "failed", "status_details": details}}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("insufficient_quota", QuotaExceededError),
        ("credit_balance_exhausted", QuotaExceededError),
        ("billing_hard_limit_reached", QuotaExceededError),
        ("account_deactivated", AuthenticationError),
    ],
)
async def test_a_response_that_failed_as_all_others_will_ends_the_session(openai, code, error) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.send(response_that_failed(code))
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        finished, raised = await drain(connection)
    assert finished == facts.ResponseFinished("resp_1", ResponseStatus.FAILED, fault=ProviderFault(code, "Oops"))
    assert type(raised) is error


@pytest.mark.parametrize(
    ("code", "seconds"), [("rate_limit_exceeded", 7), ("inference_rate_limit_exceeded", 7), ("server_error", None)]
)
async def test_a_response_that_failed_alone_leaves_the_session_alive(openai, code, seconds) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        limits = [{"name": "requests", "limit": 10, "remaining": 0, "reset_seconds": 7}]
        await peer.send({"type": "rate_limits.updated", "rate_limits": limits}, response_that_failed(code))
        await peer.send({"type": "input_audio_buffer.speech_started"})
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        events = connection.receive()
        fault = ProviderFault(code, "Oops", retry_after_s=seconds)
        assert await anext(events) == facts.ResponseFinished("resp_1", ResponseStatus.FAILED, fault=fault)
        assert await anext(events) == facts.SpeechStarted()


async def test_ordinary_errors_do_not_end_a_session(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.fail("response_cancel_not_active")
        await peer.fail("conversation_already_has_active_response", event_id="r-1")
        await peer.fail("model_not_found", event_id="u-1", param="session.audio.input.transcription.model")
        await peer.fail("rate_limit_exceeded")
        await peer.send({"type": "input_audio_buffer.speech_started"})
        await peer.close(1012)

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        *received, started, end = await drain(connection)
    assert [(fact.fault.code, fact.request_id) for fact in received] == [
        ("response_cancel_not_active", None),
        ("conversation_already_has_active_response", "r-1"),
        ("model_not_found", "u-1"),
        ("rate_limit_exceeded", None),
    ]
    assert started == facts.SpeechStarted()
    # What went wrong before the last event is not why the link ended.
    assert type(end) is ConnectionLostError


async def test_garbage_is_dropped_and_counted(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        for frame in ("{", "[]", "null", '"text"', ""):
            await peer.websocket.send_str(frame)
        await peer.websocket.send_bytes(b"\x00\xff\xfe")
        await peer.websocket.send_frame(b'{"type": "\xff\xfe"}', 1)
        await peer.send({"type": "unheard.of"}, {"no": "type"}, {"type": "conversation.item.deleted", "item_id": None})
        await peer.websocket.send_bytes(b'{"type": "conversation.item.deleted", "item_id": "item_1"}')
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        assert await anext(connection.receive()) == facts.ItemDeleted("item_1")
        assert connection.unreadable_events == 9
        assert connection.ignored_events == 1


async def test_a_frame_as_large_as_it_likes_to_be(openai) -> None:
    size = 6 * 1024 * 1024

    async def script(peer) -> None:
        await peer.set_up()
        audio = base64.b64encode(bytes(size)).decode()
        event = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": audio}
        await peer.send(event)
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        fact = await anext(connection.receive())
        assert len(fact.pcm) == size


async def test_a_socket_that_is_cut(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        transport = peer.request.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        async with asyncio.timeout(5):
            (raised,) = await drain(connection)
        assert type(raised) is ConnectionLostError
        with pytest.raises(ConnectionLostError):
            await asyncio.gather(*(connection.send(TruncateItem("i", number)) for number in range(3)))


async def test_a_peer_that_is_gone_without_a_word(openai) -> None:
    pings = []

    async def script(peer) -> None:
        await peer.set_up()
        while (await peer.websocket.receive()).type is aiohttp.WSMsgType.PING:
            pings.append(asyncio.get_running_loop().time())

    provider = await openai(script, timeouts=Timeouts(heartbeat_s=0.1), autoping=False)
    async with provider.connect(OPTIONS) as connection:
        async with asyncio.timeout(5):
            (raised,) = await drain(connection)
        assert type(raised) is ConnectionLostError
        assert isinstance(raised.__cause__, TimeoutError)
    assert len(pings) == 1


async def test_a_peer_that_takes_nothing_any_more(openai) -> None:
    """As when a cable is pulled: what is sent waits for ever, and nothing comes."""
    over = asyncio.Event()

    async def script(peer) -> None:
        await peer.set_up()
        peer.request.transport.pause_reading()
        await over.wait()
        peer.request.transport.abort()

    provider = await openai(script, timeouts=Timeouts(unacknowledged_s=0.5, close_s=0.3), receive_buffer=4096)
    async with provider.connect(OPTIONS) as connection:

        async def speak() -> None:
            while True:
                connection.send_audio(bytes(48 * 200))
                await asyncio.sleep(0.01)

        speaking = asyncio.create_task(speak())
        async with asyncio.timeout(10):
            (raised,) = await drain(connection)
            assert type(raised) is ConnectionLostError
            with pytest.raises(ConnectionLostError):
                await speaking
    over.set()


async def test_a_silent_peer_that_answers_pings_is_there(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        for _ in range(2):
            assert (await peer.websocket.receive()).type is aiohttp.WSMsgType.PING
            await peer.websocket.pong()
        await peer.send({"type": "conversation.item.deleted", "item_id": "item_1"})
        await peer.closed()

    provider = await openai(script, timeouts=Timeouts(heartbeat_s=0.3), autoping=False)
    async with provider.connect(OPTIONS) as connection:
        assert await anext(connection.receive()) == facts.ItemDeleted("item_1")


async def test_pings_are_answered(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.websocket.ping(b"are you there")
        pong = await peer.websocket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"are you there")
        await peer.send({"type": "conversation.item.deleted", "item_id": "item_1"})
        await peer.closed()

    provider = await openai(script, autoping=False)
    async with provider.connect(OPTIONS) as connection:
        assert await anext(connection.receive()) == facts.ItemDeleted("item_1")


async def test_a_ping_that_cannot_be_answered_is_followed_by_the_end(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.websocket.ping()
        peer.request.transport.abort()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        # The ping is read when the transport is already gone.
        await asyncio.sleep(0.05)
        (raised,) = await drain(connection)
        assert type(raised) is ConnectionLostError


async def test_the_end_of_speech_is_counted_in_the_audio_that_was_sent(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.receive("input_audio_buffer.append")
        await peer.send({"type": "input_audio_buffer.speech_stopped", "item_id": "u", "audio_end_ms": 500})
        await peer.closed()

    provider = await openai(script)
    async with provider.connect(OPTIONS) as connection:
        connection.send_audio(bytes(48 * 800))
        assert await anext(connection.receive()) == facts.SpeechStopped("u", 500, 0.3)


async def test_a_congested_socket_drops_old_audio_and_keeps_commands(openai) -> None:
    resume = asyncio.Event()
    heard = bytearray()
    kinds = []

    async def script(peer) -> None:
        await peer.set_up()
        await resume.wait()
        while True:
            message = await peer.websocket.receive()
            if message.type is not web.WSMsgType.TEXT:
                return
            event = orjson.loads(message.data)
            kinds.append(event["type"])
            if event["type"] == "input_audio_buffer.append":
                heard.extend(base64.b64decode(event["audio"]))

    provider = await openai(script, receive_buffer=4096)
    sent = 0
    async with provider.connect(OPTIONS) as connection:
        outbox = connection.outbox
        # A minute of numbered samples, faster than a server that reads nothing can take them.
        for _ in range(600):
            connection.send_audio(struct.pack("<2400H", *((sent + n) % 65_521 for n in range(2400))))
            sent += 2400
            await asyncio.sleep(0)
        assert outbox.dropped_bytes > 0
        commit = asyncio.create_task(connection.send(CommitInput()))
        await asyncio.sleep(0)
        assert not commit.done()
        connection.send_audio(b"\xff\xff")
        resume.set()
        async with asyncio.timeout(10):
            await commit
            await connection.send(TruncateItem("i", 1))
        dropped, appended = outbox.dropped_bytes, outbox.appended_bytes
    await provider.loopback.until_done()
    assert appended + dropped == sent * 2 + 2
    assert len(heard) == appended
    # Old audio was dropped in one piece, the newest 2 s were kept, and commands kept their place.
    last = [(sent - 47_999 + n) % 65_521 for n in range(47_999)]
    assert list(struct.unpack(f"<{appended // 2}H", heard))[-48_000:] == [*last, 65_535]
    assert [kind for kind in kinds if kind != "input_audio_buffer.append"] == [
        "input_audio_buffer.commit",
        "conversation.item.truncate",
    ]
    assert kinds.index("input_audio_buffer.commit") == len(kinds) - 3


async def test_closing_while_the_socket_is_congested_is_bounded(openai, quick) -> None:
    left = asyncio.Event()

    async def script(peer) -> None:
        await peer.set_up()
        await left.wait()

    provider = await openai(script, timeouts=quick, receive_buffer=4096)
    async with asyncio.timeout(5):
        async with provider.connect(OPTIONS) as connection:
            for _ in range(100):
                connection.send_audio(bytes(48_000))
                await asyncio.sleep(0)
            commit = asyncio.create_task(connection.send(CommitInput()))
            await asyncio.sleep(0)
            connected = socket_of(connection)
        with pytest.raises(ConnectionLostError):
            await commit
        await until_closed(connected)
    left.set()


async def test_cancelling_a_session_whose_socket_is_congested_cuts_it(openai) -> None:
    left = asyncio.Event()
    congested = asyncio.Event()
    sockets = []

    async def script(peer) -> None:
        await peer.set_up()
        await left.wait()

    async def session() -> None:
        async with provider.connect(OPTIONS) as connection:
            sockets.append(socket_of(connection))
            for _ in range(100):
                connection.send_audio(bytes(48_000))
                await asyncio.sleep(0)
            congested.set()
            await drain(connection)

    provider = await openai(script, receive_buffer=4096)
    running = asyncio.create_task(session())
    await congested.wait()
    running.cancel()
    await asyncio.sleep(0.02)
    # It is closing; being cancelled again, it does not wait any longer.
    assert not running.done()
    running.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await running
        await until_closed(sockets[0])
    left.set()


async def test_closing_a_session_whose_peer_does_not_answer_is_bounded(openai, quick) -> None:
    left = asyncio.Event()

    async def script(peer) -> None:
        await peer.set_up()
        await left.wait()

    provider = await openai(script, timeouts=quick)
    async with asyncio.timeout(5), provider.connect(OPTIONS):
        pass
    left.set()


async def test_cancelling_a_session_closes_the_socket(openai) -> None:
    ready = asyncio.Event()
    closed = asyncio.Event()

    async def script(peer) -> None:
        await peer.set_up()
        await peer.closed()
        closed.set()

    async def session() -> None:
        async with provider.connect(OPTIONS) as connection:
            ready.set()
            async for _ in connection.receive():
                pass

    provider = await openai(script)
    running = asyncio.create_task(session())
    await ready.wait()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(5):
        await closed.wait()


async def test_errors_of_the_user_of_a_session_pass_through(openai) -> None:
    async def script(peer) -> None:
        await peer.set_up()
        await peer.closed()

    provider = await openai(script)
    with pytest.raises(ZeroDivisionError):
        async with provider.connect(OPTIONS):
            raise ZeroDivisionError
