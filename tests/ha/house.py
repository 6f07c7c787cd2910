"""A small house for tests, and what is said and seen in it."""

import asyncio
import wave
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import Mock

from homeassistant.components.media_source import MediaSource, MediaSourceItem, PlayMedia
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import Context, Event, HomeAssistant, State, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockUser,
    mock_integration,
    mock_platform,
)

from custom_components.rtvoice.const import DOMAIN, SUBENTRY_SATELLITE
from simulator import tone

LIGHT = "light.kitchen_light"
AGENT = "conversation.voice_agent"
SATELLITE = "assist_satellite.local_satellite"
PATIENCE_S = 20.0


@asynccontextmanager
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncGenerator[MockConfigEntry]:
    """The account is loaded while the block runs, unless the block itself unloads it."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    try:
        yield entry
    finally:
        async with entry.setup_lock:
            pass  # a reload that has begun ends first
        if entry.state is ConfigEntryState.LOADED:
            assert await hass.config_entries.async_unload(entry.entry_id)
            await hass.async_block_till_done(wait_background_tasks=True)


def add_satellite(
    hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str, data: Mapping[str, Any], *, title: str | None = None
) -> None:
    """Add a satellite to an account that is not set up; it is called as its id is."""
    subentry = ConfigSubentry(
        data=MappingProxyType(dict(data)),
        subentry_id=subentry_id,
        subentry_type=SUBENTRY_SATELLITE,
        title=title or subentry_id.capitalize(),
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(entry, subentry)


async def async_build_house(hass: HomeAssistant) -> None:
    """A kitchen light that is off, shown to voice assistants."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"kitchen": {}}})
    light = {
        "name": "Kitchen light",
        "unique_id": "kitchen_light",
        "state": "{{ is_state('input_boolean.kitchen', 'on') }}",
        "turn_on": {"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.kitchen"}},
        "turn_off": {"action": "input_boolean.turn_off", "target": {"entity_id": "input_boolean.kitchen"}},
    }
    assert await async_setup_component(hass, "template", {"template": [{"light": [light]}]})
    await hass.async_block_till_done()


def speak_into(microphone: Path, *, pause_s: float = 0.3, seconds: float = 0.6) -> None:
    """Make the microphone hear somebody speak after a pause."""
    with wave.open(str(microphone), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(round(pause_s * 24_000) * 2) + tone(seconds) + bytes(24_000))


def heard_from(speaker: Path) -> bytes:
    """What the speaker has played."""
    with wave.open(str(speaker), "rb") as file:
        return file.readframes(file.getnframes())


def entity_of(hass: HomeAssistant, platform: str, subentry_id: str, key: str) -> str:
    """Entity id of an agent's or satellite's entity."""
    entity_id = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{subentry_id}_{key}")
    assert entity_id is not None
    return entity_id


def state_of(hass: HomeAssistant, entity_id: str) -> State:
    """State of an entity that must exist."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state


async def async_wait_until(hass: HomeAssistant, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that depends on states, and on nothing else."""
    done = asyncio.Event()

    @callback
    def async_look(event: Event) -> None:
        if condition():
            done.set()

    unsubscribe = hass.bus.async_listen("state_changed", async_look)
    try:
        if not condition():
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()
    finally:
        unsubscribe()


async def async_wait_for_state(hass: HomeAssistant, entity_id: str, state: str) -> None:
    """Wait until an entity has a state."""

    def matches() -> bool:
        current = hass.states.get(entity_id)
        return current is not None and current.state == state

    await async_wait_until(hass, matches)


def states_seen(hass: HomeAssistant, *entity_ids: str) -> dict[str, list[str]]:
    """From now on, note every state of these entities in turn."""
    seen: dict[str, list[str]] = {entity_id: [] for entity_id in entity_ids}

    @callback
    def async_note(event: Event) -> None:
        entity_id, new = event.data["entity_id"], event.data["new_state"]
        if entity_id in seen and new is not None and [new.state] != seen[entity_id][-1:]:
            seen[entity_id].append(new.state)

    hass.bus.async_listen("state_changed", async_note)
    return seen


def happenings(hass: HomeAssistant, entity_id: str) -> list[dict[str, object]]:
    """From now on, note everything that an `activity` entity tells."""
    told: list[dict[str, object]] = []

    @callback
    def async_note(event: Event) -> None:
        new = event.data["new_state"]
        if event.data["entity_id"] == entity_id and new is not None and new.attributes.get("event_type"):
            told.append(dict(new.attributes))

    hass.bus.async_listen("state_changed", async_note)
    return told


def device_of(hass: HomeAssistant, entry_id: str, subentry_id: str) -> dr.DeviceEntry:
    """Device of an agent or a satellite."""
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, subentry_id), entry_id)
    assert device is not None
    return device


def context_of(user: MockUser) -> Context:
    """What a user does has their id in its context."""
    return Context(user_id=user.id)


async def async_add_stream(hass: HomeAssistant, url: str) -> str:
    """A media source that is no file: its media id."""

    class Streams(MediaSource):
        async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
            return PlayMedia(url, "audio/wav")

    async def async_get_media_source(hass: HomeAssistant) -> Streams:
        return Streams("streams")

    mock_integration(hass, MockModule("streams"))
    mock_platform(hass, "streams.media_source", Mock(async_get_media_source=async_get_media_source))
    assert await async_setup_component(hass, "media_source", {})
    assert await async_setup_component(hass, "streams", {})
    return "media-source://streams/one"
