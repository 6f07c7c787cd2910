"""How soon a satellite is offered the agent's voice: from the first delta on the wire to the first audio byte.

    .venv/bin/python -m pytest -q -s bench/assist.py

A real pipeline of Home Assistant in this process, the simulator beside it; the satellite begins to fetch when it is
told that it can. Prints milliseconds from the simulator's sending the first audio delta to the first sample in the
satellite's hands: the socket, the session, the pipeline and the text-to-speech of Home Assistant lie in between.
"""

import statistics
import time
from collections.abc import Sequence

from homeassistant.core import HomeAssistant

from simulator import Event, Plan, Say, ScriptedBrain, Simulator, Turn
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
    sent: list[tuple[float, float]] = []

    def note(event: Event) -> None:
        if event["type"] == "response.output_audio.delta" and not sent:
            sent.append((event.at_s, time.process_time()))

    simulator.on_server_event = note
    waited: list[float] = []
    worked: list[float] = []
    hass.loop.set_debug(False)
    for _ in range(TIMES):
        brain.add(Turn("How late is it?", (Plan((Say("It is late.", seconds=0.4),)),)))
        sent.clear()
        await satellite.run()
        assert satellite.errors == []
        assert satellite.first_s is not None
        ((at_s, at_cpu_s),) = sent
        waited.append((satellite.first_s - at_s) * 1000)
        worked.append((satellite.first_cpu_s - at_cpu_s) * 1000)
        await heard_out(hass)
    _print("first delta to first audio byte", waited)
    _print("processor time of that", worked)


def _print(name: str, figures: Sequence[float]) -> None:
    ordered = sorted(figures)
    print(
        f"\n{name}: median {statistics.median(ordered):.1f}  p90 {ordered[int(len(ordered) * 0.9)]:.1f}"
        f"  max {ordered[-1]:.1f} ms"
    )
