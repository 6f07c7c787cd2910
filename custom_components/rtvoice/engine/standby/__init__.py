"""Standing by for a wake word."""

from .detector import InProcessDetector
from .microphone import OpenMicrophone
from .standby import StandBy

__all__ = ["InProcessDetector", "OpenMicrophone", "StandBy"]
