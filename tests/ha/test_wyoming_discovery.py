"""Wyoming satellites that announce themselves, on loopback by real multicast, are offered in the form."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from homeassistant.components.zeroconf.const import DOMAIN as ZEROCONF
from homeassistant.components.zeroconf.models import HaAsyncZeroconf, HaZeroconf
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryDisabler, SubentryFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from custom_components.rtvoice.bridge.wyoming import discovery as discovery_module
from custom_components.rtvoice.const import CONF_KIND, KIND_WYOMING

from .house import add_satellite
from .test_config_flow_satellite import add, submit
from .wyoming_rig import NO_SATELLITE, RigSatellite

LOOPBACK = ["127.0.0.1"]
KIND = "_wyoming._tcp.local."


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback nobody takes long."""
    monkeypatch.setattr(discovery_module, "BROWSE_S", 0.5)


@pytest.fixture(autouse=True)
async def network(hass: HomeAssistant, socket_enabled: None) -> AsyncIterator[None]:
    """Home Assistant listens to loopback only."""
    zeroconf = HaZeroconf(interfaces=LOOPBACK)
    hass.data[ZEROCONF] = HaAsyncZeroconf(zc=zeroconf)
    hass.config.components.add("zeroconf")
    yield
    await hass.data[ZEROCONF].ha_async_close()


@asynccontextmanager
async def announced(*ports: int, address: str = "127.0.0.1") -> AsyncIterator[list[str]]:
    """Programs that announce themselves; their names, which nobody else has."""
    names = sorted(f"hall-{uuid4().hex}" for _ in ports)
    network = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        for name, port in zip(names, ports, strict=True):
            info = AsyncServiceInfo(
                KIND,
                f"{name}.{KIND}",
                addresses=[socket.inet_aton(address)] if address else [],
                port=port,
                server=f"{name}.local.",
            )
            # Its name is its own: nobody needs to be asked whether it is free.
            await (await network.async_register_service(info, cooperating_responders=True))
        yield names
    finally:
        await network.async_close()


def offered(form: SubentryFlowResult, names: list[str]) -> list[dict[str, str]]:
    """What the form offers of these; other tests may announce others at the same time."""
    field = form["data_schema"].schema[CONF_HOST]
    options = field.config.get("options", [])
    return [option for option in options if option["label"].partition(" ")[0] in names]


async def test_those_are_offered_that_announce_themselves(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    async with RigSatellite().serving() as rig, announced(rig.port, 10_700) as (first, second):
        form = await add(hass, mock_entry, KIND_WYOMING)
        assert offered(form, [first, second]) == [
            {"value": f"127.0.0.1:{rig.port}", "label": f"{first} (127.0.0.1:{rig.port})"},
            {"value": "127.0.0.1:10700", "label": f"{second} (127.0.0.1:10700)"},
        ]
        assert form["data_schema"].schema[CONF_HOST].config["custom_value"]
        chosen = {CONF_HOST: f"127.0.0.1:{rig.port}", CONF_PORT: 10_700}
        result = await submit(hass, form, chosen)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == {CONF_KIND: KIND_WYOMING, CONF_HOST: "127.0.0.1", CONF_PORT: rig.port}


async def test_one_that_comes_while_the_form_is_open_is_offered_with_the_next(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await add(hass, mock_entry, KIND_WYOMING)
    async with RigSatellite(info=NO_SATELLITE).serving() as other, announced(10_701) as names:
        # What is wrong is told without asking everybody again.
        form = await submit(hass, form, {CONF_HOST: "127.0.0.1", CONF_PORT: other.port})
        assert form["errors"] == {CONF_HOST: "no_satellite"}
        assert [option["value"] for option in offered(form, names)] == ["127.0.0.1:10701"]


@pytest.mark.parametrize("owner", ["ours", "wyoming"])
async def test_those_in_use_are_left_out(hass: HomeAssistant, mock_entry: MockConfigEntry, owner: str) -> None:
    address = {CONF_HOST: "127.0.0.1", CONF_PORT: 10_710}
    if owner == "ours":
        add_satellite(hass, mock_entry, "hall", {CONF_KIND: KIND_WYOMING, **address})
    else:
        MockConfigEntry(domain="wyoming", data=address).add_to_hass(hass)
    async with announced(10_710, 10_711) as names:
        form = await add(hass, mock_entry, KIND_WYOMING)
        assert [option["value"] for option in offered(form, names)] == ["127.0.0.1:10711"]


@pytest.mark.parametrize("not_in_use", [{"source": SOURCE_IGNORE}, {"disabled_by": ConfigEntryDisabler.USER}])
async def test_those_that_home_assistant_was_told_to_leave_alone_are_free(
    hass: HomeAssistant, mock_entry: MockConfigEntry, not_in_use: dict[str, object]
) -> None:
    address = {CONF_HOST: "127.0.0.1", CONF_PORT: 10_712}
    MockConfigEntry(domain="wyoming", data=address, **not_in_use).add_to_hass(hass)
    async with announced(10_712) as names:
        form = await add(hass, mock_entry, KIND_WYOMING)
        assert [option["value"] for option in offered(form, names)] == ["127.0.0.1:10712"]


async def test_one_that_does_not_say_where_it_is_cannot_be_offered(
    hass: HomeAssistant, mock_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery_module, "_RESOLVE_MS", 200)
    async with announced(10_713, address="") as names:
        form = await add(hass, mock_entry, KIND_WYOMING)
        assert offered(form, names) == []


async def test_without_zeroconf_an_address_is_typed(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    hass.config.components.remove("zeroconf")
    form = await add(hass, mock_entry, KIND_WYOMING)
    assert "options" not in form["data_schema"].schema[CONF_HOST].config
