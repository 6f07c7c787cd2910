"""MCP servers that the provider connects and calls by itself; we only say which, and what is allowed there."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from inspect import isawaitable, iscoroutinefunction
from ipaddress import ip_address
from typing import Final, Literal, Self, override
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from .conversation.values import ApprovalRequest, Capabilities
from .errors import ConfigurationError

type OnApproval = Callable[[ApprovalRequest], bool | Awaitable[bool]]
"""Decides about one call. One that is no coroutine function runs in a thread; anything but True is a refusal."""

_LABEL_LENGTH: Final = 64
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_CONNECTOR: Final = re.compile(r"connector_[a-z0-9_]+")
_HOME_DOMAINS: Final = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


class RemoteMCPServer(BaseModel):
    """An MCP server whose tools the provider calls by itself: at `url`, or one of its own known by `connector_id`.

    `authorization` is an access token and `headers` are sent with each request, by the provider; both are secret, and
    go over plain http only within one's own network. Of its tools the model sees `allowed_tools`, or all.

    With `approval` "always" each call but those of `trusted_tools` needs leave, which `on_approval` gives or not:
    whatever the model says, a call is refused where there is none, where it raises or where it takes too long. With
    "never" the provider calls what the model wants.

    Raises ValueError for what cannot be a server; it never repeats a secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1)
    url: str | None = None
    connector_id: str | None = None
    authorization: SecretStr | None = None
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    description: str | None = None
    """What the server is good for, for the model."""
    allowed_tools: tuple[str, ...] | None = None
    approval: Literal["always", "never"] = "always"
    trusted_tools: tuple[str, ...] = ()
    on_approval: OnApproval | None = Field(default=None, repr=False)

    def __init__(
        self,
        name: str,
        url: str | None = None,
        *,
        connector_id: str | None = None,
        authorization: str | SecretStr | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        description: str | None = None,
        allowed_tools: Collection[str] | None = None,
        approval: Literal["always", "never"] = "always",
        trusted_tools: Collection[str] = (),
        on_approval: OnApproval | None = None,
    ) -> None:
        super().__init__(
            name=name,
            url=url,
            connector_id=connector_id,
            authorization=authorization,
            headers=headers or {},
            description=description,
            allowed_tools=None if allowed_tools is None else tuple(allowed_tools),
            approval=approval,
            trusted_tools=tuple(trusted_tools),
            on_approval=on_approval,
        )

    @property
    def label(self) -> str:
        """The name as providers accept it: a letter, then letters, digits, _ and -."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", self.name).strip("_-")
        return (plain if plain[:1].isalpha() else f"mcp_{plain}")[:_LABEL_LENGTH].rstrip("_-")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be told to nobody but the provider."""
        values = (*([self.authorization] if self.authorization else []), *self.headers.values())
        return tuple(value.get_secret_value() for value in values)

    def needs_approval(self, tool: str) -> bool:
        """Whether a call of this tool needs somebody's leave."""
        return self.approval == "always" and tool not in self.trusted_tools

    async def approves(self, request: ApprovalRequest) -> bool:
        """Whether this call may be made. Raises what `on_approval` raises."""
        if self.allowed_tools is not None and request.tool not in self.allowed_tools:
            return False
        if not self.needs_approval(request.tool):
            return True
        if self.on_approval is None:
            return False
        return await _asked(self.on_approval, request)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.url is None) == (self.connector_id is None):
            raise ValueError("An MCP server that the provider runs has either a URL or the id of a connector")
        if self.connector_id is not None and not _CONNECTOR.fullmatch(self.connector_id):
            raise ValueError("The id of a connector begins with connector_")
        checked_headers({name: value.get_secret_value() for name, value in self.headers.items()})
        if self.authorization is not None and not _HEADER_VALUE.fullmatch(self.authorization.get_secret_value()):
            raise ValueError("The authorization of an MCP server has characters that cannot be sent")
        if self.url is not None:
            _check_way(checked_address(self.url), secret=bool(self.secrets))
        return self

    @override
    def __repr__(self) -> str:
        where = self.connector_id if self.url is None else urlsplit(self.url)._replace(query="", fragment="").geturl()
        return f"{type(self).__name__}({self.name!r}, {where!r})"

    @override
    def __str__(self) -> str:
        return repr(self)


class RemoteApprovals:
    """Decides for several servers; what concerns none of them is refused."""

    def __init__(self, servers: Sequence[RemoteMCPServer] = ()) -> None:
        self._servers = {server.label: server for server in servers}

    async def approves(self, request: ApprovalRequest) -> bool:
        """Whether this call may be made. Raises what is raised by whoever is asked."""
        server = self._servers.get(request.server)
        return server is not None and await server.approves(replace(request, server=server.name))


def check_servers(servers: Sequence[RemoteMCPServer], capabilities: Capabilities) -> None:
    """Raise ConfigurationError, in the user's words, where a provider cannot run these servers as they are wanted."""
    if not servers:
        return
    if twice := [label for label, count in Counter(server.label for server in servers).items() if count > 1]:
        raise ConfigurationError(f"Two MCP servers of the provider have the name '{twice[0]}'")
    if not capabilities.runs_mcp_servers:
        raise ConfigurationError(
            f"The provider cannot run MCP server '{servers[0].name}' by itself; let the agent do it (MCPServerHTTP)"
        )
    for server in servers:
        if server.connector_id is not None and not capabilities.has_mcp_connectors:
            raise ConfigurationError(f"The provider has no connectors, such as '{server.connector_id}'")
        if server.approval == "always" and not capabilities.asks_before_mcp_calls:
            raise ConfigurationError(
                f"The provider does not ask before it calls a tool of MCP server '{server.name}'; allow all of its "
                'tools (approval="never"), or let the agent run it (MCPServerHTTP)'
            )


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that can be sent; what HTTP libraries say about others repeats them, keys and all.

    Raises ValueError.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"Header {name!r} of an MCP server has characters that cannot be sent")
    return dict(headers)


def checked_address(url: str) -> SplitResult:
    """The parts of the address of an MCP server. Raises ValueError for what cannot be one, or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The URL of an MCP server must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("User name and password belong into the headers of an MCP server, not into its URL")
    return parts


async def _asked(on_approval: OnApproval, request: ApprovalRequest) -> bool:
    def ask() -> object:
        return on_approval(request)

    answer = ask() if iscoroutinefunction(on_approval) else await asyncio.to_thread(ask)
    return (await answer if isawaitable(answer) else answer) is True


def _check_way(parts: SplitResult, *, secret: bool) -> None:
    if parts.scheme == "http" and secret and not _is_at_home(parts.hostname or ""):
        raise ValueError("A key for an MCP server must go over https://, except within one's own network")


def _is_at_home(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_HOME_DOMAINS)
    return address.is_private or address.is_loopback or address.is_link_local
