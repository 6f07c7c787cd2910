"""A provider whose owner is told what to see to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..engine.conversation.values import Capabilities
from ..engine.errors import EndReason, EngineError
from ..engine.options import SessionOptions
from ..engine.ports import Connection, RealtimeProvider
from . import issues
from .errors import react
from .reachability import Reachability


class WatchedProvider(RealtimeProvider):
    """The provider of an account; a refused key or an empty purse is shown, also where another account stands in."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], provider: RealtimeProvider, reachability: Reachability
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._provider = provider
        self._reachability = reachability

    @property
    @override
    def capabilities(self) -> Capabilities:
        return self._provider.capabilities

    @override
    async def prewarm(self) -> None:
        await self._provider.prewarm()

    @override
    @asynccontextmanager
    async def connect(self, options: SessionOptions) -> AsyncIterator[Connection]:
        try:
            async with self._provider.connect(options) as connection:
                issues.delete_quota_issue(self._hass, self._entry)
                self._reachability.confirm()
                yield connection
        except EngineError as err:
            if err.end_reason is EndReason.CONNECTION_LOST:
                self._reachability.doubt()
            react(self._hass, self._entry, err.end_reason)
            raise

    @override
    async def close(self) -> None:
        await self._provider.close()
