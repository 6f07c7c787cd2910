"""The engine's states in Assist's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from homeassistant.components.assist_satellite.entity import AssistSatelliteState

from ..engine import AgentState

SATELLITE_STATES: Final[Mapping[AgentState, AssistSatelliteState]] = MappingProxyType(
    {
        AgentState.IDLE: AssistSatelliteState.IDLE,
        AgentState.CONNECTING: AssistSatelliteState.PROCESSING,
        AgentState.LISTENING: AssistSatelliteState.LISTENING,
        AgentState.THINKING: AssistSatelliteState.PROCESSING,
        AgentState.SPEAKING: AssistSatelliteState.RESPONDING,
        AgentState.RECONNECTING: AssistSatelliteState.PROCESSING,
    }
)
"""What an Assist satellite is said to do while its agent does this."""
