"""Add the demo house; there is nothing to ask."""

from typing import Any, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult

from .const import DOMAIN


class DemoHouseConfigFlow(ConfigFlow, domain=DOMAIN):
    """One step without a form."""

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Create the entry."""
        return self.async_create_entry(title="Demo house", data={})
