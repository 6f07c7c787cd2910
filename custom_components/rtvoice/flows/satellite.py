"""The forms of a satellite: which kind of place it is, and then what that kind needs to know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import probatio
from homeassistant.components.media_player.const import DOMAIN as MEDIA_PLAYER_DOMAIN
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..bridge.options import SatelliteOptions
from ..const import (
    CONF_AGENT,
    CONF_ECHO,
    CONF_KIND,
    CONF_SPEAKER,
    DEFAULT_BROWSER_NAME,
    DEFAULT_SATELLITE_NAME,
    ECHO_CANCEL,
    ECHO_HALF_DUPLEX,
    ECHO_OFF,
    KIND_BROWSER,
    KIND_LOCAL,
    KIND_WYOMING,
    SUBENTRY_AGENT,
)
from .local_form import async_local_errors, async_local_fields
from .subentry import SubentryFlow
from .wake_form import meaningful
from .wyoming_form import async_wyoming_errors, async_wyoming_fields, read_wyoming

type Fields = dict[probatio.Marker, object]

_ECHO: Final = SelectSelector(
    SelectSelectorConfig(
        options=[ECHO_CANCEL, ECHO_HALF_DUPLEX, ECHO_OFF], translation_key=CONF_ECHO, mode=SelectSelectorMode.DROPDOWN
    )
)

_SPEAKER: Final = EntitySelector(
    EntitySelectorConfig(
        filter=EntityWithDeviceFilterSelectorConfig(
            domain=MEDIA_PLAYER_DOMAIN, supported_features=["media_player.MediaPlayerEntityFeature.PLAY_MEDIA"]
        )
    )
)


@dataclass(frozen=True, slots=True)
class KindForm:
    """What the form of a kind of satellite has beside its name, its agent and its echo."""

    name: str
    """How a new one is called."""
    fields: Callable[[HomeAssistant], Awaitable[Fields]]
    errors: Callable[[HomeAssistant, Mapping[str, Any]], Awaitable[dict[str, str]]]
    """What is wrong with what was filled in, by field."""
    read: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    """What was filled in as options."""


async def _async_no_fields(hass: HomeAssistant) -> Fields:  # noqa: ARG001 - others look
    return {}


async def _async_no_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG001 - others look
    return {}


LOCAL_FORM: Final = KindForm(DEFAULT_SATELLITE_NAME, async_local_fields, async_local_errors)
WYOMING_FORM: Final = KindForm("Wyoming satellite", async_wyoming_fields, async_wyoming_errors, read_wyoming)
BROWSER_FORM: Final = KindForm(DEFAULT_BROWSER_NAME, _async_no_fields, _async_no_errors)


class SatelliteFlow(SubentryFlow):
    """Where it listens and speaks, and which agent it uses. Each kind has a step that is called like it."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Ask what kind of place it is."""
        self._name, self._known = "", {}
        return self.async_show_menu(step_id="user", menu_options=[KIND_LOCAL, KIND_BROWSER, KIND_WYOMING])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Change a satellite, which stays of its kind."""
        subentry = self._get_reconfigure_subentry()
        self._name, self._known = subentry.title, dict(subentry.data)
        kind = SatelliteOptions.read(subentry.data).kind
        step: Callable[[], Awaitable[SubentryFlowResult]] = getattr(self, f"async_step_{kind}")
        return await step()

    async def async_step_local(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a sound card of this machine."""
        return await self._async_ask(KIND_LOCAL, LOCAL_FORM, user_input)

    async def async_step_wyoming(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the address of a Wyoming satellite."""
        return await self._async_ask(KIND_WYOMING, WYOMING_FORM, user_input)

    async def async_step_browser(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a page that shows the card."""
        return await self._async_ask(KIND_BROWSER, BROWSER_FORM, user_input)

    async def _async_ask(self, kind: str, form: KindForm, user_input: dict[str, Any] | None) -> SubentryFlowResult:
        """Show the form of a kind, and save it when it is filled in."""
        errors = {}
        name, shown = self._name or self._free_name(form.name), self._known
        if user_input is not None:
            shown = form.read(meaningful(map(_stripped, user_input.items())))
            name = shown.pop(CONF_NAME, name)
            errors = await form.errors(self.hass, shown)
            if not errors:
                return self._async_save(name, {CONF_KIND: kind, **shown})
        agents = {agent.subentry_id: agent.title for agent in self._get_entry().get_subentries_of_type(SUBENTRY_AGENT)}
        suggested = {key: value for key, value in shown.items() if key != CONF_AGENT or value in agents}
        schema = satellite_schema(name, await form.fields(self.hass), agents)
        return self.async_show_form(
            step_id=kind,
            data_schema=self.add_suggested_values_to_schema(schema, {**suggested, CONF_NAME: name}),
            errors=errors,
        )


def satellite_schema(name: str, fields: Fields, agents: Mapping[str, str]) -> probatio.Schema:
    """The form of a satellite with the fields of its kind and these agents, titles by subentry id."""
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME, default=name): TextSelector(),
            **fields,
            probatio.Optional(CONF_AGENT): _agent_selector(agents),
            probatio.Optional(CONF_SPEAKER): _SPEAKER,
            probatio.Optional(CONF_ECHO): _ECHO,
        }
    )


def _stripped(field: tuple[str, Any]) -> tuple[str, Any]:
    key, value = field
    return key, value.strip() if isinstance(value, str) else value


def _agent_selector(agents: Mapping[str, str]) -> SelectSelector:
    options = [SelectOptionDict(value=subentry_id, label=title) for subentry_id, title in agents.items()]
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))
