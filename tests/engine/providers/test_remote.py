"""MCP servers that the provider runs: what it is told of them, and what it tells."""

import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import SecretStr, TypeAdapter

from custom_components.rtvoice.engine.conversation import facts
from custom_components.rtvoice.engine.conversation.effects import AnswerApproval, UpdateSession
from custom_components.rtvoice.engine.conversation.remote_facts import (
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteListingFailed,
)
from custom_components.rtvoice.engine.conversation.values import (
    ApprovalRequest,
    Capabilities,
    ItemKind,
    ToolCall,
    ToolDefinition,
    ToolOutcome,
)
from custom_components.rtvoice.engine.errors import ConfigurationError, ConnectionFailedError, WireError
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.providers import AzureOpenAIProvider, CompatibleProvider, OpenAIProvider
from custom_components.rtvoice.engine.providers.openai.codec import Decoder, Encoder, update_of
from custom_components.rtvoice.engine.providers.openai.faults import Redactor
from custom_components.rtvoice.engine.providers.openai.session_config import GENERAL
from custom_components.rtvoice.engine.providers.openai.xai import xai_style
from custom_components.rtvoice.engine.remote_mcp import RemoteMCPServer

from .official import assert_no_extra

CLIENT_EVENT = TypeAdapter(RealtimeClientEvent)
SERVER_EVENT = TypeAdapter(RealtimeServerEvent)
DOCS = RemoteMCPServer("docs", "https://example.org/mcp")
LIGHT = ToolDefinition("turn_on", "Turns something on")
CALL = ToolCall("mcp_1", "docs_search", '{"q":"x"}', "mcp_1")
PLACE = {"event_id": "e", "item_id": "mcp_1", "output_index": 0}


def assert_known(event: dict) -> None:
    model = CLIENT_EVENT.validate_python(event)
    assert_no_extra(model)
    assert model.model_dump(exclude_unset=True) == event


# --- what it is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "entry"),
    [
        (
            DOCS,
            {
                "type": "mcp",
                "server_label": "docs",
                "server_url": "https://example.org/mcp",
                "require_approval": "always",
            },
        ),
        (
            RemoteMCPServer(
                "My documents!",
                "https://example.org/mcp",
                authorization="token-123",
                headers={"X-Team": SecretStr("blue-team")},
                description="Our documents",
                allowed_tools=["search", "fetch"],
                trusted_tools=["search"],
            ),
            {
                "type": "mcp",
                "server_label": "My_documents",
                "server_url": "https://example.org/mcp",
                "server_description": "Our documents",
                "allowed_tools": ["search", "fetch"],
                "authorization": "token-123",
                "headers": {"X-Team": "blue-team"},
                "require_approval": {"never": {"tool_names": ["search"]}},
            },
        ),
        (
            RemoteMCPServer(
                "1st calendar", connector_id="connector_googlecalendar", authorization="token-123", approval="never"
            ),
            {
                "type": "mcp",
                "server_label": "mcp_1st_calendar",
                "connector_id": "connector_googlecalendar",
                "authorization": "token-123",
                "require_approval": "never",
            },
        ),
    ],
)
def test_a_server_is_a_known_entry_of_the_list_of_tools(server, entry) -> None:
    event = update_of(GENERAL.session_of(SessionOptions(tools=(LIGHT,), mcp_servers=(server,))), "setup-1")
    assert event["session"]["tools"][1:] == [entry]
    assert_known(event)


def test_servers_stay_when_other_tools_are_offered() -> None:
    """A list of tools takes the place of the whole one before."""
    encoder = Encoder(GENERAL, SessionOptions(mcp_servers=(DOCS,)))
    event = encoder.event_of(UpdateSession("u-1", tools=(LIGHT,)))
    assert [tool["type"] for tool in event["session"]["tools"]] == ["function", "mcp"]
    assert_known(event)
    assert "tools" not in encoder.event_of(UpdateSession("u-2", speech_speed=1.2))["session"]


def test_a_provider_that_cannot_ask_is_not_told_to() -> None:
    options = SessionOptions(mcp_servers=(RemoteMCPServer("docs", "https://example.org/mcp", approval="never"),))
    entry = {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp"}
    style = xai_style()
    assert style.session_of(options)["tools"] == [entry]
    event = Encoder(style, options).event_of(UpdateSession("u-1", tools=()))
    assert event["session"]["tools"] == [entry]


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (AnswerApproval("mcpr_1", approved=True), {"approve": True}),
        (AnswerApproval("mcpr_1", approved=False, reason="No"), {"approve": False, "reason": "No"}),
    ],
)
def test_an_approval_is_a_known_client_event(command, more) -> None:
    event = Encoder(GENERAL, SessionOptions()).event_of(command)
    item = event["item"]
    assert len(item["id"]) <= 32
    assert item == {"type": "mcp_approval_response", "id": item["id"], "approval_request_id": "mcpr_1", **more}
    assert_known(event)


# --- who can ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (OpenAIProvider("secret"), (True, True, True)),
        (AzureOpenAIProvider("name", "deployment", api_key="secret"), (True, True, True)),
        (CompatibleProvider("https://api.x.ai/v1"), (True, False, False)),
        (CompatibleProvider("https://example.org", dialect="ga"), (False, False, False)),
        (CompatibleProvider("https://example.org", dialect="beta"), (False, False, False)),
        (CompatibleProvider("https://example.org"), (False, False, False)),
    ],
)
def test_providers_say_whether_they_run_servers(provider, expected) -> None:
    can: Capabilities = provider.capabilities
    assert (can.runs_mcp_servers, can.asks_before_mcp_calls, can.has_mcp_connectors) == expected


async def test_a_provider_that_cannot_is_not_even_asked() -> None:
    provider = CompatibleProvider("http://127.0.0.1:9/v1", dialect="beta")
    with pytest.raises(ConfigurationError, match="cannot run MCP server 'docs'"):
        async with provider.connect(SessionOptions(mcp_servers=(DOCS,))):
            pass
    await provider.close()


async def test_secrets_of_servers_are_in_no_error(serve, quick) -> None:
    async def script(peer) -> None:
        await peer.greet()
        update = await peer.receive("session.update")
        (tool,) = update["session"]["tools"]
        await peer.fail("invalid_value", message=f"Bad {tool['authorization']} and {tool['headers']['X-Key']}!")
        await peer.closed()

    loopback = await serve(script)
    provider = OpenAIProvider("secret", base_url=loopback.url, timeouts=quick)
    server = RemoteMCPServer(
        "docs", "https://example.org/mcp", authorization="token-123", headers={"X-Key": "header-456"}
    )
    with pytest.raises((ConfigurationError, ConnectionFailedError)) as caught:
        async with provider.connect(SessionOptions(mcp_servers=(server,))):
            pass
    assert "Bad … and …!" in str(caught.value)
    await provider.close()


def test_short_values_are_no_secrets_that_could_be_taken_out() -> None:
    assert Redactor().knowing("1", "", "token-123")("1 token-123") == "1 …"
    assert "token" not in repr(Redactor().knowing("token-123"))


# --- what it tells ----------------------------------------------------------------------------------------------------


def item(kind: str = "mcp_call", **fields: object) -> dict:
    content = {"id": "mcp_1", "type": kind, "server_label": "docs", "name": "search", "arguments": '{"q":"x"}'}
    return {**content, **fields}


def output_item(done: bool, **fields: object) -> dict:
    kind = "done" if done else "added"
    return {
        "type": f"response.output_item.{kind}",
        "event_id": "e",
        "response_id": "resp_1",
        "output_index": 0,
        "item": item(**fields),
    }


def conversation_item(done: bool, kind: str = "mcp_call", **fields: object) -> dict:
    event = "done" if done else "added"
    return {
        "type": f"conversation.item.{event}",
        "event_id": "e",
        "previous_item_id": None,
        "item": item(kind, **fields),
    }


def progress(kind: str) -> dict:
    return {"type": f"response.mcp_call.{kind}", **PLACE}


ARGUMENTS = {"type": "response.mcp_call_arguments.done", **PLACE, "response_id": "resp_1", "arguments": '{"q":"x"}'}


def decoded(*events: dict) -> list[facts.ModelEvent]:
    for event in events:
        SERVER_EVENT.validate_python(event)
    decoder = Decoder(Redactor("secret-key"))
    told = [decoder.decode(event) for event in events]
    return [fact for fact in told if fact is not None and not isinstance(fact, facts.ItemAdded)]


def test_a_call_from_its_start_to_its_result() -> None:
    assert decoded(
        output_item(done=False, arguments=""),
        conversation_item(done=False, arguments=""),
        {"type": "response.mcp_call_arguments.delta", **PLACE, "response_id": "resp_1", "delta": '{"q"'},
        ARGUMENTS,
        progress("in_progress"),
        progress("completed"),
        conversation_item(done=True, output="found"),
    ) == [
        RemoteCallStarted(CALL, "resp_1"),
        RemoteCallFinished(CALL, ToolOutcome("found"), "resp_1"),
    ]


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        # The item is written to its end before the call is made, and once more after it.
        (
            (conversation_item(done=True), progress("completed"), conversation_item(done=True, output="found")),
            [ToolOutcome(""), ToolOutcome("found")],
        ),
        ((conversation_item(done=True, output="found"), progress("completed")), [ToolOutcome("found")] * 2),
        ((progress("completed"), conversation_item(done=True)), [ToolOutcome("")]),
        ((progress("completed"), conversation_item(done=True, output="")), [ToolOutcome("")]),
        ((conversation_item(done=True, output=""),), [ToolOutcome("")]),
        ((progress("failed"), conversation_item(done=True)), [ToolOutcome("", ok=False)]),
        ((progress("failed"), conversation_item(done=True, output="why")), [ToolOutcome("why", ok=False)]),
        ((conversation_item(done=True),), []),
        ((progress("completed"),), []),
        ((output_item(done=True, output=None, error=None),), []),
        (
            (
                conversation_item(
                    done=True, error={"type": "http_error", "code": 500, "message": "At secret-key: failed"}
                ),
            ),
            [ToolOutcome('{"error":"http_error","error_text":"At …: failed"}', ok=False)],
        ),
    ],
)
def test_a_result_is_there_when_the_item_or_the_server_says_so(events, outcome) -> None:
    """What is told twice counts once, in the conversation."""
    told = decoded(*events)
    assert all(isinstance(fact, RemoteCallFinished) for fact in told)
    assert [fact.outcome for fact in told] == outcome


def test_a_call_that_was_approved_says_of_what() -> None:
    (finished,) = decoded(conversation_item(done=True, output="x", approval_request_id="mcpr_1"))
    assert finished == RemoteCallFinished(CALL, ToolOutcome("x"), None, "mcpr_1")


def test_a_call_of_which_nothing_else_was_told() -> None:
    assert decoded(progress("in_progress")) == [RemoteCallStarted(ToolCall("mcp_1", "tool", "{}", "mcp_1"))]


def test_an_approval_is_wanted_once_the_request_is_complete() -> None:
    request = ApprovalRequest("mcp_1", "docs", "search", '{"q":"x"}')
    added = {"kind": "mcp_approval_request", "arguments": ""}
    assert (
        decoded(
            output_item(done=False, **added),
            conversation_item(done=False, **added),
            conversation_item(done=True, kind="mcp_approval_request"),
            output_item(done=True, kind="mcp_approval_request"),
        )
        == [ApprovalRequested(request, "resp_1")] * 2
    )
    assert "x" not in repr(request)


def test_a_listing_that_failed() -> None:
    listing = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "docs", "tools": []}
    added = {"type": "conversation.item.added", "event_id": "e", "previous_item_id": None, "item": listing}
    failed = {"type": "mcp_list_tools.failed", "event_id": "e", "item_id": "mcpl_1"}
    progressing = {"type": "mcp_list_tools.in_progress", "event_id": "e", "item_id": "mcpl_1"}
    completed = {"type": "mcp_list_tools.completed", "event_id": "e", "item_id": "mcpl_1"}
    assert decoded(progressing, added, failed) == [RemoteListingFailed("docs")]
    assert decoded(failed) == [RemoteListingFailed("")]
    assert decoded(progressing, added, completed) == []


def test_items_still_take_their_place() -> None:
    assert Decoder().decode(conversation_item(done=False)) == facts.ItemAdded("mcp_1", ItemKind.OTHER)


def test_what_is_known_of_items_is_bounded() -> None:
    decoder = Decoder()
    decoder.decode(conversation_item(done=False))
    for n in range(64):
        decoder.decode({**progress("in_progress"), "item_id": f"other_{n}"})
    assert decoder.decode(progress("in_progress")) == RemoteCallStarted(ToolCall("mcp_1", "tool", "{}", "mcp_1"))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "mcp_list_tools.failed"},
        {"type": "response.mcp_call.in_progress", "item_id": None},
        {"type": "response.mcp_call_arguments.done", "item_id": 7},
        {"type": "response.output_item.done", "response_id": "r", "item": {"type": "mcp_call", "id": None}},
    ],
)
def test_what_cannot_be_read_is_an_error(event) -> None:
    with pytest.raises(WireError):
        Decoder().decode(event)
