"""The form of a satellite."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import probatio
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..const import (
    CONF_AGENT,
    CONF_ECHO,
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    DEFAULT_SATELLITE_NAME,
    ECHO_CANCEL,
    ECHO_HALF_DUPLEX,
    ECHO_OFF,
    FILE_PREFIX,
    KIND_LOCAL,
    SUBENTRY_AGENT,
)
from ..engine.devices import list_devices
from .subentry import SubentryFlow

_ECHO = SelectSelector(
    SelectSelectorConfig(
        options=[ECHO_CANCEL, ECHO_HALF_DUPLEX, ECHO_OFF], translation_key=CONF_ECHO, mode=SelectSelectorMode.DROPDOWN
    )
)


class SatelliteFlow(SubentryFlow):
    """Where it listens and speaks, and which agent it uses."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a satellite."""
        self._name, self._known = self._free_name(DEFAULT_SATELLITE_NAME), {}
        return await self.async_step_init(user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change a satellite."""
        subentry = self._get_reconfigure_subentry()
        self._name, self._known = subentry.title, dict(subentry.data)
        return await self.async_step_init(user_input)

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show the form, and save it when it is filled in."""
        errors = {}
        name, shown = self._name, self._known
        if user_input is not None:
            shown = {key: stripped for key, value in user_input.items() if (stripped := value.strip())}
            name = shown.pop(CONF_NAME, self._name)
            errors = await self.hass.async_add_executor_job(_file_errors, self.hass, shown)
            if not errors:
                return self._async_save(name, {CONF_KIND: KIND_LOCAL, **shown})
        agents = {agent.subentry_id: agent.title for agent in self._get_entry().get_subentries_of_type(SUBENTRY_AGENT)}
        suggested = {key: value for key, value in shown.items() if key != CONF_AGENT or value in agents}
        devices = await list_devices()
        inputs, outputs = ([device.name for device in side] for side in (devices.inputs, devices.outputs))
        schema = satellite_schema(name, inputs, outputs, agents)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, {**suggested, CONF_NAME: name}),
            errors=errors,
        )


def satellite_schema(
    name: str, inputs: Iterable[str], outputs: Iterable[str], agents: Mapping[str, str]
) -> probatio.Schema:
    """The form of a satellite at these devices, given by name, and with these agents, titles by subentry id."""
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME, default=name): TextSelector(),
            probatio.Optional(CONF_INPUT): _device_selector(inputs),
            probatio.Optional(CONF_OUTPUT): _device_selector(outputs),
            probatio.Optional(CONF_AGENT): _agent_selector(agents),
            probatio.Optional(CONF_ECHO): _ECHO,
        }
    )


def _device_selector(names: Iterable[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=list(dict.fromkeys(names)), custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    )


def _agent_selector(agents: Mapping[str, str]) -> SelectSelector:
    options = [SelectOptionDict(value=subentry_id, label=title) for subentry_id, title in agents.items()]
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))


def _file_errors(hass: HomeAssistant, options: dict[str, Any]) -> dict[str, str]:
    """What is wrong with files named as devices; looks at the disk."""
    errors = {}
    for field in (CONF_INPUT, CONF_OUTPUT):
        device = options.get(field, "")
        if not device.startswith(FILE_PREFIX):
            continue
        path = Path(device.removeprefix(FILE_PREFIX))
        if not path.is_absolute() or not hass.config.is_allowed_path(str(path)):
            errors[field] = "path_not_allowed"
        elif not _can_be_opened(path, field):
            errors[field] = "file_not_found"
    return errors


def _can_be_opened(path: Path, field: str) -> bool:
    """A microphone must be there already; for a speaker a file will be made in its folder."""
    return path.is_file() if field == CONF_INPUT else path.parent.is_dir() and not path.is_dir()
