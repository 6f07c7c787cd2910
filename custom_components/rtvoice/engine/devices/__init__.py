"""Microphones and speakers that the engine brings along."""

from .null import NullInput, NullOutput

__all__ = ["NullInput", "NullOutput"]
