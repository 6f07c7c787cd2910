"""What the wake word of a place wakes."""

import asyncio
import logging
from dataclasses import dataclass

from homeassistant.exceptions import HomeAssistantError

from ...engine import AgentState
from ...engine.errors import EndReason
from ..activity import Activity
from ..wakes import Interrupt, Woken
from .detector import EngineDetector

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Over:
    """A session is over. Why is shown where all sessions are shown, and no reason to wait before the next."""

    end_reason: EndReason = EndReason.STOPPED


class PlaceSessions:
    """The sessions at a place as what is woken there, and silenced; they begin and end by themselves."""

    def __init__(self, activity: Activity, detector: EngineDetector, woken: Woken, interrupt: Interrupt) -> None:
        self._activity = activity
        self._detector = detector
        self._woken = woken
        self._interrupt = interrupt
        self._over = asyncio.Event()

    @property
    def state(self) -> AgentState:
        """What the session at the place is doing, whoever has begun it."""
        return self._activity.snapshot.status

    async def run(self) -> Over:
        """Have a session begin, if it is answered here, and wait until it is over."""
        self._over.clear()
        try:
            answered = self._woken(self._detector.phrase)
        except HomeAssistantError as err:
            _LOGGER.debug("The wake word is not answered: %s", err)
        else:
            if answered:
                await self._over.wait()
        return Over()

    async def interrupt(self, *, heard_s: float | None = None) -> None:
        """Silence the agent, if it still speaks."""
        try:
            await self._interrupt(self._detector.phrase, heard_s)
        except HomeAssistantError as err:
            _LOGGER.debug("The wake word interrupts nothing: %s", err)

    async def stop(self) -> None:
        """Wait for a session no longer; it goes on."""
        self._over.set()

    def ended(self) -> None:
        """The session at the place is over."""
        self._over.set()
