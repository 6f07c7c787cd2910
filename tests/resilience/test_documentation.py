"""The page about failures says of each what the tests hold the integration to."""

import json
import re

import pytest

from custom_components.rtvoice.bridge.errors import translated
from custom_components.rtvoice.engine.errors import EndReason
from tests.ha.pages import DOCS, ROOT, Page, plain
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import FAULTS, OF_A_MACHINE, Ends, Fault, GoesOn, Impossible, Outcome

PAGE = Page.load(DOCS / "resilience.md")
MESSAGES = json.loads((ROOT / "custom_components/rtvoice/translations/en.json").read_text(encoding="utf-8"))[
    "exceptions"
]
TRIED = (*FAULTS, *OF_A_MACHINE)
BY_STAGE = PAGE.section("By stage").table("what happens")
TOLD = PAGE.section("What you see and hear").table("what happens")


def words(outcome: Outcome | None) -> str:
    """What the page says of an outcome."""
    match outcome:
        case None:
            return ""
        case GoesOn():
            return "goes on"
        case Ends(reason):
            return f"`{reason.value}`"
        case Impossible(error):
            key = translated(error("…")).translation_key
            message = MESSAGES[key]["message"]
            return f"*{re.split(r': {', message)[0]}*"


def test_every_fault_has_its_row() -> None:
    assert BY_STAGE.firsts == TOLD.firsts == [fault.name for fault in TRIED]
    assert list(BY_STAGE.head[1:]) == [stage.value for stage in Stage]


@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_what_is_said_of_it_is_so(fault: Fault) -> None:
    (row,) = [row for row in BY_STAGE.rows if plain(row[0]) == fault.name]
    outcomes = [fault.expected(stage) if stage in fault.stages else None for stage in Stage]
    assert list(row[1:]) == [words(outcome) for outcome in outcomes]


@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_how_it_ends_in_an_established_session(fault: Fault) -> None:
    (row,) = [row for row in TOLD.rows if plain(row[0]) == fault.name]
    stages = [stage for stage in fault.stages if stage.established and stage is not Stage.STOPPING]
    assert set(row[-1].split(", ")) == {words(fault.expected(stage)) for stage in stages}
    assert all(row)


def test_reasons_are_those_that_there_are() -> None:
    known = {f"`{reason.value}`" for reason in EndReason}
    for table in PAGE.tables:
        for row in table.rows:
            assert {cell for cell in row[-1].split(", ") if cell.startswith("`")} <= known
