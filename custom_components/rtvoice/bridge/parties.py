"""The two kinds of subentry that sessions belong to."""

from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN
from .activity import Activity
from .options import AgentOptions, SatelliteOptions
from .provider import writes_down


class Party:
    """An agent or a satellite: a subentry, with what is seen of it."""

    main_platform: ClassVar[str]
    """The platform of its main entity."""

    def __init__(self, entry: ConfigEntry[Any], subentry_id: str) -> None:
        self.entry = entry
        self.subentry_id = subentry_id
        self._subentry = entry.subentries[subentry_id]
        self.activity = Activity()
        self.muted = False
        """Whether no session of it may hear anything."""

    @property
    def subentry(self) -> ConfigSubentry:
        """The subentry as it is now, or as it was before it was removed."""
        self._subentry = self.entry.subentries.get(self.subentry_id, self._subentry)
        return self._subentry

    @property
    def title(self) -> str:
        """Its name."""
        return self.subentry.title

    @property
    def available(self) -> bool:
        """Whether it can take part in a session."""
        return True

    @callback
    def async_entity_id(self, hass: HomeAssistant) -> str | None:
        """Its main entity; None before there is one."""
        return er.async_get(hass).async_get_entity_id(self.main_platform, DOMAIN, self.subentry_id)

    @callback
    def async_device_id(self, hass: HomeAssistant) -> str | None:
        """Its device; None before there is one."""
        identifier = (DOMAIN, self.subentry_id)
        device = dr.async_get(hass).async_get_device_by_identifier(identifier, self.entry.entry_id)
        return device.id if device else None


class Agent(Party):
    """A persona."""

    main_platform = "conversation"

    @property
    def options(self) -> AgentOptions:
        """How it is set."""
        return AgentOptions.read(self.subentry.data)

    @property
    def writes_down(self) -> bool:
        """Whether what is said to it becomes a transcript, as far as that is known before a session."""
        return writes_down(self.entry.data, self.options.transcription_model)


class Satellite(Party):
    """A place with ears and a mouth."""

    main_platform = "assist_satellite"

    def __init__(self, entry: ConfigEntry[Any], subentry_id: str, problem: str | None = None) -> None:
        super().__init__(entry, subentry_id)
        self.problem = problem
        """The key of a repair issue that says why it cannot hear or speak."""

    @property
    def options(self) -> SatelliteOptions:
        """How it is set."""
        return SatelliteOptions.read(self.subentry.data)

    @property
    def available(self) -> bool:
        """Whether it can hear and speak."""
        return self.problem is None
