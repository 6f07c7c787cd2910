"""Asks for the player's address."""

from typing import Any

import probatio
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult


class FarPlayerFlow(ConfigFlow, domain="far_player"):
    """One step."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Take the address."""
        if user_input is not None:
            return self.async_create_entry(title="Far player", data=user_input)
        return self.async_show_form(step_id="user", data_schema=probatio.Schema({probatio.Required("url"): str}))
