"""Switches: whether there is a session, and whether it may hear."""

from typing import Any, Final, override

from homeassistant.components.conversation import DOMAIN as CONVERSATION_DOMAIN
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.components.switch import SwitchEntity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import ExtraStoredData, RestoredExtraData, RestoreEntity

from .bridge.errors import refused
from .bridge.parties import Agent, Party, Satellite
from .bridge.request import SessionRequest
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .entity import FollowingEntity, async_add_to_all

PARALLEL_UPDATES = 0

_MUTED: Final = "muted"


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the switches of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _switches)


def _switches(runtime: Runtime, party: Party) -> list[Entity]:
    return [SessionSwitch(runtime, party, "session"), MuteSwitch(runtime, party, "mute")]


class PartySwitch(FollowingEntity, SwitchEntity):
    """A switch that shows something of an agent or a satellite."""

    @override
    async def async_added_to_hass(self) -> None:
        """Stay out of the agent's own reach, unless the user has decided otherwise: it would mute or end itself."""
        entry = self.registry_entry
        if entry is not None and "should_expose" not in entry.options.get(CONVERSATION_DOMAIN, {}):
            async_expose_entity(self.hass, CONVERSATION_DOMAIN, self.entity_id, should_expose=False)
        await super().async_added_to_hass()

    @override
    def shown(self) -> object:
        """The state."""
        return self.is_on


class SessionSwitch(PartySwitch):
    """Starts and ends a session: an agent's on its own satellite, a satellite's with its agent."""

    @property
    @override
    def available(self) -> bool:
        """Whether there could be one now."""
        return super().available and self.party.present

    @override
    def shown(self) -> object:
        """The state."""
        return self.is_on, self.available

    @property
    @override
    def is_on(self) -> bool:
        """Whether there is a session, connected or on its way."""
        return bool(self.runtime.sessions_of(self.party))

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Start a session; nothing happens if there is one."""
        if self.is_on:
            return
        satellite, agent = self._place()
        request = SessionRequest(context=self._context or Context())
        await self.runtime.async_start(satellite, request, agent)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """End the sessions."""
        await self.runtime.async_stop(self.runtime.sessions_of(self.party))

    def _place(self) -> tuple[Satellite, Agent | None]:
        match self.party:
            case Satellite() as satellite:
                return satellite, None
            case Agent() as agent if (own := self.runtime.satellite_of(agent)) is not None:
                return own, agent
            case _:
                raise refused("no_satellite", agent=self.party.title)


class MuteSwitch(PartySwitch, RestoreEntity):
    """Keeps an agent from hearing anywhere, or a satellite from hearing at all, in this session and in later ones.

    What was muted stays so when the account is reloaded or Home Assistant restarts.
    """

    @override
    async def async_added_to_hass(self) -> None:
        """Be as before."""
        last = await self.async_get_last_extra_data()
        self.party.muted = last is not None and last.as_dict().get(_MUTED) is True
        await super().async_added_to_hass()

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData:
        """Whether it may hear nothing, which the state does not say while the switch is unavailable."""
        return RestoredExtraData({_MUTED: self.party.muted})

    @property
    @override
    def is_on(self) -> bool:
        """Whether it may hear nothing."""
        return self.party.muted

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Hear nothing from now on."""
        await self.runtime.async_set_muted(self.party, muted=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Hear again."""
        await self.runtime.async_set_muted(self.party, muted=False)
