"""What the system information says about this integration."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .bridge.budget import dollars
from .bridge.runtime import Runtime
from .const import CONF_BASE_URL, CONF_PROVIDER, DOMAIN, PROVIDER_OPENAI

OPENAI_URL: Final = "https://api.openai.com/v1/models"


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Say who answers for it."""
    register.async_register_info(async_system_health_info, "/config/integrations/integration/rtvoice")


async def async_system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """How many accounts, agents, satellites and sessions there are, what today cost, and whether OpenAI is there."""
    entries = hass.config_entries.async_entries(DOMAIN)
    runtimes: list[Runtime] = [entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED]
    today = dt_util.now().date()
    agents = [(runtime, agent) for runtime in runtimes for agent in runtime.agents.values()]
    costs = (runtime.ledger.of(agent.subentry_id).cost_on(today) for runtime, agent in agents)
    info: dict[str, Any] = {
        "accounts": f"{len(runtimes)} / {len(entries)}",
        "agents": len(agents),
        "satellites": sum(len(runtime.satellites) for runtime in runtimes),
        "sessions": _sessions(runtimes),
        "cost_today": dollars(sum(costs, start=Decimal(0))),
    }
    if any(entry.data[CONF_PROVIDER] == PROVIDER_OPENAI and not entry.data.get(CONF_BASE_URL) for entry in entries):
        info["can_reach_openai"] = system_health.async_check_can_reach_url(hass, OPENAI_URL)
    return info


def _sessions(runtimes: Iterable[Runtime]) -> int:
    """How many run now; one of an agent on a satellite of another account is one."""
    return len({session.session_id for runtime in runtimes for session in runtime.sessions})
