"""What Home Assistant has heard of in the network that speaks the Wyoming protocol."""

from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant

_TYPE: Final = "_wyoming._tcp.local."


@dataclass(frozen=True, slots=True)
class Announced:
    """A program that announces itself; whether it is a satellite it does not say."""

    name: str
    host: str
    port: int


async def async_announced(hass: HomeAssistant) -> list[Announced]:
    """Who has announced themselves, by name; nobody where the zeroconf integration is not loaded. Asks nobody."""
    if "zeroconf" not in hass.config.components:
        return []
    # Late, because the package is there only with the integration.
    from homeassistant.components.zeroconf import async_get_instance  # noqa: PLC0415
    from zeroconf import DNSPointer, IPVersion  # type: ignore[attr-defined] # noqa: PLC0415 - it is public, but not typed as such
    from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

    shared = await async_get_instance(hass)
    records = shared.cache.async_entries_with_name(_TYPE)
    found = set[Announced]()
    for full_name in {record.alias for record in records if isinstance(record, DNSPointer)}:
        service = AsyncServiceInfo(_TYPE, full_name)
        if not service.load_from_cache(shared) or service.port is None:
            continue
        for address in service.parsed_addresses(IPVersion.V4Only)[:1]:
            found.add(Announced(full_name.removesuffix(f".{_TYPE}"), address, service.port))
    return sorted(found, key=lambda one: (one.name, one.host, one.port))
