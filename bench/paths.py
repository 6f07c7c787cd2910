"""How much time our part adds to audio, by path: from all kinds of ears to the provider, and back to all mouths.

    .venv/bin/python -m bench.paths [--rounds 3] [--paths local,wyoming,browser,assist,player] [--json FILE]

A real Home Assistant, the simulator and this program, which is the satellites, are processes of their own; all stamp by
CLOCK_MONOTONIC. Every frame and every delta has a level of its own by which it is found again, also when it was
resampled. Percentiles in milliseconds; "processor" is what Home Assistant's process worked between the two stamps,
for whatever purpose, which a busy machine does not change much; "undisturbed" is the longest of those that Python's
garbage collector did not hold up, which stops that process as a whole. With several rounds, the median of each figure.

Microphone to provider: from just before a satellite writes a frame of 20 ms to its socket (local: from when the sound
card's thread hands it over) until the simulator has read the `input_audio_buffer.append` with its first samples. Frames
are sent whole, since waiting for the rest of one is the frame itself. Included are both sockets, resampling to 24 kHz
(the satellites hear at 16 kHz, the page at 48 kHz), at the sound card the echo canceller with its thread, and in Assist
all that Home Assistant's pipeline does to audio; the first frames of a session, which wait for the provider to be
connected or for the pipeline to begin, are left out.

Provider to mouth: from just before the simulator writes a delta until its first samples are at the satellite: read from
the socket, from the body of the HTTP response, or, local, handed to the speaker's queue, which the card takes blocks of
20 ms from when their time comes. Deltas of 60 ms come as fast as they are spoken, so none of them has to wait for room
(mouths are given audio only just ahead of its time) and the first of an answer fills the jitter buffer: deltas that
came ahead of their time wait on purpose and would say nothing here. The first delta of an answer is measured by itself,
because it has more to do. At an Assist satellite it begins the whole way of an answer through Home Assistant's
conversation and text to speech; at a media player it includes telling the player to play and its coming to fetch.

Assist is a Wyoming satellite at Home Assistant's own integration. The player is the mouth of the local satellite.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.assist import create_voice_assistant

from .bench_house import AGENT_STATUS, LOCAL, BenchHouse, open_bench
from .ends import PageEnd, PlayerEnd, StampedEnd, WyomingEnd
from .figures import Figures, table
from .marks import Stamp, passages

DELTAS = 17
"""Of an answer: a second."""
_SETTLED_S = 0.5
"""After the first frame has arrived; those before may have waited for the connection."""
_ASSIST_FRAMES, _ASSIST_SKIPPED = 35, 15
"""Of one run of a pipeline, and how many of them wait for it to begin."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one path; None where the path has no such end of its own."""

    ears: Figures | None
    first: Figures
    rest: Figures
    block: Figures | None = None
    """From the first delta to the sound card's taking it."""


@dataclass(frozen=True)
class Scale:
    """How much is measured in a round."""

    frames: int
    answers: int


async def measure_local(house: BenchHouse, scale: Scale) -> AsyncIterator[Measured]:
    """The sound card."""
    while True:
        async with _session(house, LOCAL):
            house.provider.forget()
            house.card.forget()
            house.speak.touch()
            await asyncio.sleep(scale.frames * 0.02 + 1)
            house.speak.unlink()
            await _silent(house)
            ears = _ears(house.card.of("heard"), house)
            house.provider.forget()
            house.card.forget()
            await _answer(house, LOCAL, scale.answers)
            deltas, given, taken = house.provider.of("out"), house.card.of("given"), house.card.of("taken")
            first, rest = _mouth(deltas, given, house)
            block = Figures.of(passages([delta for delta in deltas if delta.first], taken), house.held_up())
        yield Measured(ears, first, rest, block)


async def measure_player(house: BenchHouse, scale: Scale) -> AsyncIterator[Measured]:
    """A media player as the mouth of a satellite at the sound card."""
    async with PlayerEnd(house.clock).serving() as player:
        await house.add_integration("far_player", {"url": player.url})
        fields = {"input": "Bench microphone", "speaker": "media_player.far_player", "name": "Shelf"}
        await house.furnishing.add_satellite("local", fields)
        entity_id = "assist_satellite.shelf"
        await house.until_state(entity_id, "idle")
        while True:
            async with _session(house, entity_id):
                first, rest = await _spoken(house, entity_id, scale, player.audio)
            yield Measured(None, first, rest)


async def measure_wyoming(house: BenchHouse, scale: Scale) -> AsyncIterator[Measured]:
    """A Wyoming satellite that we are connected to ourselves."""
    async with WyomingEnd(house.clock, wake_word=None).serving() as satellite:
        fields = {"name": "Hall", "host": "127.0.0.1", "port": satellite.port}
        await house.furnishing.add_satellite("wyoming", fields)
        entity_id = "assist_satellite.hall"
        await house.until_state(entity_id, "idle")
        while True:
            yield await _duplex(house, entity_id, scale, satellite.audio, satellite.bring)


async def measure_browser(house: BenchHouse, scale: Scale) -> AsyncIterator[Measured]:
    """A page."""
    await house.furnishing.add_satellite("browser", {"name": "Tablet"})
    entity_id = "assist_satellite.tablet"
    async with PageEnd.open(house.api, house.home.url, entity_id, house.clock) as page:
        await house.until_state(entity_id, "idle")
        while True:
            yield await _duplex(house, entity_id, scale, page.audio, page.bring)


async def measure_assist(house: BenchHouse, scale: Scale) -> AsyncIterator[Measured]:
    """An Assist satellite: one run of a pipeline for each answer."""
    await create_voice_assistant(house.api)
    async with WyomingEnd(house.clock, wake_word="okay_nabu").serving() as satellite:
        await house.add_integration("wyoming", {"host": "127.0.0.1", "port": satellite.port})
        await _run_pipeline(satellite)
        while True:
            house.provider.forget()
            satellite.audio.given.clear()
            heard: list[Stamp] = []
            for _ in range(scale.answers):
                satellite.audio.heard.clear()
                await _run_pipeline(satellite)
                heard += satellite.audio.heard[_ASSIST_SKIPPED:]
            ears = Figures.of(passages(heard, house.provider.of("in")), house.held_up())
            first, rest = _mouth(house.provider.of("out"), satellite.audio.given, house)
            yield Measured(ears, first, rest)


PATHS = {
    "local": measure_local,
    "wyoming": measure_wyoming,
    "browser": measure_browser,
    "assist": measure_assist,
    "player": measure_player,
}
NAMES = {
    "local": "sound card",
    "wyoming": "Wyoming satellite, directly",
    "browser": "browser",
    "assist": "Assist satellite",
    "player": "media player",
}


@contextlib.asynccontextmanager
async def _session(house: BenchHouse, entity_id: str) -> AsyncIterator[None]:
    await house.api.perform("rtvoice.start", entity_id=entity_id)
    try:
        # What the start of a session makes busy is over by then.
        await asyncio.sleep(1)
        yield
    finally:
        await house.api.perform("rtvoice.stop", entity_id=entity_id)


async def _duplex(
    house: BenchHouse,
    entity_id: str,
    scale: Scale,
    audio: StampedEnd,
    bring: Callable[..., Awaitable[None]],
) -> Measured:
    async with _session(house, entity_id):
        house.provider.forget()
        audio.heard.clear()
        await bring(scale.frames + 25, silence=100)
        await _silent(house)
        ears = _ears(audio.heard, house)
        first, rest = await _spoken(house, entity_id, scale, audio)
    return Measured(ears, first, rest)


async def _spoken(house: BenchHouse, entity_id: str, scale: Scale, audio: StampedEnd) -> tuple[Figures, Figures]:
    house.provider.forget()
    audio.given.clear()
    await _answer(house, entity_id, scale.answers)
    return _mouth(house.provider.of("out"), audio.given, house)


async def _answer(house: BenchHouse, entity_id: str, times: int) -> None:
    for _ in range(times):
        await house.api.perform("rtvoice.send_message", {"text": "Go on."}, entity_id=entity_id)
        await _answered(house)


async def _answered(house: BenchHouse) -> None:
    await house.until_state(AGENT_STATUS, "speaking")
    await house.until_state(AGENT_STATUS, "listening")
    # What follows an answer in Home Assistant is not of the next one.
    await asyncio.sleep(0.2)


async def _silent(house: BenchHouse) -> None:
    """Whether the provider took what was heard for speech does not matter; if so, it was answered then."""
    await asyncio.sleep(2)
    await house.until_state(AGENT_STATUS, "listening")


async def _run_pipeline(satellite: WyomingEnd) -> None:
    before = len(satellite.of("audio-stop"))
    await satellite.wake()
    await satellite.bring(_ASSIST_FRAMES)
    await satellite.finish()
    await satellite.until("audio-stop", before + 1)
    await asyncio.sleep(0.5)


def _ears(heard: list[Stamp], house: BenchHouse) -> Figures:
    arrived = house.provider.of("in")
    since_s = heard[0].at_s + _SETTLED_S
    return Figures.of(passages([stamp for stamp in heard if stamp.at_s > since_s], arrived), house.held_up())


def _mouth(deltas: list[Stamp], given: list[Stamp], house: BenchHouse) -> tuple[Figures, Figures]:
    held_up = house.held_up()
    every = list(zip(deltas, passages(deltas, given), strict=True))
    return (
        Figures.of((passage for delta, passage in every if delta.first), held_up),
        Figures.of((passage for delta, passage in every if not delta.first), held_up),
    )


async def _measure(names: list[str], scale: Scale, rounds: int) -> dict[str, list[Measured]]:
    measured: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with open_bench(Path(folder), deltas=DELTAS) as house:
            for name in names:
                print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr)
                async with contextlib.aclosing(PATHS[name](house, scale)) as path:
                    measured[name] = [await anext(path) for _ in range(rounds)]
    return measured


def _print(measured: dict[str, list[Measured]]) -> None:
    def rows(part: str) -> dict[str, list[Figures]]:
        parts = {NAMES[name]: [getattr(one, part) for one in rounds] for name, rounds in measured.items()}
        return {name: figures for name, figures in parts.items() if None not in figures}

    for part, title in (
        ("ears", "microphone → provider"),
        ("first", "first delta of an answer → mouth"),
        ("rest", "further deltas → mouth"),
        ("block", "first delta → the card's next block"),
    ):
        if some := rows(part):
            print(f"\n{table(title, some)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", default=",".join(PATHS), help="those of them that are to be measured")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--frames", type=int, default=500, help="of the microphone, a round")
    parser.add_argument("--answers", type=int, default=32, help="a round")
    parser.add_argument("--json", type=Path, help="a file for the figures of all rounds")
    options = parser.parse_args()
    load = os.getloadavg()
    scale = Scale(options.frames, options.answers)
    measured = asyncio.run(_measure(options.paths.split(","), scale, options.rounds))
    _print(measured)
    print(f"\n{options.rounds} rounds; load average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}")
    if options.json is not None:
        every = {name: [asdict(one) for one in rounds] for name, rounds in measured.items()}
        options.json.write_text(json.dumps({"load": load, "paths": every}, indent=1))


if __name__ == "__main__":
    main()
