"""Every fault at every stage: what must come of it comes of it, nothing hangs, nothing is left behind, nothing is told.

Conversations take real time, so several faults and all stages of them go on side by side. By default those faults that
are like another are tried at the stages only that tell them apart; `RTVOICE_FAULTS=all` tries all at all stages, and
`RTVOICE_FAULTS="cut,half open"` those that have these words in their names.
"""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from custom_components.rtvoice.engine.conversation import recovery

from .conftest import alert
from .left import Bystander
from .stages import Stage, reach
from .table import FAULTS, Fault
from .verify import SECRETS, all_of, befall, hold_to

_AT_ONCE = 27
"""Conversations; a machine has to keep up with them in real time."""
_WANTED = os.environ.get("RTVOICE_FAULTS", "")
_CHOSEN = [fault for fault in FAULTS if any(word in fault.name for word in _WANTED.split(","))] or FAULTS


def stages_of(fault: Fault) -> list[Stage]:
    """Where it is tried."""
    return fault.stages if _WANTED else fault.telling_stages


def groups() -> list[list[Fault]]:
    """What is tried side by side: first what watchdogs notice, for which they are made quick."""
    made = [[fault for fault in _CHOSEN if fault.watched]]
    for fault in _CHOSEN:
        if not fault.watched:
            size = sum(len(stages_of(other)) for other in made[-1])
            if len(made) == 1 or size + len(stages_of(fault)) > _AT_ONCE:
                made.append([])
            made[-1].append(fault)
    return [group for group in made if group]


@pytest.mark.parametrize("faults", groups(), ids=lambda faults: ", ".join(fault.name for fault in faults))
async def test_faults(
    faults: Sequence[Fault],
    short_waits: None,
    socket_enabled: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if faults[0].watched:
        alert(monkeypatch)
    async with Bystander(caplog, secrets=SECRETS), AsyncExitStack() as stack:
        tried = [
            (fault, stage, await stack.enter_async_context(fault.scene(stage)))
            for fault in faults
            for stage in stages_of(fault)
        ]
        await all_of(reach(scene, stage) for _, stage, scene in tried)
        # Those that have moved to a fresh connection need not do so again.
        monkeypatch.setattr(recovery, "ROLLOVER_BEFORE_S", 0.0)
        await all_of(befall(scene, fault) for fault, _, scene in tried)
        await all_of(hold_to(scene, stage, fault) for fault, stage, scene in tried)


def test_every_fault_is_tried_or_it_is_said_why_not() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert set(fault.stages) == set(Stage) - set(fault.without)
        assert all(fault.without.values())
        assert fault.telling_stages
