"""The forms of an MCP server."""

from typing import Any

import probatio
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME

from ..bridge.servers import ServerOptions
from ..const import (
    CONF_ALLOWED_TOOLS,
    CONF_AUTHORIZATION,
    CONF_CONFIRMED,
    CONF_TRANSPORT,
    TRANSPORT_STDIO,
)
from ..engine.mcp import MCPTool
from .server_check import async_test_server
from .server_form import PROGRAM_SCHEMA, http_schema, server_errors, server_from, tools_schema
from .subentry import SubentryFlow


class McpServerFlow(SubentryFlow):
    """Where a server is or which program it is, and which of its tools may be used."""

    _tools: tuple[MCPTool, ...] = ()

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Ask what kind of server it is."""
        self._name, self._known = "", {}
        return self.async_show_menu(step_id="user", menu_options=["http", "program"])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Change a server, which stays of its kind."""
        subentry = self._get_reconfigure_subentry()
        self._name, self._known = subentry.title, dict(subentry.data)
        is_program = self._known.get(CONF_TRANSPORT) == TRANSPORT_STDIO
        return await (self.async_step_program() if is_program else self.async_step_http())

    async def async_step_http(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a server in the network."""
        schema = http_schema(has_token=CONF_AUTHORIZATION in self._known)
        return await self._async_ask("http", schema, user_input)

    async def async_step_program(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a program, which is started only when that was confirmed."""
        if user_input is None or user_input[CONF_CONFIRMED]:
            return await self._async_ask("program", PROGRAM_SCHEMA, user_input)
        return self._show("program", PROGRAM_SCHEMA, user_input, {CONF_CONFIRMED: "not_confirmed"})

    async def async_step_tools(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which tools may be used."""
        if user_input is not None:
            options = {key: value for key, value in self._known.items() if key != CONF_ALLOWED_TOOLS}
            if allowed := user_input.get(CONF_ALLOWED_TOOLS):
                options[CONF_ALLOWED_TOOLS] = allowed
            return self._async_save(self._name, options)
        there = {tool.name for tool in self._tools}
        allowed = [name for name in self._known.get(CONF_ALLOWED_TOOLS, ()) if name in there]
        schema = self.add_suggested_values_to_schema(tools_schema(self._tools), {CONF_ALLOWED_TOOLS: allowed})
        return self.async_show_form(step_id="tools", data_schema=schema, description_placeholders={"name": self._name})

    async def _async_ask(
        self, step_id: str, schema: probatio.Schema, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        if user_input is None:
            return self._show(step_id, schema, {**self._known, CONF_NAME: self._name}, {})
        server = server_from(user_input, self._known)
        if errors := server_errors(server):
            return self._show(step_id, schema, user_input, errors)
        # Tools that are not allowed are offered too.
        test = await async_test_server(ServerOptions.read({**server, CONF_ALLOWED_TOOLS: ()}))
        if test.error is not None:
            return self._show(step_id, schema, user_input, {"base": test.error}, test.reason)
        self._name = user_input.get(CONF_NAME, "").strip() or self._name or test.name
        self._known, self._tools = server, test.tools
        return await self.async_step_tools()

    def _show(
        self, step_id: str, schema: probatio.Schema, shown: dict[str, Any], errors: dict[str, str], reason: str = ""
    ) -> SubentryFlowResult:
        suggested = {key: value for key, value in shown.items() if key not in (CONF_AUTHORIZATION, CONF_CONFIRMED)}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=errors,
            description_placeholders={"reason": reason, "example_url": "http://homeserver:8000/mcp"},
        )
