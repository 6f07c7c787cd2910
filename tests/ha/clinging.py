"""A tool that does not let itself be cancelled."""

import asyncio
from dataclasses import dataclass, field

from homeassistant.core import HomeAssistant
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Call

from .conftest import AGENT_ID

CLING = Call("cling")


@dataclass
class Clinging:
    """Whether it runs, and that it may end."""

    running: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


def add_clinging_tool(hass: HomeAssistant, entry: MockConfigEntry) -> Clinging:
    """Give the agent this tool and no other."""
    clinging = Clinging()

    class ClingingTool(llm.Tool):
        name = CLING.name
        integration = "cling"

        async def async_call(
            self, hass: HomeAssistant, tool_input: llm.ToolInput, llm_context: llm.LLMContext
        ) -> llm.ToolResult:
            clinging.running.set()
            while not clinging.released.is_set():
                try:
                    await clinging.released.wait()
                except asyncio.CancelledError:
                    continue
            return llm.ToolResult({})

    class ClingingAPI(llm.API):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            return llm.APIInstance(self, "", llm_context, [ClingingTool()])

    llm.async_register_api(hass, ClingingAPI(hass=hass, id="cling", name="Cling"))
    subentry = entry.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, "llm_hass_api": ["cling"]})
    return clinging
