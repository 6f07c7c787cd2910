"""What a place knows of the satellite that it belongs to."""

from typing import Protocol

from homeassistant.config_entries import ConfigSubentry

from ..activity import Activity


class Site(Protocol):
    """A satellite."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def subentry(self) -> ConfigSubentry:
        """Its options as they are now."""

    @property
    def subentry_id(self) -> str:
        """What it is known by."""

    @property
    def activity(self) -> Activity:
        """What is seen of it."""

    @property
    def muted(self) -> bool:
        """Whether nobody may hear anything there."""
