"""Whether the provider of an account is there."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later
from homeassistant.util.signal_type import SignalType

from ..const import DOMAIN
from ..engine.errors import ConnectionFailedError, EngineError

_LOGGER = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 30.0
SIGNAL_REACHABILITY: Final[SignalType[()]] = SignalType(f"{DOMAIN}_reachability")
"""Sent whenever entities may have become available or unavailable."""


class Reachability:
    """Looks for a provider when a link to it failed, and again until it is back; the log says both once.

    `look` asks the provider for something, and raises an EngineError where that does not work.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], look: Callable[[], Awaitable[object]]) -> None:
        self.reachable = True
        self._hass = hass
        self._entry = entry
        self._look = look
        self._looking = False
        self._closed = False
        self._forget_timer: CALLBACK_TYPE | None = None

    @callback
    def doubt(self, now: datetime | None = None) -> None:  # noqa: ARG002 - a timer gives it
        """Look whether the provider is there."""
        self._stop_waiting()
        if not self._looking and not self._closed:
            self._looking = True
            name = f"{DOMAIN} look for the provider of {self._entry.title}"
            self._entry.async_create_background_task(self._hass, self._async_look(), name)

    @callback
    def confirm(self) -> None:
        """The provider is there."""
        self._stop_waiting()
        if not self.reachable:
            _LOGGER.info("The provider of %s can be reached again", self._entry.title)
            self._show(reachable=True)

    @callback
    def tell(self) -> None:
        """Have the entities show it."""
        async_dispatcher_send(self._hass, SIGNAL_REACHABILITY)

    @callback
    def close(self) -> None:
        """Look no more. Idempotent."""
        self._closed = True
        self._stop_waiting()

    async def _async_look(self) -> None:
        try:
            await self._look()
        except ConnectionFailedError as err:
            self._miss(err)
        except EngineError as err:
            _LOGGER.debug("The provider of %s is there, but refuses: %s", self._entry.title, err)
            self.confirm()
        else:
            self.confirm()
        finally:
            self._looking = False

    def _miss(self, err: ConnectionFailedError) -> None:
        if self._closed:
            return
        if self.reachable:
            _LOGGER.info("The provider of %s cannot be reached: %s", self._entry.title, err)
            self._show(reachable=False)
        self._forget_timer = async_call_later(self._hass, LOOK_AGAIN_S, self.doubt)

    def _show(self, *, reachable: bool) -> None:
        self.reachable = reachable
        self.tell()

    def _stop_waiting(self) -> None:
        if self._forget_timer is not None:
            self._forget_timer()
            self._forget_timer = None
