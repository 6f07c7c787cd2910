"""The air in the rooms: a temperature that follows the heating, slowly, as air does."""

from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

STEP_S = 10
STEP_K = 0.1
OUTSIDE_C = 12.0


class Room:
    """One room's air."""

    def __init__(self, temperature_c: float, humidity: float) -> None:
        self.temperature_c = temperature_c
        self.humidity = humidity
        self.target_c: float | None = None
        """What the heating heats or cools to; None: the heating is off and the air cools down to the outside's."""
        self._watchers: list[Callable[[], None]] = []

    @callback
    def async_start(self, hass: HomeAssistant) -> CALLBACK_TYPE:
        """Let the temperature change until the returned function is called."""
        return async_track_time_interval(hass, self._step, timedelta(seconds=STEP_S), name="demo house air")

    @callback
    def async_watch(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `watcher` at every change until the returned function is called."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    @callback
    def _step(self, _now: datetime) -> None:
        goal, most = (self.target_c, STEP_K) if self.target_c is not None else (OUTSIDE_C, STEP_K / 10)
        change = max(-most, min(most, goal - self.temperature_c))
        if abs(change) < 0.001:
            return
        self.temperature_c += change
        for watcher in self._watchers:
            watcher()
