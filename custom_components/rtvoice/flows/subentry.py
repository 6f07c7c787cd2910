"""What the forms of agents and satellites have in common."""

from itertools import count
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.core import callback

from ..const import DOMAIN


class SubentryFlow(ConfigSubentryFlow):
    """Saves one form as a new subentry, or as the new state of a known one."""

    _name: str
    """How the subentry is called so far."""
    _known: dict[str, Any]
    """What the subentry's options are so far."""

    @callback
    def _free_name(self, wanted: str) -> str:
        """The wanted name, with a number behind it if something of ours is called so already."""
        entries = self.hass.config_entries.async_entries(DOMAIN)
        taken = {subentry.title for entry in entries for subentry in entry.subentries.values()}
        names = (wanted if number == 1 else f"{wanted} {number}" for number in count(1))
        return next(name for name in names if name not in taken)

    @callback
    def _async_save(self, title: str, options: dict[str, Any]) -> SubentryFlowResult:
        if self.source == SOURCE_USER:
            return self.async_create_entry(title=title, data=options)
        return self.async_update_reload_and_abort(
            self._get_entry(), self._get_reconfigure_subentry(), title=title, data=options
        )
