"""The figures of the benchmark are what the two ends of a run saw."""

from dataclasses import replace
from typing import Any

import pytest

from bench.speed.figures import Figures, Spread, figures_of, middle
from bench.speed.work import Sightings, Speaker, marked, marks_in

PCM = bytes(9600)


def client(**seen: Any) -> dict[str, Any]:
    nothing = {"received": [], "handed": [], "silenced": [], "lag_s": []}
    time = {"begin_s": 0.0, "end_s": 60.0, "wall_s": 60.0, "cpu_s": 1.2, "teardown_s": 0}
    return {**nothing, **time, "sessions": 1, "rss_bytes": [1], **seen}


def server(**seen: Any) -> dict[str, Any]:
    return {"sent": [], "frames": [], "speech": [], "calls": [], **seen}


def run(cpu_s: float, silent: Spread | None) -> Figures:
    return replace(figures_of(client(cpu_s=cpu_s), server()), silent=silent)


def test_a_delta_counts_from_when_it_came_first() -> None:
    """A library that asks for the whole message later gets all of its audio again."""
    seen = client(received=[(1, 10.0), (1, 10.4)], handed=[(1, 10.002), (1, 10.5)])
    figures = figures_of(seen, server(sent=[(1, 0, 9.999)]))
    assert figures.received is not None
    assert figures.handed is not None
    assert (figures.received.count, figures.received.p50) == (1, pytest.approx(2.0))
    assert figures.handed.p50 == pytest.approx(3.0)


def test_a_speaker_that_was_not_silenced_is_missed() -> None:
    seen = client(silenced=[(1, 10.01), (2, 30.0)])
    figures = figures_of(seen, server(sent=[(1, 0, 9.0), (2, 0, 20.0)], speech=[(0, 10.0), (0, 20.0)]))
    assert figures.silent is not None
    assert (figures.silent.count, figures.silent.p50, figures.missed) == (1, pytest.approx(10.0), 1)


def test_of_several_rounds_the_middle_counts() -> None:
    low, middling, high = (Spread(9, each, 2 * each, 3 * each) for each in (1.0, 2.0, 3.0))
    figures = middle([run(1.5, high), run(0.5, None), run(1.0, low), run(1.2, middling)])
    assert figures.cpu_s == 1.0
    assert figures.cpu_per_minute == 1.0
    assert figures.silent == middling
    assert figures.called is None


def test_what_is_noted_is_found_later_at_its_time() -> None:
    sightings = Sightings(marks_in)
    sightings.note(PCM + marked(PCM, 7) + marked(PCM, 8), 1.0)
    sightings.note(marked(PCM, 9), 2.0)
    sightings.look()
    assert sightings.seen == [(7, 1.0), (8, 1.0), (9, 2.0)]


def test_a_speaker_knows_what_it_was_playing_when_it_was_silenced() -> None:
    speaker = Speaker()
    speaker.silence()
    speaker.take(marked(PCM, 3))
    speaker.take(marked(PCM, 4))
    speaker.silence()
    assert [number for number, _ in speaker.silenced] == [4]
    assert not speaker.playing
