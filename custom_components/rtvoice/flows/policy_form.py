"""The fields of what an agent may do."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio
from homeassistant.const import CONF_LLM_HASS_API
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.llm import LLM_API_ASSIST
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TimeSelector,
)

from ..bridge.policy.options import KINDS, Permission
from ..bridge.toolbox.actions import async_is_dangerous
from ..const import (
    CONF_ACTIONS,
    CONF_DANGEROUS_ACTIONS,
    CONF_PIN,
    CONF_QUIET_END,
    CONF_QUIET_PERMISSION,
    CONF_QUIET_START,
    CONF_READ_STATES,
    CONF_RESTRICTED_DENIED,
    CONF_RESTRICTED_ONLY,
    CONF_RESTRICTED_SATELLITES,
    CONF_SENSITIVE,
    CONF_SENSITIVE_PERMISSION,
    DOMAIN,
)
from .secrets import removal_of, secret_fields

TOOL_FIELDS: Final = (CONF_READ_STATES, CONF_ACTIONS, CONF_DANGEROUS_ACTIONS)
POLICY_FIELDS: Final = (
    CONF_SENSITIVE_PERMISSION,
    CONF_SENSITIVE,
    CONF_PIN,
    removal_of(CONF_PIN),
    CONF_QUIET_START,
    CONF_QUIET_END,
    CONF_QUIET_PERMISSION,
    CONF_RESTRICTED_SATELLITES,
    CONF_RESTRICTED_DENIED,
    CONF_RESTRICTED_ONLY,
)
_PIN_LENGTHS: Final = range(4, 13)


def tool_fields(actions: Iterable[str], dangerous: Iterable[str]) -> dict[Any, Any]:
    """What the agent has as tools beside LLM APIs: any of these actions, and of these that need a tick of their own."""
    return {
        probatio.Optional(CONF_READ_STATES): BooleanSelector(),
        probatio.Optional(CONF_ACTIONS): _open_choices(actions),
        probatio.Optional(CONF_DANGEROUS_ACTIONS): _open_choices(dangerous),
    }


def policy_fields(*, has_pin: bool = False) -> dict[Any, Any]:
    """What needs the user's leave, when the house is to be quiet, and which satellites have fewer rights."""
    satellites = EntitySelectorConfig(domain="assist_satellite", multiple=True)
    return {
        probatio.Optional(CONF_SENSITIVE_PERMISSION): _permission(),
        probatio.Optional(CONF_SENSITIVE): _open_choices(KINDS, CONF_SENSITIVE),
        **secret_fields(CONF_PIN, stored=has_pin),
        probatio.Optional(CONF_QUIET_START): TimeSelector(),
        probatio.Optional(CONF_QUIET_END): TimeSelector(),
        probatio.Optional(CONF_QUIET_PERMISSION): _permission(),
        probatio.Optional(CONF_RESTRICTED_SATELLITES): EntitySelector(satellites),
        probatio.Optional(CONF_RESTRICTED_DENIED): _open_choices(KINDS, CONF_SENSITIVE),
        probatio.Optional(CONF_RESTRICTED_ONLY): _open_choices(KINDS, CONF_SENSITIVE),
    }


def suggested_rules(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of an agent as they are shown: what holds where nothing was chosen is seen, the PIN never is."""
    shown = {
        CONF_READ_STATES: LLM_API_ASSIST in options.get(CONF_LLM_HASS_API, ()),
        CONF_SENSITIVE_PERMISSION: Permission.CONFIRM.value,
        CONF_SENSITIVE: list(KINDS),
        CONF_QUIET_PERMISSION: Permission.DENY.value,
        **options,
    }
    return {key: value for key, value in shown.items() if key != CONF_PIN}


@callback
def async_rule_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the rules of an agent."""
    errors = {}
    pin = options.get(CONF_PIN)
    if pin is None and Permission.PIN in (options.get(CONF_SENSITIVE_PERMISSION), options.get(CONF_QUIET_PERMISSION)):
        errors[CONF_PIN] = "pin_missing"
    if pin is not None and not (pin.isascii() and pin.isdigit() and len(pin) in _PIN_LENGTHS):
        errors[CONF_PIN] = "pin_digits"
    if (CONF_QUIET_START in options) != (CONF_QUIET_END in options):
        errors[CONF_QUIET_END] = "quiet_incomplete"
    if any(async_is_dangerous(hass, action) for action in options.get(CONF_ACTIONS, ())):
        errors[CONF_ACTIONS] = "dangerous_action"
    return errors


@callback
def async_list_actions(hass: HomeAssistant) -> tuple[list[str], list[str]]:
    """The actions that there are: harmless ones, and those that need a tick of their own."""
    services = hass.services.async_services()
    known = sorted(f"{domain}.{name}" for domain, names in services.items() if domain != DOMAIN for name in names)
    dangerous = [action for action in known if async_is_dangerous(hass, action)]
    return [action for action in known if action not in dangerous], dangerous


def _permission() -> SelectSelector:
    options = [permission.value for permission in Permission]
    return SelectSelector(
        SelectSelectorConfig(options=options, translation_key="permission", mode=SelectSelectorMode.DROPDOWN)
    )


def _open_choices(options: Iterable[str], translation_key: str | None = None) -> SelectSelector:
    """Any number of these, and of others that are typed in."""
    config = SelectSelectorConfig(
        options=list(options), multiple=True, custom_value=True, mode=SelectSelectorMode.DROPDOWN
    )
    if translation_key is not None:
        config["translation_key"] = translation_key
    return SelectSelector(config)
