"""One conversation in every dialect: other words on the wire, the same facts."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from custom_components.rtvoice.engine.conversation import facts
from custom_components.rtvoice.engine.conversation.effects import (
    AddItem,
    CancelResponse,
    CreateResponse,
    DeleteItem,
    SendToolOutput,
    TruncateItem,
    UpdateSession,
)
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    NewItem,
    ProviderFault,
    ResponseStatus,
    ResponseUsage,
    TokenCount,
    ToolCall,
    ToolDefinition,
)
from custom_components.rtvoice.engine.errors import ConfigurationError, SessionExpiredError
from custom_components.rtvoice.engine.options import ServerVAD, SessionOptions
from custom_components.rtvoice.engine.providers import AzureOpenAIProvider, CompatibleProvider, OpenAIProvider
from custom_components.rtvoice.engine.providers.openai.dialect import AUTO, GA, XAI, known_at, recognised

KEY = "sk-test-1234567890"
PCM = b"\x01\x00\x02\x00"
AUDIO = base64.b64encode(PCM).decode()
LIGHT = ToolDefinition("turn_on", "Turns something on")
OPTIONS = SessionOptions(
    model="m", instructions="Be brief", tools=(LIGHT,), turn_detection=ServerVAD(), transcription_language="de"
)
USAGE = {"input_tokens": 9, "output_tokens": 4, "input_token_details": None, "output_token_details": None}

SHORTER = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}

GENERAL_SESSION = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "audio": {"input": {}}}
FLAT_SESSION = {
    "object": "realtime.session",
    "id": "sess_1",
    "model": "m",
    "modalities": ["audio", "text"],
    "voice": "alloy",
    "input_audio_format": "pcm16",
    "turn_detection": {"type": "server_vad"},
}
HALF_FLAT_SESSION = {"id": "sess_1", "voice": "eve", "turn_detection": None, "audio": {"input": {}, "output": {}}}


@dataclass(frozen=True)
class Server:
    """What a server of one dialect says otherwise than the others."""

    make: Callable
    """A provider for it, of the loopback server that plays it."""
    greeting: tuple = ({"type": "session.created", "session": GENERAL_SESSION},)
    names: dict = field(default_factory=dict)
    format: tuple = ("audio", "input", "format")
    """Where the settings hold the format of audio."""
    speed: tuple = ("audio", "output", "speed")
    rate_hz: int = 24_000
    agent_text: str = "output_text"
    response: dict = field(default_factory=dict)
    """What requests for a response hold besides metadata."""
    in_between: tuple = ()
    """What comes at any time."""
    names_deleted: bool = True
    usage_in_response: bool = True
    echoes: bool = True
    """Whether a request's metadata come back."""
    path: str = "/v1/realtime"

    def said(self, event: dict) -> dict:
        return {**event, "type": self.names.get(event["type"], event["type"])}

    def finished(self, **response: object) -> dict:
        usage = {"usage": USAGE} if response.get("status") == "completed" else {}
        inside = {"id": "resp_1", "status_details": None, "output": [], **response}
        return {"type": "response.done", "response": inside | (usage if self.usage_in_response else {"usage": {}})} | (
            {} if self.usage_in_response else usage
        )

    def created(self, response_id: str, metadata: dict | None = None) -> dict:
        response = {"id": response_id, "status": "in_progress", "metadata": metadata if self.echoes else None}
        return {"type": "response.created", "response": response}


def compatible(**more: object) -> Callable:
    return lambda loopback: CompatibleProvider(loopback.url, api_key=KEY, **more)


BETA = Server(
    compatible(dialect="beta"),
    greeting=({"type": "session.created", "session": FLAT_SESSION}, {"type": "conversation.created"}),
    names=SHORTER,
    format=("input_audio_format",),
    speed=("speed",),
    agent_text="text",
)
XAI_SERVER = Server(
    compatible(dialect="xai"),
    greeting=({"type": "conversation.created", "conversation": {"id": "conv_1"}},),
    response={"modalities": ["text", "audio"]},
    in_between=({"type": "ping", "timestamp": 1_790_000_000},),
    names_deleted=False,
    usage_in_response=False,
    echoes=False,
)
SHOWN = ({"type": "session.created", "session": HALF_FLAT_SESSION},)

SERVERS = {
    "OpenAI": Server(lambda loopback: OpenAIProvider(KEY, base_url=loopback.url)),
    "Azure OpenAI": Server(
        lambda loopback: AzureOpenAIProvider(f"http://127.0.0.1:{loopback.port}", "m", api_key=KEY),
        path="/openai/v1/realtime",
    ),
    "ga": Server(compatible(dialect="ga")),
    "beta": BETA,
    "beta, nested": replace(BETA, make=compatible(dialect="beta", nested_tools=True, input_rate_hz=16_000)),
    "xai": XAI_SERVER,
    "xai, 16 kHz": replace(XAI_SERVER, make=compatible(dialect="xai", input_rate_hz=16_000), rate_hz=16_000),
    "xai that shows its session": replace(XAI_SERVER, greeting=SHOWN),
    "ga, recognised": Server(compatible()),
    "ga that shows its session late": Server(
        compatible(),
        greeting=({"type": "conversation.created"}, {"type": "session.created", "session": GENERAL_SESSION}),
    ),
    "beta, recognised": replace(BETA, make=compatible()),
    "xai, recognised": replace(XAI_SERVER, make=compatible(), greeting=SHOWN),
    "xai that shows its session late": replace(
        XAI_SERVER, make=compatible(), greeting=(*XAI_SERVER.greeting, *XAI_SERVER.in_between, *SHOWN)
    ),
}


def place(item: str, response: str = "resp_1", index: int = 0) -> dict:
    return {"response_id": response, "item_id": item, "output_index": index, "content_index": 0}


def at(settings: dict, path: tuple) -> object:
    for key in path:
        settings = settings[key]
    return settings


def message(item: str, role: str, content: list | None = None) -> dict:
    item = {"id": item, "object": "realtime.item", "type": "message", "role": role, "content": content or []}
    return {"type": "conversation.item.added", "previous_item_id": None, "item": item}


CALL_ITEM = {
    "id": "item_c",
    "type": "function_call",
    "status": "completed",
    "name": "turn_on",
    "call_id": "call_1",
    "arguments": "{}",
}


async def be(server: Server, peer) -> None:
    """Hold the server's side of the conversation."""

    async def say(*events: dict) -> None:
        await peer.send(*map(server.said, events), *server.in_between)

    await peer.send(*server.greeting)
    settings = (await peer.receive("session.update"))["session"]
    assert at(settings, server.format) in ({"type": "audio/pcm", "rate": server.rate_hz}, "pcm16")
    assert settings["instructions"] == "Be brief"
    await say({"type": "session.updated", "session": settings})
    await peer.receive("input_audio_buffer.append")
    await say(
        {"type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0},
        {"type": "input_audio_buffer.speech_stopped", "item_id": "item_u", "audio_end_ms": 0},
        {"type": "input_audio_buffer.committed", "item_id": "item_u", "previous_item_id": None},
        message("item_u", "user", [{"type": "input_audio", "transcript": None}]),
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": "item_u",
            "content_index": 0,
            "transcript": "Licht an",
        },
        # A few words before the call, and then the call; the second item's audio overtakes the first one's end.
        server.created("resp_1"),
        message("item_a", "assistant"),
        {"type": "response.output_audio_transcript.delta", **place("item_a"), "delta": "Moment"},
        {"type": "response.output_audio.delta", **place("item_a"), "delta": AUDIO},
        message("item_b", "assistant"),
        {"type": "response.output_audio.delta", **place("item_b", index=1), "delta": AUDIO},
        {"type": "response.output_audio.done", **place("item_a")},
        {"type": "response.output_audio_transcript.done", **place("item_a"), "transcript": "Moment"},
        {"type": "response.output_audio.done", **place("item_b", index=1)},
        {"type": "response.output_item.done", "response_id": "resp_1", "output_index": 2, "item": CALL_ITEM},
        server.finished(status="completed", output=[CALL_ITEM]),
    )
    output = await peer.receive("conversation.item.create")
    assert output["item"] == {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    create = await peer.receive("response.create")
    metadata = {"request_id": "r-1"}
    assert create == {
        "type": "response.create",
        "event_id": "r-1",
        "response": {**server.response, "metadata": metadata},
    }
    await say(
        server.created("resp_2", metadata),
        {"type": "response.output_audio.delta", **place("item_d", "resp_2"), "delta": AUDIO},
        {"type": "input_audio_buffer.speech_started", "item_id": "item_v", "audio_start_ms": 900},
        server.finished(
            id="resp_2", status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}
        ),
    )
    assert (await peer.receive("conversation.item.truncate"))["audio_end_ms"] == 40
    await say({"type": "conversation.item.truncated", "item_id": "item_d", "content_index": 0, "audio_end_ms": 40})
    await peer.receive("response.cancel")
    error = {"type": "invalid_request_error", "code": "response_cancel_not_active", "message": "No", "event_id": None}
    await say({"type": "error", "error": error})
    await peer.receive("conversation.item.delete")
    await say({"type": "conversation.item.deleted", "item_id": "item_a" if server.names_deleted else ""})
    changed = (await peer.receive("session.update"))["session"]
    assert at(changed, server.speed) == 1.25
    await say({"type": "session.updated", "session": {}})
    added = (await peer.receive("conversation.item.create"))["item"]
    assert added["content"] == [{"type": server.agent_text, "text": "Gern."}]
    await say(
        server.created("resp_3"),
        {"type": "response.output_text.delta", **place("item_t", "resp_3"), "delta": "Ja"},
        {"type": "response.output_text.done", **place("item_t", "resp_3"), "text": "Ja"},
        server.finished(id="resp_3", status="completed"),
    )
    await peer.fail("session_expired", 1001, "invalid_request_error.session_expired")


async def converse(connection) -> list:
    """Hold our side of it; returns all facts."""
    heard: list = []
    events = connection.receive()

    async def until(kind: type) -> None:
        async for fact in events:
            heard.append(fact)
            if isinstance(fact, kind):
                return

    connection.send_audio(PCM)
    await until(facts.ResponseFinished)
    await connection.send(SendToolOutput("call_1", "{}"))
    await connection.send(CreateResponse("r-1"))
    await until(facts.ResponseFinished)
    await connection.send(TruncateItem("item_d", 40))
    await until(facts.ItemTruncated)
    await connection.send(CancelResponse("resp_2"))
    await until(facts.RequestRejected)
    await connection.send(DeleteItem("item_a"))
    await connection.send(UpdateSession("u-1", speech_speed=1.25))
    await until(facts.SessionUpdated)
    await connection.send(AddItem(NewItem(ItemKind.AGENT_MESSAGE, "Gern.")))
    try:
        await until(type(None))
    except SessionExpiredError:
        return heard
    pytest.fail("the session went on")


def expected(server: Server) -> list:
    used = ResponseUsage(TokenCount(9), TokenCount(), TokenCount(4))
    deleted = [facts.ItemDeleted("item_a")] if server.names_deleted else []
    call = ToolCall("call_1", "turn_on", "{}", "item_c")
    return [
        facts.SpeechStarted("item_u", 0),
        facts.SpeechStopped("item_u", 0),
        facts.TurnCommitted("item_u"),
        facts.ItemAdded("item_u", ItemKind.USER_MESSAGE),
        facts.UserTranscriptFinished("item_u", "Licht an"),
        facts.ResponseStarted("resp_1"),
        facts.ItemAdded("item_a", ItemKind.AGENT_MESSAGE),
        facts.TranscriptDelta("resp_1", "item_a", 0, "Moment"),
        facts.AudioDelta("resp_1", "item_a", 0, PCM),
        facts.ItemAdded("item_b", ItemKind.AGENT_MESSAGE),
        facts.AudioDelta("resp_1", "item_b", 0, PCM),
        facts.AudioFinished("resp_1", "item_a", 0),
        facts.TranscriptFinished("resp_1", "item_a", 0, "Moment"),
        facts.AudioFinished("resp_1", "item_b", 0),
        facts.ResponseFinished("resp_1", ResponseStatus.COMPLETED, (call,), used),
        facts.ResponseStarted("resp_2", "r-1" if server.echoes else None),
        facts.AudioDelta("resp_2", "item_d", 0, PCM),
        facts.SpeechStarted("item_v", 900),
        facts.ResponseFinished("resp_2", ResponseStatus.CANCELLED, reason="turn_detected"),
        facts.ItemTruncated("item_d", 40),
        facts.RequestRejected(
            ProviderFault("response_cancel_not_active", "No"), None, facts.Rejection.NOTHING_TO_CANCEL
        ),
        *deleted,
        facts.SessionUpdated(),
        facts.ResponseStarted("resp_3"),
        facts.TranscriptDelta("resp_3", "item_t", 0, "Ja", spoken=False),
        facts.TranscriptFinished("resp_3", "item_t", 0, "Ja", spoken=False),
        facts.ResponseFinished("resp_3", ResponseStatus.COMPLETED, (), used),
    ]


@pytest.mark.parametrize("name", SERVERS)
async def test_a_conversation_is_the_same_in_every_dialect(serve, name) -> None:
    server = SERVERS[name]
    loopback = await serve(lambda peer: be(server, peer), path=server.path)
    provider = server.make(loopback)
    async with provider.connect(OPTIONS) as connection:
        assert await converse(connection) == expected(server)
        assert connection.unreadable_events == 0
    await provider.close()
    await loopback.until_done()
    (request,) = loopback.requests
    assert request.query == {"model": "m"}
    assert "OpenAI-Beta" not in request.headers
    # A server's ways are known to the next session.
    assert provider.capabilities.echoes_metadata == server.echoes
    assert provider.capabilities.session_s == (1800 if server.names else 3600)


async def test_a_server_that_shows_no_session_is_taken_to_be_general(serve, quick) -> None:
    async def script(peer) -> None:
        await peer.send({"type": "conversation.created"}, {"type": "ping"})
        assert (await peer.receive("session.update"))["session"]["type"] == "realtime"
        await peer.send({"type": "session.updated"})
        await peer.closed()

    loopback = await serve(script)
    provider = CompatibleProvider(loopback.url, timeouts=quick)
    await provider.check("m")
    await loopback.until_done()


async def test_an_error_in_the_place_of_the_session_is_told(serve) -> None:
    async def script(peer) -> None:
        await peer.send({"type": "conversation.created"})
        await peer.fail("model_load_error")
        await peer.closed()

    loopback = await serve(script)
    provider = CompatibleProvider(loopback.url)
    with pytest.raises(ConfigurationError, match="model_load_error"):
        await provider.check("m")
    await loopback.until_done()


@pytest.mark.parametrize(
    ("session", "name"),
    [
        (GENERAL_SESSION, "ga"),
        (FLAT_SESSION, "beta"),
        (HALF_FLAT_SESSION, "xai"),
        ({}, "ga"),
        ({"output_modalities": ["audio"]}, "ga"),
        # What the general API knows as well, or null, says nothing.
        ({"instructions": "Be brief", "tools": [], "id": "sess_1"}, "ga"),
        ({"audio": {}, "voice": None, "turn_detection": None, "modalities": None}, "ga"),
        ({"audio": None, "modalities": None, "input_audio_format": None}, "ga"),
        ({"audio": None, "voice": "alloy"}, "ga"),
        # A server that names the general type means it, whatever else is there.
        (FLAT_SESSION | {"type": "realtime"}, "ga"),
        (HALF_FLAT_SESSION | {"type": "realtime"}, "ga"),
        ({"modalities": ["text"]}, "beta"),
        ({"audio": {"output": {}}, "turn_detection": {"type": "server_vad"}}, "xai"),
    ],
)
def test_a_dialect_is_recognised_by_the_session(session, name) -> None:
    assert recognised(session).name == name


def test_a_dialect_is_known_at_a_known_address() -> None:
    assert known_at("api.x.ai", AUTO) is XAI
    assert known_at("api.x.ai", GA) is GA
    assert known_at("api.x.ai.example.com", AUTO) is AUTO
    assert known_at(None, AUTO) is AUTO
    assert CompatibleProvider("wss://api.x.ai/v1")._endpoint.dialect is XAI
    assert CompatibleProvider("wss://api.x.ai/v1", dialect="ga")._endpoint.dialect is GA


@pytest.mark.parametrize(
    "options",
    [
        {"dialect": "ga", "nested_tools": True},
        {"dialect": "auto", "input_rate_hz": 16_000},
        {"dialect": "xai", "nested_tools": True},
        {"dialect": "beta", "input_rate_hz": 0},
        {"dialect": "beta", "input_rate_hz": 7_950},
        {"dialect": "xai", "input_rate_hz": 48_050},
        {"dialect": "xai", "input_rate_hz": 11_025},
    ],
)
def test_a_variety_that_there_is_not_is_refused(options) -> None:
    with pytest.raises(ConfigurationError):
        CompatibleProvider("http://127.0.0.1", **options)


def test_a_server_of_the_beta_may_hear_another_rate() -> None:
    heard = CompatibleProvider("http://127.0.0.1", dialect="beta", input_rate_hz=16_000).capabilities
    assert (heard.input_rate_hz, heard.output_rate_hz) == (16_000, 24_000)
    nested = CompatibleProvider("http://127.0.0.1", dialect="beta", nested_tools=True).capabilities
    assert (nested.input_rate_hz, nested.output_rate_hz) == (24_000, 24_000)
    for options in ({"base_url": "https://api.x.ai"}, {"base_url": "http://127.0.0.1", "dialect": "xai"}):
        heard = CompatibleProvider(**options, input_rate_hz=48_000).capabilities
        assert (heard.input_rate_hz, heard.output_rate_hz) == (48_000, 24_000)
