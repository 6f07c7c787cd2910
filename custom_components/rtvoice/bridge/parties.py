"""The two kinds of subentry that sessions belong to."""

from typing import Any, ClassVar, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ..const import CONF_PRIVATE_TRANSCRIPTS, DOMAIN
from ..engine.devices import AudioDevices
from .activity import Activity
from .chronicle import async_chronicle
from .options import AgentOptions, SatelliteOptions
from .places.kinds import make_place
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
        """Whether it can take part in sessions."""
        return True

    @property
    def present(self) -> bool:
        """Whether it can take part in one now."""
        return self.available

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
    def may_be_recorded(self) -> bool:
        """Whether the recorder may keep what is said to it and by it."""
        return not self.subentry.data.get(CONF_PRIVATE_TRANSCRIPTS)

    @property
    def writes_down(self) -> bool:
        """Whether what is said to it becomes a transcript, as far as that is known before a session."""
        return writes_down(self.entry.data, self.options.transcription_model)


class Satellite(Party):
    """A place with ears and a mouth."""

    main_platform = "assist_satellite"

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], subentry_id: str, sound: AudioDevices) -> None:
        super().__init__(entry, subentry_id)
        self.place = make_place(hass, self, sound, self.activity.changed)
        """Where it hears and speaks."""
        self.chronicle = async_chronicle(hass, subentry_id)
        self.activity.watch(self.chronicle.changed)

    @property
    def options(self) -> SatelliteOptions:
        """How it is set."""
        return SatelliteOptions.read(self.subentry.data)

    @property
    def available(self) -> bool:
        """Whether it can hear and speak."""
        return self.place.problem is None

    @property
    @override
    def present(self) -> bool:
        """Whether it can do so now, or has only gone for a moment."""
        return self.available and self.place.available
