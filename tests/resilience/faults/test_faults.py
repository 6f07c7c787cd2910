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
from .stages import Stage
from .table import FAULTS, Fault
from .verify import SECRETS, Trial, all_of, befall, bring, hold_to

_AT_ONCE = 27
"""Conversations; a machine has to keep up with them in real time."""
_HEAVY = 3
"""So many in place of one that has much to carry."""
_WANTED = os.environ.get("RTVOICE_FAULTS", "")


def chosen(wanted: str) -> list[Fault]:
    """The faults that are wanted. Raises ValueError where a word is in no name."""
    if wanted in ("", "all"):
        return list(FAULTS)
    words = wanted.split(",")
    if unknown := [word for word in words if not any(word in fault.name for fault in FAULTS)]:
        raise ValueError(f"No fault is called so: {', '.join(unknown)}")
    return [fault for fault in FAULTS if any(word in fault.name for word in words)]


_CHOSEN = chosen(_WANTED)


def stages_of(fault: Fault) -> list[Stage]:
    """Where it is tried."""
    return fault.stages if _WANTED else fault.telling_stages


def groups() -> list[list[Fault]]:
    """What is tried side by side: first what watchdogs notice, for which they are made quick."""
    made = [[fault for fault in _CHOSEN if fault.watched]]
    load = _AT_ONCE
    for fault in _CHOSEN:
        if not fault.watched:
            more = len(stages_of(fault)) * (_HEAVY if fault.heavy else 1)
            load += more
            if load > _AT_ONCE:
                made.append([])
                load = more
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
        trials = [
            Trial(fault, stage, await stack.enter_async_context(fault.scene(stage)))
            for fault in faults
            for stage in stages_of(fault)
        ]
        await bring(trials)
        # Those that have moved to a fresh connection need not do so again.
        monkeypatch.setattr(recovery, "ROLLOVER_BEFORE_S", 0.0)
        await all_of(map(befall, trials))
        await all_of(map(hold_to, trials))


def test_every_fault_is_tried_or_it_is_said_why_not() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert set(fault.stages) == set(Stage) - set(fault.without)
        assert all(fault.without.values())
        assert fault.telling_stages


def test_all_means_all_whatever_faults_are_called() -> None:
    assert chosen("all") == chosen("") == list(FAULTS)
    assert [fault.name for fault in chosen("half open,garbage")] == [
        "The connection is half open",
        "The server sends garbage",
    ]
    with pytest.raises(ValueError, match="half opened"):
        chosen("garbage,half opened")
