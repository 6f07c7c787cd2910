"""Whether what was called for has happened, by the states that follow."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event

VERIFY_S: Final = 1.5
MAX_ENTITIES: Final = 20
_SECRET: Final = frozenset({"access_token", "entity_picture", "entity_picture_local"})

_OPEN: Final = frozenset({"open", "opening"})
_CLOSED: Final = frozenset({"closed", "closing"})
_EXPECTED: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("cover", "on"): _OPEN,
    ("cover", "off"): _CLOSED,
    ("valve", "on"): _OPEN,
    ("valve", "off"): _CLOSED,
    ("lock", "on"): frozenset({"locked", "locking"}),
    ("lock", "off"): frozenset({"unlocked", "unlocking", "open", "opening"}),
}
_SWITCHES: Final = frozenset({"light", "switch", "fan", "input_boolean", "siren", "humidifier", "automation", "remote"})
_GOALS: Final[Mapping[str, str]] = {
    "turn_on": "on",
    "hassturnon": "on",
    "open_cover": "on",
    "open_valve": "on",
    "lock": "on",
    "turn_off": "off",
    "hassturnoff": "off",
    "close_cover": "off",
    "close_valve": "off",
    "unlock": "off",
}


@dataclass(frozen=True, slots=True)
class Before:
    """The states of what a call is aimed at, from before it."""

    states: Mapping[str, State]
    goal: str | None
    """`on` or `off`, if the tool has such a goal."""

    @classmethod
    def of(cls, hass: HomeAssistant, entity_ids: Iterable[str], tool_name: str, *, bare: bool) -> Self:
        """As they are now. A call that is not `bare` sets more than on or off, so something must change in any case."""
        states = {entity_id: hass.states.get(entity_id) for entity_id in sorted(entity_ids)}
        goal = _GOALS.get(tool_name.rpartition("__")[2].lower()) if bare else None
        return cls({entity_id: state for entity_id, state in states.items() if state is not None}, goal)

    async def async_verify(self, hass: HomeAssistant, judged: Iterable[str]) -> dict[str, Any]:
        """Wait until the states of `judged` have followed, VERIFY_S at most, and say which states there are then.

        Of other entities, only those that have changed are told; MAX_ENTITIES at most are. Nothing is without any.
        """
        aims = [entity_id for entity_id in judged if entity_id in self.states]
        if not aims:
            return {}
        verified = self._fulfilled(hass, aims) or await self._async_followed(hass, aims)
        others = [one for one in self.states if one not in aims and hass.states.get(one) != self.states[one]]
        told = [*sorted(aims), *others][:MAX_ENTITIES]
        return {"states": {one: _told(self.states[one], hass.states.get(one)) for one in told}, "verified": verified}

    async def _async_followed(self, hass: HomeAssistant, aims: Iterable[str]) -> bool:
        """Wait until the states have followed, VERIFY_S at most, and say whether they have."""
        changed = asyncio.Event()

        @callback
        def async_changed(event: Event[EventStateChangedData]) -> None:  # noqa: ARG001 - the signature of a listener
            if self._fulfilled(hass, aims):
                changed.set()

        unsubscribe = async_track_state_change_event(hass, aims, async_changed)
        try:
            async with asyncio.timeout(VERIFY_S):
                await changed.wait()
        except TimeoutError:
            # It has not happened so far; that is what is told.
            return False
        finally:
            unsubscribe()
        return True

    def _fulfilled(self, hass: HomeAssistant, aims: Iterable[str]) -> bool:
        return all(self._followed(self.states[entity_id], hass.states.get(entity_id)) for entity_id in aims)

    def _followed(self, before: State, now: State | None) -> bool:
        if now is None:
            return False
        expected = self._expected(before.domain)
        return now.state in expected if expected else now.last_updated > before.last_updated

    def _expected(self, domain: str) -> frozenset[str]:
        if self.goal is None:
            return frozenset()
        fallback = frozenset({self.goal}) if domain in _SWITCHES else frozenset()
        return _EXPECTED.get((domain, self.goal), fallback)


def plain_attributes(state: State) -> dict[str, Any]:
    """The attributes of a state without what gives access to something."""
    return {key: value for key, value in state.attributes.items() if key not in _SECRET}


def _told(before: State, now: State | None) -> dict[str, Any]:
    if now is None:
        return {"state": "unknown"}
    attributes = plain_attributes(now)
    changed = {key: value for key, value in attributes.items() if before.attributes.get(key) != value}
    return {"state": now.state, **{key: value for key, value in changed.items() if key != "state"}}


def succeeded(data: Any) -> list[str] | None:
    """Ids of the entities that an intent's result says it was done to; None for any other result."""
    try:
        done = data["data"]["success"]
        return [target["id"] for target in done if target["type"] == "entity"]
    except KeyError, TypeError:
        return None
