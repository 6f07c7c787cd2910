"""The form of a subagent."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_API_KEY, CONF_DESCRIPTION, CONF_LLM_HASS_API, CONF_NAME, CONF_TIMEOUT
from homeassistant.data_entry_flow import section
from homeassistant.helpers import llm
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TemplateSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..bridge.chat import has_chat, make_chat_model
from ..const import (
    CONF_BASE_URL,
    CONF_FIRE_AND_FORGET,
    CONF_HOLDING,
    CONF_INSTRUCTIONS,
    CONF_MAX_ITERATIONS,
    CONF_MCP_SERVERS,
    CONF_MODEL,
    DEFAULT_MAX_ITERATIONS,
    DEFAULT_SUBAGENT_TIMEOUT,
)
from ..engine import ToolDefinition
from ..engine.errors import (
    AuthenticationError,
    ConfigurationError,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
)
from ..engine.subagents import SystemMessage, UserMessage
from .equipment_form import equipment_fields, equipment_of
from .number import Number
from .secrets import keep_secret, removal_of, secret_fields, ticked
from .sections import flatten, nest
from .subentry import SubentryFlow

_LOGGER = logging.getLogger(__name__)

_TEST_S: Final = 30.0
_CONNECTION: Final = (CONF_BASE_URL, CONF_API_KEY, CONF_MODEL)
_SECTIONS: Final = {
    "endpoint": (CONF_BASE_URL, CONF_API_KEY, removal_of(CONF_API_KEY)),
    "advanced": (CONF_HOLDING, CONF_FIRE_AND_FORGET, CONF_MAX_ITERATIONS, CONF_TIMEOUT),
}
_DEFAULTS: Final = {
    CONF_FIRE_AND_FORGET: False,
    CONF_MAX_ITERATIONS: DEFAULT_MAX_ITERATIONS,
    CONF_TIMEOUT: DEFAULT_SUBAGENT_TIMEOUT,
}


class SubagentFlow(SubentryFlow):
    """An agent that works in text: what it is for, what it thinks with, and what it may use."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a subagent."""
        self._name, self._known = "", {}
        return await self.async_step_init(user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change a subagent."""
        subentry = self._get_reconfigure_subentry()
        self._name, self._known = subentry.title, dict(subentry.data)
        return await self.async_step_init(user_input)

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show the form, and save it when it is filled in."""
        errors: dict[str, str] = {}
        name, shown = self._name, self._known
        if user_input is not None:
            shown = _submitted(user_input, self._known)
            name = shown.pop(CONF_NAME, "")
            errors = _missing(name, shown) or await self._async_errors(shown)
            if not errors:
                return self._async_save(name, shown)
        apis = llm.async_get_apis(self.hass)
        there = {api.id for api in apis}
        suggested = {**_DEFAULTS, **{key: value for key, value in shown.items() if key != CONF_API_KEY}}
        servers = equipment_of(self._get_entry())[CONF_MCP_SERVERS]
        suggested |= ticked(flatten(user_input or {}, _SECTIONS), CONF_API_KEY)
        suggested |= {
            CONF_NAME: name,
            CONF_LLM_HASS_API: [api for api in shown.get(CONF_LLM_HASS_API, ()) if api in there],
            CONF_MCP_SERVERS: [server for server in shown.get(CONF_MCP_SERVERS, ()) if server in servers],
        }
        schema = subagent_schema(apis, servers, has_key=CONF_API_KEY in self._known)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, nest(suggested, _SECTIONS)),
            errors=errors,
            description_placeholders={"example_url": "http://homeserver:8080/v1"},
        )

    async def _async_errors(self, options: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the chat model, which is asked something if it was not known to answer."""
        account = self._get_entry().data
        if CONF_BASE_URL not in options and not has_chat(account):
            return {"base": "address_required"}
        if all(options.get(key) == self._known.get(key) for key in _CONNECTION):
            return {}
        error = await _async_test(account, options)
        return {"base": error} if error else {}


def subagent_schema(apis: Iterable[llm.API], servers: Mapping[str, str], *, has_key: bool = False) -> probatio.Schema:
    """The form of a subagent that may use these APIs of Home Assistant and MCP servers, titles by subentry id.

    A key that is stored can be taken away.
    """
    options = [SelectOptionDict(value=api.id, label=api.name) for api in apis]
    address = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
    fields: dict[str, dict[Any, Any]] = {
        "endpoint": {
            probatio.Optional(CONF_BASE_URL): address,
            **secret_fields(CONF_API_KEY, stored=has_key),
        },
        "advanced": {
            probatio.Optional(CONF_HOLDING): TextSelector(),
            probatio.Optional(CONF_FIRE_AND_FORGET): BooleanSelector(),
            probatio.Optional(CONF_MAX_ITERATIONS): probatio.All(_number(1, 50), probatio.Coerce(int)),
            probatio.Optional(CONF_TIMEOUT): _number(5, 3600, "s"),
        },
    }
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME): TextSelector(),
            probatio.Required(CONF_DESCRIPTION): TextSelector(TextSelectorConfig(multiline=True)),
            probatio.Optional(CONF_INSTRUCTIONS): TemplateSelector(),
            probatio.Required(CONF_MODEL): TextSelector(),
            probatio.Optional(CONF_LLM_HASS_API): SelectSelector(
                SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST)
            ),
            **equipment_fields({CONF_MCP_SERVERS: servers}),
            **{
                probatio.Optional(name): section(probatio.Schema(fields[name]), {"collapsed": name == "advanced"})
                for name in _SECTIONS
            },
        }
    )


def _submitted(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The options to store, without empty ones; a section that was not submitted stays, and so does a key in place."""
    kept = [key for name, keys in _SECTIONS.items() if name not in user_input for key in keys]
    options = {key: known[key] for key in kept if key in known}
    for key, value in flatten(user_input, _SECTIONS).items():
        options[key] = value.strip() if isinstance(value, str) else value
    filled = {key: value for key, value in options.items() if value not in ("", [])}
    is_same_place = filled.get(CONF_BASE_URL) == known.get(CONF_BASE_URL)
    return keep_secret(filled, known if is_same_place else {}, CONF_API_KEY)


def _missing(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    filled = {**options, **({CONF_NAME: name} if name else {})}
    return {key: "field_required" for key in (CONF_NAME, CONF_DESCRIPTION, CONF_MODEL) if key not in filled}


async def _async_test(account: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """Ask the chat model something, with a tool at hand; the form's error, None if it answers."""
    ready = ToolDefinition("ready", "Say that you are ready.", {"type": "object", "properties": {}})
    try:
        model = make_chat_model(account, options, timeout=_TEST_S, max_retries=0)
    except ConfigurationError:
        return "invalid_chat_url"
    try:
        await model.complete((SystemMessage("This is a test."), UserMessage("Call the tool.")), (ready,))
    except EngineError as err:
        _LOGGER.debug("The chat model did not answer: %s", err)
        return _form_error(err)
    finally:
        await model.close()
    return None


def _form_error(err: EngineError) -> str:
    match err:
        case AuthenticationError():
            return "invalid_auth"
        case QuotaExceededError():
            return "quota_exceeded"
        case RateLimitedError():
            return "rate_limited"
        case ConfigurationError() | RequestRejectedError():
            return "model_refused"
        case _:
            return "cannot_connect"


def _number(low: int, high: int, unit: str | None = None) -> Number:
    config = NumberSelectorConfig(min=low, max=high, step=1, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return Number(config)
