"""The documentation of threats names tests that exist, and all of the tests in here."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TOLD = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w/]+\.py)::(\w+)`", TOLD))
HELPING = {"test_documented.py", "test_supply.py"}
"""These are about the documentation and about what is installed."""
ALLOWED = {"test_where_everything_is_allowed_it_opens", "test_a_yes_to_the_thing_itself"}
"""What is no threat."""


def names_in(path: Path) -> set[str]:
    """The tests of a module."""
    return set(re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_each_test_that_is_named_exists() -> None:
    assert len(NAMED) > 50
    missing = [f"{path}::{name}" for path, name in sorted(NAMED) if name not in names_in(ROOT / "tests" / path)]
    assert missing == []


def test_each_threat_that_is_tested_here_is_told() -> None:
    here = Path(__file__).parent
    tested = {
        (f"resilience/security/{path.name}", name)
        for path in here.glob("test_*.py")
        if path.name not in HELPING
        for name in names_in(path) - ALLOWED
    }
    assert sorted(tested - NAMED) == []


def test_each_threat_names_a_test() -> None:
    """A row of a table of threats without one would be a promise that nobody keeps."""
    promises = [
        line
        for table in re.findall(r"\| (?:threat|address) \|[^\n]*held by \|\n\|[- |]+\n((?:\|[^\n]*\n)+)", TOLD)
        for line in table.splitlines()
    ]
    assert len(promises) > 30
    assert [line for line in promises if "::test_" not in line] == []


def test_it_is_found() -> None:
    assert "](security.md)" in (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert "](docs/security.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
