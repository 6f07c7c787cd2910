"""Setting up an account at a provider."""

from collections.abc import Mapping
from typing import Any, Final, override

import probatio
from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult, ConfigSubentryFlow
from homeassistant.const import CONF_API_KEY
from homeassistant.core import callback

from .const import (
    CONF_MODEL,
    CONF_PROVIDER,
    DOMAIN,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_COMPATIBLE,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
    SUBENTRY_MCP_SERVER,
    SUBENTRY_SATELLITE,
    SUBENTRY_SUBAGENT,
)
from .flows.account import account_id, async_test_account
from .flows.account_form import (
    KEY_SCHEMA,
    USER_SCHEMAS,
    account_from,
    changed_account,
    form_errors,
    model_schema,
    reconfigure_schema,
    title_of,
)
from .flows.agent import AgentFlow
from .flows.defaults import async_default_subentries
from .flows.mcp_server import McpServerFlow
from .flows.satellite import SatelliteFlow
from .flows.subagent import SubagentFlow

_PLACEHOLDERS: Final = {
    "keys_url": "https://platform.openai.com/api-keys",
    "example_url": "http://homeserver:8080/v1",
    "example_resource": "https://my-resource.openai.azure.com",
}


class RtvoiceConfigFlow(ConfigFlow, domain=DOMAIN):
    """An account is tested with a real handshake before it is saved."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        self._account: dict[str, Any] = {}
        self._models: tuple[str, ...] = ()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Agents, satellites and what agents are equipped with belong to an account."""
        return {
            SUBENTRY_AGENT: AgentFlow,
            SUBENTRY_SATELLITE: SatelliteFlow,
            SUBENTRY_SUBAGENT: SubagentFlow,
            SUBENTRY_MCP_SERVER: McpServerFlow,
        }

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which provider it is."""
        providers = [PROVIDER_OPENAI, PROVIDER_AZURE_OPENAI, PROVIDER_COMPATIBLE]
        return self.async_show_menu(step_id="user", menu_options=providers)

    async def async_step_openai(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add an account at OpenAI."""
        return await self._async_add(PROVIDER_OPENAI, user_input)

    async def async_step_azure_openai(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a deployment at Azure OpenAI."""
        return await self._async_add(PROVIDER_AZURE_OPENAI, user_input)

    async def async_step_compatible(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a server that speaks the Realtime API."""
        return await self._async_add(PROVIDER_COMPATIBLE, user_input)

    async def async_step_model(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the model where none of the server's looks like a realtime model."""
        errors = {}
        if user_input is not None:
            wanted = user_input[CONF_MODEL].strip()
            test = await async_test_account(self.hass, self._account, (wanted,))
            if test.model == wanted:
                return await self._async_create(wanted)
            errors["base"] = test.error or "no_realtime_model"
        schema = self.add_suggested_values_to_schema(model_schema(self._models), user_input)
        return self.async_show_form(step_id="model", data_schema=schema, errors=errors)

    async def async_step_reauth(self, _entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to ask for a new key because the provider refused the known one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new key."""
        entry = self._get_reauth_entry()
        account = None if user_input is None else {**entry.data, CONF_API_KEY: user_input[CONF_API_KEY].strip()}
        return await self._async_change(entry, account, "reauth_confirm", KEY_SCHEMA)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another key or address."""
        entry = self._get_reconfigure_entry()
        account = None if user_input is None else changed_account(entry.data, user_input)
        known = {key: value for key, value in entry.data.items() if key != CONF_API_KEY}
        schema = self.add_suggested_values_to_schema(reconfigure_schema(entry.data), user_input or known)
        return await self._async_change(entry, account, "reconfigure", schema)

    async def _async_add(self, provider: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        errors = {}
        if user_input is not None:
            self._account = account_from(provider, user_input)
            if not (errors := form_errors(self._account)):
                await self.async_set_unique_id(account_id(self._account), raise_on_progress=False)
                self._abort_if_unique_id_configured()
                test = await async_test_account(self.hass, self._account)
                if test.model is not None:
                    return await self._async_create(test.model)
                if test.error == "no_realtime_model" and provider == PROVIDER_COMPATIBLE:
                    self._models = test.models
                    return await self.async_step_model()
                errors = {"base": test.error or "unknown"}
        schema = self.add_suggested_values_to_schema(USER_SCHEMAS[provider], user_input)
        return self.async_show_form(
            step_id=provider, data_schema=schema, errors=errors, description_placeholders=_PLACEHOLDERS
        )

    async def _async_create(self, model: str) -> ConfigFlowResult:
        # Another flow may have added the account while this one waited for the provider.
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=title_of(self._account),
            data=self._account,
            subentries=await async_default_subentries(self._account[CONF_PROVIDER], model),
        )

    async def _async_change(
        self, entry: ConfigEntry, account: dict[str, Any] | None, step_id: str, schema: probatio.Schema
    ) -> ConfigFlowResult:
        errors = {}
        if account is not None and not (errors := form_errors(account)):
            unique_id = account_id(account)
            other = self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
            if other not in {None, entry}:
                return self.async_abort(reason="already_configured")
            agents = entry.get_subentries_of_type(SUBENTRY_AGENT)
            models = [agent.data[CONF_MODEL] for agent in agents if CONF_MODEL in agent.data]
            test = await async_test_account(self.hass, account, models)
            if test.error is None:
                return self.async_update_reload_and_abort(entry, unique_id=unique_id, data=account)
            errors = {"base": test.error}
        return self.async_show_form(
            step_id=step_id, data_schema=schema, errors=errors, description_placeholders=_PLACEHOLDERS
        )
