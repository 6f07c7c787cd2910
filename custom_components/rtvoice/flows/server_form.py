"""The fields of an MCP server and what they are stored as."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio
from homeassistant.const import CONF_COMMAND, CONF_HEADERS, CONF_NAME, CONF_TIMEOUT, CONF_URL
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from yarl import URL

from ..bridge.servers import ServerOptions, make_server, pairs
from ..const import (
    CONF_ALLOWED_TOOLS,
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_CONFIRMED,
    CONF_ENVIRONMENT,
    CONF_TRANSPORT,
    DEFAULT_SERVER_TIMEOUT,
    TRANSPORT_AUTO,
    TRANSPORT_STDIO,
    TRANSPORTS_HTTP,
)
from ..engine.errors import ConfigurationError
from ..engine.mcp import MCPTool
from .number import Number
from .secrets import keep_secret, secret_fields

_TEXT: Final = TextSelector()
_LINES: Final = TextSelector(TextSelectorConfig(multiple=True))
_MAX_LABEL: Final = 120

_TIMEOUT: Final = {
    probatio.Required(CONF_TIMEOUT, default=DEFAULT_SERVER_TIMEOUT): Number(
        NumberSelectorConfig(min=1, max=300, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX)
    )
}
PROGRAM_SCHEMA: Final = probatio.Schema(
    {
        probatio.Optional(CONF_NAME): _TEXT,
        probatio.Required(CONF_COMMAND): _TEXT,
        probatio.Optional(CONF_ARGUMENTS): _LINES,
        probatio.Optional(CONF_ENVIRONMENT): _LINES,
        **_TIMEOUT,
        probatio.Required(CONF_CONFIRMED, default=False): BooleanSelector(),
    }
)
"""For a server that is a program; that it will be started must be confirmed each time."""


def http_schema(*, has_token: bool = False) -> probatio.Schema:
    """For a server in the network; a token that is stored can be taken away."""
    transports = SelectSelectorConfig(
        options=list(TRANSPORTS_HTTP), translation_key=CONF_TRANSPORT, mode=SelectSelectorMode.DROPDOWN
    )
    return probatio.Schema(
        {
            probatio.Optional(CONF_NAME): _TEXT,
            probatio.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
            **secret_fields(CONF_AUTHORIZATION, stored=has_token),
            probatio.Optional(CONF_HEADERS): _LINES,
            probatio.Required(CONF_TRANSPORT, default=TRANSPORT_AUTO): SelectSelector(transports),
            **_TIMEOUT,
        }
    )


def tools_schema(tools: Iterable[MCPTool]) -> probatio.Schema:
    """For what the server has."""
    options = [SelectOptionDict(value=tool.name, label=_label(tool)) for tool in tools]
    config = SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST)
    return probatio.Schema({probatio.Optional(CONF_ALLOWED_TOOLS): SelectSelector(config)})


def server_from(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a form, with what is known of the server's tools; a secret never moves to another server."""
    filled: dict[str, Any] = {CONF_TRANSPORT: TRANSPORT_STDIO}
    for key, value in user_input.items():
        if stripped := _stripped(key, value):
            filled[key] = stripped
    filled.pop(CONF_NAME, None)
    filled.pop(CONF_CONFIRMED, None)
    if CONF_ALLOWED_TOOLS in known:
        filled[CONF_ALLOWED_TOOLS] = known[CONF_ALLOWED_TOOLS]
    is_same_server = CONF_URL in filled and _same_server(filled[CONF_URL], known.get(CONF_URL))
    return keep_secret(filled, known if is_same_server else {}, CONF_AUTHORIZATION)


def server_errors(server: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a server that can be told without asking it."""
    for key, separator, error in ((CONF_HEADERS, ":", "invalid_headers"), (CONF_ENVIRONMENT, "=", "invalid_lines")):
        try:
            pairs(server.get(key, ()), separator)
        except ConfigurationError:
            return {key: error}
    if server[CONF_TRANSPORT] == TRANSPORT_STDIO:
        return {} if server.get(CONF_COMMAND) else {CONF_COMMAND: "field_required"}
    bare = {key: server[key] for key in (CONF_URL, CONF_TRANSPORT) if key in server}
    if not _can_be_made(bare):
        return {CONF_URL: "invalid_server_url"}
    if not _can_be_made({key: value for key, value in server.items() if key != CONF_HEADERS}):
        return {CONF_AUTHORIZATION: "invalid_headers"}
    return {} if _can_be_made(server) else {CONF_HEADERS: "invalid_headers"}


def _can_be_made(server: Mapping[str, Any]) -> bool:
    try:
        make_server(ServerOptions.read(server), None)
    except ConfigurationError:
        return False
    return True


def _same_server(url: str, known: str | None) -> bool:
    try:
        return known is not None and URL(url).origin() == URL(known).origin()
    except ValueError:
        return False


def _stripped(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list) and key != CONF_ARGUMENTS:
        return [line.strip() for line in value if line.strip()]
    return value


def _label(tool: MCPTool) -> str:
    words = " ".join(tool.description.split())
    text = tool.name if words == tool.name else f"{tool.name}: {words}"
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"
