"""Names of the demo house."""

from typing import Final

DOMAIN: Final = "demo_house"
EVENT_SPEAK: Final = f"{DOMAIN}_speak"
"""Fired when a sentence is to be spoken into the house's microphone; `text` says which."""

KITCHEN: Final = "Kitchen"
LIVING_ROOM: Final = "Living Room"
BEDROOM: Final = "Bedroom"
HALL: Final = "Hall"
GARAGE: Final = "Garage"
