"""A brain for the demo house: hears with pocketsphinx, speaks with flite."""

from .brain import HomeBrain

__all__ = ["HomeBrain"]
