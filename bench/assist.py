"""How soon a satellite is offered the agent's voice: from the first delta on the wire to the first audio byte.

    .venv/bin/python -m pytest -q -s bench/assist.py

A real pipeline of Home Assistant in this process, the simulator beside it; the satellite begins to fetch when it is
told that it can. Prints milliseconds from the simulator's sending the first audio delta to the first sample in the
satellite's hands: the socket, the session, the pipeline and the text-to-speech of Home Assistant lie in between.
"""

import statistics
from collections.abc import Sequence

from homeassistant.core import HomeAssistant

from simulator import Plan, Say, ScriptedBrain, Simulator, Turn
from tests.ha.conftest import (  # noqa: F401  # fixtures
    brain,
    home,
    microphone,
    mock_entry,
    setup_integration,
    simulator,
    sound_library,
    speaker,
)
from tests.ha.pipelines import Satellite
from tests.ha.test_assist import heard_out, no_ffmpeg, satellite  # noqa: F401  # fixtures

TIMES = 20


async def test_first_audio(
    hass: HomeAssistant,
    brain: ScriptedBrain,  # noqa: F811  # the fixture
    simulator: Simulator,  # noqa: F811  # the fixture
    satellite: Satellite,  # noqa: F811  # the fixture
) -> None:
    """Measure and print."""
    offered: list[float] = []
    hass.loop.set_debug(False)
    for _ in range(TIMES):
        brain.add(Turn("How late is it?", (Plan((Say("It is late.", seconds=0.4),)),)))
        before = len(simulator.server_events)
        await satellite.run()
        assert satellite.errors == []
        assert satellite.first_s is not None
        first = next(
            event for event in simulator.server_events[before:] if event["type"] == "response.output_audio.delta"
        )
        offered.append((satellite.first_s - first.at_s) * 1000)
        await heard_out(hass)
    _print("first delta to first audio byte", offered)


def _print(name: str, figures: Sequence[float]) -> None:
    ordered = sorted(figures)
    print(
        f"\n{name}: median {statistics.median(ordered):.1f}  p90 {ordered[int(len(ordered) * 0.9)]:.1f}"
        f"  max {ordered[-1]:.1f} ms"
    )
