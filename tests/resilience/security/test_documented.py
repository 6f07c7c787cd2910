"""The documentation of threats names tests that exist and run, and all of the tests in here."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOLD = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w/]+\.py)::(\w+)`", TOLD))
HELPING = {"test_documented.py", "test_supply.py", "test_workflows.py"}
"""These are about the documentation, about what is installed, and about what runs each week."""
ALLOWED = {
    "test_where_everything_is_allowed_it_opens",
    "test_a_yes_to_the_thing_itself",
    "test_what_lies_in_the_media_folder_is_played_and_shown",
    "test_a_server_is_played_from",
}
"""What is no threat."""
LEFT_OUT = {"skip", "skipif", "xfail"}
"""By these marks, and by calls of pytest with these names, a test may pass without having been run."""
SAMPLES = {
    "run": "@pytest.mark.parametrize('n', [1, 2])\ndef test_x(n):\n    pass",
    "skipped": "@pytest.mark.skip\ndef test_x():\n    pass",
    "skipped_in_part": "@pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.skip)])\ndef test_x(n): ...",
    "skipped_as_a_module": "pytestmark = pytest.mark.skipif(True, reason='x')\ndef test_x():\n    pass",
    "given_up": "def test_x():\n    pytest.skip('x')",
    "given_up_as_a_module": "pytest.importorskip('sys')\ndef test_x():\n    pass",
    "expected_to_fail": "@pytest.mark.xfail\ndef test_x():\n    assert False",
    "hidden": "class TestX:\n    __test__ = False\n    def test_x(self):\n        pass\ndef test_y():\n    pass",
}
COLLECT = """
import json, sys, pytest

class Noting:
    def pytest_collection_finish(self, session):
        self.found = [
            [str(item.path), item.originalname, sorted({mark.name for mark in item.iter_markers()})]
            for item in session.items
        ]

noting = Noting()
code = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[noting])
print()
print(json.dumps([int(code), noting.found]))
"""


def names_in(path: Path) -> set[str]:
    """The tests of a module."""
    return set(re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_each_test_that_is_named_exists() -> None:
    assert len(NAMED) > 50
    missing = [f"{path}::{name}" for path, name in sorted(NAMED) if name not in names_in(ROOT / "tests" / path)]
    assert missing == []


@dataclass(frozen=True)
class Collected:
    """What a run without further options would run of the named tests, and of the samples below."""

    samples: Path
    found: frozenset[tuple[Path, str]]
    """Those that no mark leaves out."""


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    folder = tmp_path_factory.mktemp("samples")
    for name, lines in SAMPLES.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n{lines}\n", encoding="utf-8")
    paths = sorted({str(ROOT / "tests" / path) for path, _ in NAMED})
    command = [sys.executable, "-c", COLLECT, *paths, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    code, items = json.loads(ran.stdout.splitlines()[-1])
    assert code == 0, ran.stdout
    left_out = {(path, name) for path, name, marks in items if LEFT_OUT & set(marks)}
    found = {(path, name) for path, name, _ in items} - left_out
    return Collected(folder, frozenset((Path(path), name) for path, name in found))


def gives_up(path: Path, names: set[str]) -> list[str]:
    """Where these tests, or their module as a whole, may have pytest leave them out."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    looked_at = [node for node in module.body if not isinstance(node, functions) or node.name in names]
    calls = [call for node in looked_at for call in ast.walk(node) if isinstance(call, ast.Call)]
    return [
        f"{path.name}:{call.lineno}"
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in {*LEFT_OUT, "importorskip"}
    ]


def test_each_test_that_is_named_is_run(collected: Collected) -> None:
    by_path: dict[Path, set[str]] = {}
    for path, name in NAMED:
        by_path.setdefault(ROOT / "tests" / path, set()).add(name)
    named = {(path, name) for path, names in by_path.items() for name in names}
    assert sorted(map(str, named - collected.found)) == []
    assert [place for path, names in by_path.items() for place in gives_up(path, names)] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_left_out_is_seen(collected: Collected, name: str) -> None:
    path = collected.samples / f"test_{name}.py"
    is_run = (path, "test_x") in collected.found and not gives_up(path, {"test_x"})
    assert is_run is (name == "run")


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
