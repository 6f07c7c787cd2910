"""MCP servers that the provider runs: what can be one, and who allows their calls."""

import logging

import pytest

from custom_components.rtvoice.engine import ApprovalRequest, ConfigurationError, RemoteMCPServer
from custom_components.rtvoice.engine.conversation.values import Capabilities
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.remote_mcp import RemoteApprovals, check_servers

URL = "https://example.org/mcp"
REQUEST = ApprovalRequest("q1", "My_docs", "search")
ALL = Capabilities(runs_mcp_servers=True, asks_before_mcp_calls=True, has_mcp_connectors=True)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("docs", "docs"),
        ("My docs!", "My_docs"),
        ("1st", "mcp_1st"),
        ("Büro", "B_ro"),
        ("…", "mcp"),
        ("x" * 70, "x" * 64),
    ],
)
def test_names_become_labels(name, label) -> None:
    assert RemoteMCPServer(name, URL).label == label


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/mcp",
        "http://127.0.0.1:8080/mcp",
        "http://[::1]/mcp",
        "http://192.168.1.4/mcp",
        "http://localhost:8080/mcp",
        "http://nas/mcp",
        "http://nas.local/mcp",
    ],
)
def test_a_key_goes_over_https_or_within_one_s_own_network(url) -> None:
    assert RemoteMCPServer("docs", url, authorization="token-123").secrets == ("token-123",)


@pytest.mark.parametrize("secret", [{"authorization": "token-123"}, {"headers": {"X-Key": "token-123"}}])
@pytest.mark.parametrize("url", ["http://example.org/mcp", "http://8.8.8.8/mcp"])
def test_a_key_goes_nowhere_else_in_the_clear(url, secret) -> None:
    with pytest.raises(ValueError, match="https://") as caught:
        RemoteMCPServer("docs", url, **secret)
    assert "token-123" not in str(caught.value)
    assert RemoteMCPServer("docs", url).url == url


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"url": URL, "connector_id": "connector_gmail"},
        {"url": ""},
        {"url": "ftp://example.org"},
        {"url": "https://"},
        {"url": "https://me:token-123@example.org"},
        {"connector_id": "gmail"},
        {"url": URL, "authorization": "token-123\n"},
        {"url": URL, "headers": {"X-Key": "token-123\n"}},
        {"url": URL, "headers": {"X Key": "token-123"}},
        {"url": URL, "approval": "token-123"},
        {"url": URL, "headers": ["token-123"]},
    ],
)
def test_what_cannot_be_a_server_is_refused_without_repeating_secrets(arguments) -> None:
    with pytest.raises(ValueError, match=r"MCP server|connector|validation error") as caught:
        RemoteMCPServer("docs", **arguments)
    assert "token-123" not in str(caught.value)


def test_a_name_is_needed() -> None:
    with pytest.raises(ValueError, match="name"):
        RemoteMCPServer("", URL)


def test_secrets_are_never_shown() -> None:
    server = RemoteMCPServer("docs", f"{URL}?key=token-123", authorization="token-123", headers={"X-Key": "token-123"})
    assert repr(server) == str(server) == f"RemoteMCPServer('docs', '{URL}')"
    options = SessionOptions(mcp_servers=(server,))
    for shown in (repr(options), str(options.model_dump(exclude={"mcp_servers": {"__all__": {"url"}}}))):
        assert "token-123" not in shown
    assert repr(RemoteMCPServer("mail", connector_id="connector_gmail")) == "RemoteMCPServer('mail', 'connector_gmail')"


# --- who can run them -------------------------------------------------------------------------------------------------


def test_nothing_is_demanded_where_there_are_no_servers() -> None:
    check_servers((), Capabilities())


def test_all_is_well_with_a_provider_that_can() -> None:
    check_servers((RemoteMCPServer("docs", URL), RemoteMCPServer("mail", connector_id="connector_gmail")), ALL)
    check_servers((RemoteMCPServer("docs", URL, approval="never"),), Capabilities(runs_mcp_servers=True))


@pytest.mark.parametrize(
    ("servers", "capabilities", "words"),
    [
        ([RemoteMCPServer("docs", URL)], Capabilities(), "cannot run MCP server 'docs'"),
        ([RemoteMCPServer("a b", URL), RemoteMCPServer("a/b", URL)], ALL, "'a_b'"),
        ([RemoteMCPServer("docs", URL)], Capabilities(runs_mcp_servers=True), "does not ask before"),
        (
            [RemoteMCPServer("mail", connector_id="connector_gmail", approval="never")],
            Capabilities(runs_mcp_servers=True),
            "no connectors, such as 'connector_gmail'",
        ),
    ],
)
def test_what_a_provider_cannot_do_is_said(servers, capabilities, words) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_servers(servers, capabilities)


# --- who allows what --------------------------------------------------------------------------------------------------


async def allowed(request: ApprovalRequest = REQUEST, name: str = "My docs", **settings: object) -> bool:
    return await RemoteApprovals((RemoteMCPServer(name, URL, **settings),)).approves(request)


async def yes(_: ApprovalRequest) -> bool:
    return True


class Butler:
    """Somebody whom it takes a while to ask, and who is no function."""

    async def __call__(self, request: ApprovalRequest) -> bool:
        return request.tool == "search"


async def test_nobody_to_ask_is_a_refusal() -> None:
    assert not await allowed()
    assert not await RemoteApprovals().approves(REQUEST)


async def test_a_server_that_is_not_ours_is_refused() -> None:
    assert not await allowed(ApprovalRequest("q1", "other", "search"), on_approval=yes)


async def test_the_user_s_word_counts() -> None:
    seen = []

    async def ask(request: ApprovalRequest) -> bool:
        seen.append(request)
        return request.tool == "search"

    assert await allowed(on_approval=ask)
    assert not await allowed(ApprovalRequest("q2", "My_docs", "delete"), on_approval=ask)
    assert [(request.server, request.tool) for request in seen] == [("My docs", "search"), ("My docs", "delete")]


async def test_one_may_be_asked_in_a_thread() -> None:
    assert await allowed(on_approval=lambda _: True)
    assert await allowed(on_approval=Butler())
    assert not await allowed(on_approval=lambda _: False)


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
async def test_anything_but_true_is_a_refusal(answer) -> None:
    assert not await allowed(on_approval=lambda _: answer)


async def test_what_goes_wrong_is_told() -> None:
    def broken(_: ApprovalRequest) -> bool:
        raise RuntimeError("No")

    with pytest.raises(RuntimeError):
        await allowed(on_approval=broken)


async def test_what_needs_no_approval_is_allowed() -> None:
    assert await allowed(approval="never")
    assert await allowed(trusted_tools=["search"])
    assert not await allowed(trusted_tools=["fetch"])


async def test_what_was_not_offered_is_refused_whatever_the_policy() -> None:
    assert not await allowed(allowed_tools=["fetch"], approval="never")
    assert not await allowed(allowed_tools=["fetch"], on_approval=yes)
    assert await allowed(allowed_tools=["search"], on_approval=yes)


def test_nothing_is_logged(caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        RemoteMCPServer("docs", URL, authorization="token-123")
    assert not caplog.records
