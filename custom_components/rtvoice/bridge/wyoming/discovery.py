"""Who in the network speaks the Wyoming protocol and could be a satellite."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ...const import CONF_KIND, DOMAIN, KIND_WYOMING, SUBENTRY_SATELLITE

if TYPE_CHECKING:
    from zeroconf import Zeroconf

BROWSE_S: Final = 2.0
"""How long an answer may take: a question is asked at once and again after a second."""
FRESH_S: Final = 30.0
"""Within this time nobody is asked again; those who come meanwhile announce themselves."""
_RESOLVE_MS: Final = 1000
_TYPE: Final = "_wyoming._tcp.local."
_OTHERS: Final = "wyoming"
"""Home Assistant's own integration, whose satellites serve nobody else."""
_ASKED: Final[HassKey[float]] = HassKey(f"{DOMAIN}_wyoming_asked")


@dataclass(frozen=True, slots=True)
class Announced:
    """A program that announces itself; whether it is a satellite it does not say."""

    name: str
    host: str
    port: int


async def async_announced(hass: HomeAssistant) -> list[Announced]:
    """Ask the network, and return who answers and is not in use yet, by name.

    It goes through Home Assistant's zeroconf: nobody where that integration is not loaded.
    """
    if "zeroconf" not in hass.config.components:
        return []
    # Late, because the package is there only with the integration.
    from homeassistant.components.zeroconf import async_get_instance  # noqa: PLC0415

    shared = await async_get_instance(hass)
    await _async_ask(hass, shared)
    found = await asyncio.gather(*(_async_find(shared, name) for name in _names(shared)))
    used = set(_in_use(hass))
    free = {one for one in found if one is not None and (one.host, one.port) not in used}
    return sorted(free, key=lambda one: (one.name, one.host, one.port))


async def _async_ask(hass: HomeAssistant, shared: Zeroconf) -> None:
    from zeroconf.asyncio import AsyncServiceBrowser  # noqa: PLC0415 - as above

    now_s = hass.loop.time()
    if now_s - hass.data.get(_ASKED, float("-inf")) < FRESH_S:
        return
    hass.data[_ASKED] = now_s
    # What it hears, it puts into the cache of the instance.
    browser = AsyncServiceBrowser(shared, _TYPE, handlers=[_take_note])
    try:
        await asyncio.sleep(BROWSE_S)
    finally:
        await browser.async_cancel()


def _take_note(**change: object) -> None:
    """The browser wants somebody to tell."""


def _names(shared: Zeroconf) -> set[str]:
    from zeroconf import DNSPointer  # type: ignore[attr-defined] # noqa: PLC0415 - it is public, but not typed as such

    return {record.alias for record in shared.cache.async_entries_with_name(_TYPE) if isinstance(record, DNSPointer)}


async def _async_find(shared: Zeroconf, full_name: str) -> Announced | None:
    from zeroconf import IPVersion  # noqa: PLC0415 - as above
    from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415 - as above

    service = AsyncServiceInfo(_TYPE, full_name)
    if not (service.load_from_cache(shared) or await service.async_request(shared, _RESOLVE_MS)):
        return None
    addresses = service.parsed_addresses(IPVersion.V4Only)
    if service.port is None or not addresses:
        return None
    return Announced(full_name.removesuffix(f".{_TYPE}"), addresses[0], service.port)


@callback
def _in_use(hass: HomeAssistant) -> Iterator[tuple[str, int]]:
    """Addresses of satellites that we have, or that Home Assistant's integration has."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for satellite in entry.get_subentries_of_type(SUBENTRY_SATELLITE):
            if satellite.data.get(CONF_KIND) == KIND_WYOMING:
                yield satellite.data[CONF_HOST], int(satellite.data[CONF_PORT])
    for entry in hass.config_entries.async_entries(_OTHERS, include_ignore=False, include_disabled=False):
        yield entry.data.get(CONF_HOST, ""), int(entry.data.get(CONF_PORT, 0))
