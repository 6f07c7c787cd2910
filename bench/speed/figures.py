"""What the two ends of a run saw, joined to figures."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median, median_low
from typing import Any

LATE_S = 0.02
_MATCH_S = 1.0
"""A speaker that falls silent later than this after the user began to speak did so for another reason."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number of times is distributed, in milliseconds."""

    count: int
    p50: float
    p99: float
    worst: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one library."""

    sessions: int
    audio_minutes: float
    cpu_s: float
    handed: Spread | None
    """From the server's sending a delta to the speaker's having it."""
    received: Spread | None
    """From a delta's being read from the socket to the speaker's having it; None where it was compressed."""
    silent: Spread | None
    """From the server's sending `speech_started` to the speaker's being told to be silent."""
    missed: int
    """How many times the user spoke into an answer and the speaker was not silenced within a second."""
    called: Spread | None
    """From the server's sending `response.done` with a call to the output and the `response.create` that follows."""
    uplink: Spread | None
    """From a frame's being due at the microphone to its arrival at the server."""
    late_share: float
    """Share of frames that took more than 20 ms, up and down."""
    lag: Spread | None
    """How late the event loop is."""
    rss_bytes: float
    rss_growth_bytes: float
    """From the first third of the run to the last."""
    teardown_s: float

    @property
    def cpu_per_minute(self) -> float:
        """Seconds of a processor for a minute of one session's audio."""
        return self.cpu_s / self.audio_minutes


def figures_of(client: dict[str, Any], server: dict[str, Any]) -> Figures:
    """Join what the library's process and the server's wrote down."""
    begin_s, end_s = float(client["begin_s"]), float(client["end_s"])

    def within(at_s: float) -> bool:
        return begin_s <= at_s <= end_s

    sent = {number: (connection, at_s) for number, connection, at_s in server["sent"]}
    handed, received = _first(client["handed"]), _first(client["received"])
    down_s = [at_s - sent[number][1] for number, at_s in handed.items() if number in sent and within(sent[number][1])]
    up_s = [late_s for at_s, late_s in server["frames"] if within(at_s)]
    silent_s, missed = _silences(client["silenced"], server["speech"], sent, within)
    memory = client["rss_bytes"]
    third = max(1, len(memory) // 3)
    late = sum(each > LATE_S for each in (*up_s, *down_s))
    return Figures(
        sessions=client["sessions"],
        audio_minutes=client["sessions"] * client["wall_s"] / 60,
        cpu_s=client["cpu_s"],
        handed=spread(down_s),
        received=spread(
            [handed[number] - at_s for number, at_s in received.items() if number in handed and within(at_s)]
        ),
        silent=spread(silent_s),
        missed=missed,
        called=spread([times[2] - times[0] for times in server["calls"] if within(times[0])]),
        uplink=spread(up_s),
        late_share=late / max(1, len(up_s) + len(down_s)),
        lag=spread(client["lag_s"]),
        rss_bytes=median(memory),
        rss_growth_bytes=median(memory[-third:]) - median(memory[:third]),
        teardown_s=client["teardown_s"],
    )


def middle(runs: Sequence[Figures]) -> Figures:
    """Of several runs of the same work, the middle of each figure."""
    figures = {each.name: [getattr(run, each.name) for run in runs] for each in fields(Figures)}
    return Figures(**{name: _middle(values) for name, values in figures.items()})


def _middle(values: Sequence[Any]) -> Any:
    there = [value for value in values if value is not None]
    if not there:
        return None
    if not isinstance(there[0], Spread):
        return median_low(there)
    return Spread(*(median_low(getattr(each, one.name) for each in there) for one in fields(Spread)))


def _first(sightings: Sequence[tuple[int, float]]) -> dict[int, float]:
    """When each mark was seen first: some libraries have what was said sent again."""
    seen: dict[int, float] = {}
    for number, at_s in sightings:
        seen.setdefault(number, at_s)
    return seen


def spread(times_s: Sequence[float]) -> Spread | None:
    """The distribution of some times; None where there are none."""
    if not times_s:
        return None
    ordered = sorted(times_s)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return Spread(len(ordered), median(ordered) * 1000, p99 * 1000, ordered[-1] * 1000)


def _silences(silenced: Any, speech: Any, sent: Any, within: Any) -> tuple[list[float], int]:
    """How long each barge-in took, and how many had no effect."""
    when: dict[int, list[float]] = {}
    for number, at_s in silenced:
        if number in sent:
            when.setdefault(sent[number][0], []).append(at_s)
    took: list[float] = []
    missed = 0
    for connection, at_s in speech:
        if not within(at_s) or not within(at_s + _MATCH_S):
            continue
        times = sorted(when.get(connection, []))
        following = bisect_left(times, at_s)
        if following < len(times) and times[following] - at_s < _MATCH_S:
            took.append(times[following] - at_s)
        else:
            missed += 1
    return took, missed
