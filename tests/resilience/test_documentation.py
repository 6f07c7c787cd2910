"""The page about failures says of each what the tests hold the integration to."""

import json
import re

import pytest

from custom_components.rtvoice.bridge.errors import translated
from custom_components.rtvoice.engine.errors import EndReason
from custom_components.rtvoice.engine.providers.openai.dialect import TIMEOUTS
from tests.ha.pages import DOCS, ROOT, Page, plain
from tests.resilience.faults.senses import ERROR, AtHome
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import FAULTS, LOW_TONE, OF_A_MACHINE, Ends, Fault, GoesOn, Impossible, Outcome

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


def begun(fault: Fault) -> list[Stage]:
    """The stages of a session that has begun and is not being stopped."""
    return [stage for stage in fault.stages if stage.established and stage is not Stage.STOPPING]


def where_it_ends(fault: Fault) -> str:
    """What is said of what comes only where a session ends that goes on at other stages."""
    goes_on = [stage for stage in begun(fault) if isinstance(fault.expected(stage), GoesOn)]
    if not goes_on or len(goes_on) == len(begun(fault)) or any(fault.tells_at(stage) for stage in goes_on):
        return ""
    ends = set(begun(fault)) - set(goes_on)
    return " (where it ends)" if all(fault.tells_at(stage) for stage in ends) else ""


def seen(fault: Fault) -> str:
    """What the page says that is seen."""
    phrases = []
    for each in fault.seen:
        only = where_it_ends(fault) if each is ERROR or isinstance(each, AtHome) else ""
        phrases.append(each.phrase + only)
    return "; ".join(phrases)


def heard(fault: Fault) -> str:
    """What the page says that is heard."""
    tone = any(fault.tone_at(stage) for stage in begun(fault))
    return "; ".join((fault.heard.phrase, *([LOW_TONE.phrase + where_it_ends(fault)] if tone else [])))


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
    assert set(row[-1].split(", ")) == {words(fault.expected(stage)) for stage in begun(fault)}
    assert all(row)


@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_what_is_seen_and_heard_of_it_is_what_the_tests_hold_it_to(fault: Fault) -> None:
    (row,) = [row for row in TOLD.rows if plain(row[0]) == fault.name]
    assert row[1:3] == (seen(fault), heard(fault))


@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
def test_an_error_is_seen_where_one_is_told(fault: Fault) -> None:
    assert (ERROR in fault.seen) == any(fault.tells_at(stage) for stage in begun(fault))
    assert any(set(each.stages) & set(begun(fault)) for each in fault.sights)


def test_what_only_home_assistant_shows_is_held_by_a_test() -> None:
    shown = {each for fault in TRIED for each in fault.seen if isinstance(each, AtHome)}
    for each in (*shown, LOW_TONE):
        path, _, name = each.held_by.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), each


def test_how_long_it_takes_to_notice_that_nobody_is_there() -> None:
    (row,) = [row for row in TOLD.rows if row[0] == "The connection is half open"]
    assert f"up to {int(TIMEOUTS.heartbeat_s * 1.5)} seconds" in row[3]
    assert f"about {TIMEOUTS.unacknowledged_s:.0f} seconds" in row[3]


def test_reasons_are_those_that_there_are() -> None:
    known = {f"`{reason.value}`" for reason in EndReason}
    for table in PAGE.tables:
        for row in table.rows:
            assert {cell for cell in row[-1].split(", ") if cell.startswith("`")} <= known
