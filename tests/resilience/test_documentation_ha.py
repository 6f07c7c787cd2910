"""The page about failures says of Home Assistant's what the tests hold the integration to."""

import json

import pytest

from custom_components.rtvoice.const import DOMAIN
from tests.ha.pages import DOCS, ROOT, Page, Table, plain
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import Ends, GoesOn
from tests.resilience.ha.table import HOUSE_FAULTS
from tests.resilience.ha.verify import HouseFault, Refused, Told

SECTION = Page.load(DOCS / "resilience.md").section("Home Assistant")
TOLD, BY_STAGE = SECTION.tables
MESSAGES = json.loads((ROOT / "custom_components" / DOMAIN / "translations/en.json").read_text(encoding="utf-8"))


def words(outcome: GoesOn | Ends | Refused) -> str:
    """What the page says of an outcome."""
    match outcome:
        case GoesOn():
            return "goes on"
        case Ends(reason):
            return f"`{reason.value}`"
        case Refused(key):
            return f"*{MESSAGES['exceptions'][key]['message'].removesuffix('.')}*"


def all_words(told: tuple[Told, ...]) -> str:
    """What a cell of the page says."""
    return "; ".join(one.words for one in told)


def row_of(table: Table, fault: HouseFault) -> tuple[str, ...]:
    """The one row about a fault."""
    (row,) = [row for row in table.rows if plain(row[0]) == fault.name]
    return row


def test_every_fault_has_its_rows() -> None:
    names = [fault.name for fault in HOUSE_FAULTS]
    assert TOLD.firsts == BY_STAGE.firsts == names
    assert len(set(names)) == len(names)
    assert list(BY_STAGE.head[1:]) == [stage.value for stage in Stage]


@pytest.mark.parametrize("fault", HOUSE_FAULTS, ids=lambda fault: fault.name)
def test_what_is_seen_and_heard_of_it_is_what_is_looked_for(fault: HouseFault) -> None:
    row = row_of(TOLD, fault)
    assert list(row[1:-1]) == [all_words(fault.seen), all_words(fault.heard), all_words(fault.conversation)]
    assert row[-1] == words(fault.outcome)


@pytest.mark.parametrize("fault", HOUSE_FAULTS, ids=lambda fault: fault.name)
def test_how_it_ends_at_each_stage_is_so(fault: HouseFault) -> None:
    assert list(row_of(BY_STAGE, fault)[1:]) == [words(fault.expected(stage)) for stage in Stage]


@pytest.mark.parametrize("fault", HOUSE_FAULTS, ids=lambda fault: fault.name)
def test_what_is_told_can_be_looked_for_at_some_stage(fault: HouseFault) -> None:
    for told in (*fault.seen, *fault.heard, *fault.conversation):
        assert told.stages, told.words
