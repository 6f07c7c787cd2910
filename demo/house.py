"""Furnishing the house: the demo's things, the voice agent, what it may touch, and the dashboard."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from .api import ApiError, HomeAssistantApi, Json

ENTRIES = "/api/config/config_entries"
EXPOSED = ("lock.front_door", "cover.garage_door")
"""What Home Assistant does not expose to voice by itself but this house does."""
SATELLITE_AREA = "Living Room"
RELOAD_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Account:
    """A provider's account, as the configuration flow asks for it."""

    kind: str
    fields: Mapping[str, str]


def simulated(base_url: str, api_key: str) -> Account:
    """The simulator's account."""
    return Account("compatible", {"base_url": base_url, "api_key": api_key, "dialect": "ga"})


def from_environment() -> Account | None:
    """OpenAI's account if there is a key in the environment."""
    return Account("openai", {"api_key": key}) if (key := os.environ.get("OPENAI_API_KEY")) else None


class Furnishing:
    """Puts things into a running Home Assistant through the same doors as a person; what is there already stays."""

    def __init__(self, api: HomeAssistantApi) -> None:
        self._api = api

    async def furnish(self, account: Account, devices: Mapping[str, str]) -> None:
        """Make the house complete: things, agent with satellite, dashboard. Raises ApiError."""
        if not await self._entries("demo_house"):
            await self._api.flow(f"{ENTRIES}/flow", {"handler": "demo_house"}, ())
        await self.set_up_agent(account, devices)
        await self._expose()
        await self._api.call("frontend/set_system_data", key="core", value={"default_panel": "demo-house"})

    async def set_up_agent(self, account: Account, devices: Mapping[str, str]) -> None:
        """Add the account anew, with an agent and a satellite on `devices`. Raises ApiError."""
        for entry in await self._entries("rtvoice"):
            await self._api.request("DELETE", f"{ENTRIES}/entry/{entry['entry_id']}")
        steps: tuple[Json, ...] = ({"next_step_id": account.kind}, dict(account.fields))
        step = await self._api.flow(f"{ENTRIES}/flow", {"handler": "rtvoice"}, steps)
        if step["type"] != "create_entry":
            raise ApiError(f"The voice agent was not added: {step}")
        entry_id = step["result"]["entry_id"]
        await self._set_up_satellite(entry_id, devices)
        (satellite,) = await self._satellites(entry_id)
        await self._put_into_area(satellite["device_id"])

    async def add_satellite(self, kind: str, fields: Json) -> str:
        """Add a satellite of a kind to the account; its subentry id. Raises ApiError."""
        (entry,) = await self._entries("rtvoice")
        before = await self._subentries(entry["entry_id"], "satellite")
        start: Json = {"handler": [entry["entry_id"], "satellite"]}
        await self._api.flow(f"{ENTRIES}/subentries/flow", start, ({"next_step_id": kind}, fields))
        await self._until_loaded(entry["entry_id"])
        (subentry_id,) = set(await self._subentries(entry["entry_id"], "satellite")) - set(before)
        return subentry_id

    async def change_agent(self, fields: Json) -> None:
        """Set the account's agent up anew with these fields. Raises ApiError."""
        (entry,) = await self._entries("rtvoice")
        (subentry_id,) = await self._subentries(entry["entry_id"], "agent")
        start: Json = {"handler": [entry["entry_id"], "agent"], "subentry_id": subentry_id}
        await self._api.flow(f"{ENTRIES}/subentries/flow", start, (fields,))
        await self._until_loaded(entry["entry_id"])

    async def remove_satellite(self, subentry_id: str) -> None:
        """Remove a satellite. Raises ApiError."""
        (entry,) = await self._entries("rtvoice")
        entry_id = entry["entry_id"]
        await self._api.call("config_entries/subentries/delete", entry_id=entry_id, subentry_id=subentry_id)
        await self._until_loaded(entry_id)

    async def _set_up_satellite(self, entry_id: str, devices: Mapping[str, str]) -> None:
        known = await self._subentries(entry_id, "satellite")
        start: Json = {"handler": [entry_id, "satellite"]}
        fields: Json = {"name": "Local satellite", **devices}
        if known:
            await self._api.flow(f"{ENTRIES}/subentries/flow", start | {"subentry_id": known[0]}, (fields,))
        else:
            await self._api.flow(f"{ENTRIES}/subentries/flow", start, ({"next_step_id": "local"}, fields))
        await self._until_loaded(entry_id)
        await self._api.until(
            "The satellite is ready",
            lambda: self._api.state("assist_satellite.local_satellite") not in {None, "unavailable"},
            within_s=RELOAD_TIMEOUT_S,
        )

    async def _subentries(self, entry_id: str, kind: str) -> list[str]:
        subentries = await self._api.call("config_entries/subentries/list", entry_id=entry_id)
        return [one["subentry_id"] for one in subentries if one["subentry_type"] == kind]

    async def _until_loaded(self, entry_id: str) -> None:
        """The entry has begun to load anew."""
        async with asyncio.timeout(RELOAD_TIMEOUT_S):
            while (state := (await self._entry(entry_id))["state"]) != "loaded":
                if state in {"setup_error", "setup_retry", "failed_unload"}:
                    raise ApiError(f"The voice agent was not set up: {state}")
                await asyncio.sleep(0.05)

    async def _entry(self, entry_id: str) -> Json:
        answer = await self._api.call("config_entries/get_single", entry_id=entry_id)
        entry: Json = answer["config_entry"]
        return entry

    async def _entries(self, domain: str) -> list[Json]:
        entries: list[Json] = await self._api.call("config_entries/get", domain=domain)
        return entries

    async def _satellites(self, entry_id: str) -> list[Json]:
        entities = await self._api.call("config/entity_registry/list")
        return [
            entity
            for entity in entities
            if entity["config_entry_id"] == entry_id and entity["entity_id"].startswith("assist_satellite.")
        ]

    async def _put_into_area(self, device_id: str) -> None:
        areas = await self._api.call("config/area_registry/list")
        (area_id,) = [area["area_id"] for area in areas if area["name"].casefold() == SATELLITE_AREA.casefold()]
        await self._api.call("config/device_registry/update", device_id=device_id, area_id=area_id)

    async def _expose(self) -> None:
        await self._api.call(
            "homeassistant/expose_entity",
            assistants=["conversation"],
            entity_ids=list(EXPOSED),
            should_expose=True,
        )
