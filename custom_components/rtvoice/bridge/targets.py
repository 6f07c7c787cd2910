"""Who an action is aimed at."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from ..const import DOMAIN
from .errors import refused
from .live import LiveSession
from .parties import Agent, Party, Satellite
from .permissions import async_allowed, unauthorized
from .runtime import Runtime
from .session import Session
from .venue import Venue

_SATELLITE_DOMAIN = "assist_satellite"


@dataclass(slots=True)
class Targets:
    """Agents and satellites of ours, each once, and satellites of other integrations by entity id."""

    parties: list[Party] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def satellites(self) -> list[Satellite]:
        """Those of ours that are places."""
        return [party for party in self.parties if isinstance(party, Satellite)]

    @property
    def agents(self) -> list[Agent]:
        """Those of ours that are personas."""
        return [party for party in self.parties if isinstance(party, Agent)]

    def sessions(self) -> list[Session]:
        """The sessions of all of them, each once."""
        return list({session: None for party in self.parties for session in runtime_of(party).sessions_of(party)})

    def live_sessions(self) -> list[LiveSession]:
        """Those of them that are on satellites of ours, where the agent can speak at any time."""
        return [session for session in self.sessions() if isinstance(session, LiveSession)]


async def async_targets(hass: HomeAssistant, call: ServiceCall, *, foreign: bool = False) -> Targets:
    """Find what a call is aimed at, with `foreign` also satellites of other integrations.

    What was named must fit and be under the caller's control, or ServiceValidationError or Unauthorized is raised;
    what only belongs to a device, area, floor or label that was named is left out if it does not.
    """
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data), primary_entities_only=False)
    allowed = await async_allowed(hass, call.context)
    targets = Targets()
    for entity_id in sorted(selected.referenced):
        if not allowed(entity_id):
            raise unauthorized(call.context, entity_id)
        if not _add(hass, targets, entity_id, foreign=foreign):
            key = "not_loaded" if _is_ours(hass, entity_id) else "unknown_target"
            raise refused(key, entity=entity_id)
    for entity_id in sorted(filter(allowed, selected.indirectly_referenced)):
        _add(hass, targets, entity_id, foreign=False)
    if not targets.parties and not targets.foreign:
        raise refused("unknown_target", entity=", ".join(_named(call)))
    return targets


@callback
def async_parties(hass: HomeAssistant, selection: TargetSelection) -> list[Party]:
    """The agents and satellites that a selection names or takes in, each once, as far as their accounts are loaded."""
    parties = (_party(hass, entity_id) for entity_id in sorted(_entity_ids(hass, selection)))
    return list(dict.fromkeys(party for party in parties if party is not None))


@callback
def async_takes_in(hass: HomeAssistant, selection: TargetSelection, agent: Agent, venue: Venue) -> bool:
    """Whether a selection names or takes in an agent, or where a session takes place; loaded or not."""
    registry = er.async_get(hass)
    entity_ids = _entity_ids(hass, selection)
    if venue.async_entity_id(hass) in entity_ids:
        return True
    taking_part = {party.subentry_id for party in (agent, venue) if isinstance(party, Party)}
    entries = (registry.async_get(entity_id) for entity_id in entity_ids)
    return any(
        entry is not None and entry.platform == DOMAIN and entry.config_subentry_id in taking_part for entry in entries
    )


@callback
def agent_of_entity(hass: HomeAssistant, entity_id: str) -> Agent:
    """The agent whose entity this is. Raises ServiceValidationError if it is none's."""
    party = _party(hass, entity_id)
    if not isinstance(party, Agent):
        raise refused("unknown_target", entity=entity_id)
    return party


async def async_agent(hass: HomeAssistant, call: ServiceCall, entity_id: str) -> Agent:
    """The agent whose entity this is.

    Raises Unauthorized if the caller may not control it, whether it is one or not, and ServiceValidationError.
    """
    if not (await async_allowed(hass, call.context))(entity_id):
        raise unauthorized(call.context, entity_id)
    return agent_of_entity(hass, entity_id)


async def async_check_places(hass: HomeAssistant, call: ServiceCall, satellites: Iterable[Satellite]) -> None:
    """Raise Unauthorized unless the caller may control all these satellites: they are about to listen."""
    allowed = await async_allowed(hass, call.context)
    for entity_id in (satellite.async_entity_id(hass) for satellite in satellites):
        if entity_id is not None and not allowed(entity_id):
            raise unauthorized(call.context, entity_id)


def places_of(targets: Targets, agent: Agent | None) -> list[tuple[Satellite, Agent | None]]:
    """Where sessions start, each place once: the satellites, and of agents that were named their own."""
    places: dict[str, tuple[Satellite, Agent | None]] = {
        satellite.subentry_id: (satellite, agent) for satellite in targets.satellites
    }
    for named in targets.agents:
        if any(runtime_of(satellite).agent_of(satellite) is named for satellite, _ in places.values()):
            continue
        own = runtime_of(named).satellite_of(named)
        if own is None:
            raise refused("no_satellite", agent=named.title)
        places.setdefault(own.subentry_id, (own, agent or named))
    return list(places.values())


async def async_satellite(hass: HomeAssistant, call: ServiceCall, entity_id: str) -> Satellite:
    """The satellite of ours whose entity this is.

    Raises ServiceValidationError if it is none, and Unauthorized if the caller may not control it.
    """
    party = _party(hass, entity_id)
    if not isinstance(party, Satellite):
        raise refused("unknown_satellite", entity=entity_id)
    if not (await async_allowed(hass, call.context))(entity_id):
        raise unauthorized(call.context, entity_id)
    return party


@callback
def async_satellites(hass: HomeAssistant) -> list[Satellite]:
    """All satellites of the accounts that are loaded."""
    runtimes: list[Runtime] = [entry.runtime_data for entry in hass.config_entries.async_loaded_entries(DOMAIN)]
    return [satellite for runtime in runtimes for satellite in runtime.satellites.values()]


@callback
def async_satellite_of(hass: HomeAssistant, entity_id: str) -> Satellite | None:
    """The satellite of ours whose main entity this is, if its account is loaded."""
    party = _party(hass, entity_id)
    is_main = isinstance(party, Satellite) and party.async_entity_id(hass) == entity_id
    return party if isinstance(party, Satellite) and is_main else None


def runtime_of(party: Party) -> Runtime:
    """The runtime that a party lives in."""
    runtime: Runtime = party.entry.runtime_data
    return runtime


def _add(hass: HomeAssistant, targets: Targets, entity_id: str, *, foreign: bool) -> bool:
    """Add what an entity stands for; whether it stands for anything."""
    if (party := _party(hass, entity_id)) is not None:
        if party not in targets.parties:
            targets.parties.append(party)
        return True
    if not foreign or _is_ours(hass, entity_id):
        return False
    if entity_id.startswith(f"{_SATELLITE_DOMAIN}.") and hass.states.get(entity_id) is not None:
        targets.foreign.append(entity_id)
        return True
    return False


def _entity_ids(hass: HomeAssistant, selection: TargetSelection) -> set[str]:
    selected = async_extract_referenced_entity_ids(hass, selection, primary_entities_only=False)
    return selected.referenced | selected.indirectly_referenced


def _is_ours(hass: HomeAssistant, entity_id: str) -> bool:
    registered = er.async_get(hass).async_get(entity_id)
    return registered is not None and registered.platform == DOMAIN


def _party(hass: HomeAssistant, entity_id: str) -> Party | None:
    """The agent or satellite whose entity this is, if its account is loaded."""
    registered = er.async_get(hass).async_get(entity_id)
    if registered is None or registered.platform != DOMAIN or registered.config_entry_id is None:
        return None
    entry = hass.config_entries.async_get_entry(registered.config_entry_id)
    if entry is None or entry.state is not ConfigEntryState.LOADED:
        return None
    runtime: Runtime = entry.runtime_data
    subentry_id = registered.config_subentry_id or ""
    return runtime.agents.get(subentry_id) or runtime.satellites.get(subentry_id)


def _named(call: ServiceCall) -> Iterable[str]:
    """What was named, for an error message."""
    selection = TargetSelection(call.data)
    groups = (selection.entity_ids, selection.device_ids, selection.area_ids, selection.floor_ids, selection.label_ids)
    return (name for group in groups for name in sorted(group))
