"""What is installed for the integration: little, justified, and what Home Assistant itself wants; asks no network.

`script/supply` asks the package index for the wheels, `script/audit` for known vulnerabilities.
"""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]


def script(name: str) -> ModuleType:
    """A script's module."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", ROOT / "script" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


supply, audit = script("supply"), script("audit")
ASKED = [Requirement(one) for one in supply.requirements(ROOT / supply.MANIFEST)]


WHEELS = (
    ("pulsectl-23.5.2-py2.py3-none-any.whl", ("pure", "pure")),
    ("numpy-2.3.2-cp314-cp314-musllinux_1_2_aarch64.whl", ("musl", None)),
    ("numpy-2.3.2-cp314-cp314t-musllinux_1_2_aarch64.whl", (None, None)),
    ("numpy-2.3.2-cp313-cp313-musllinux_1_2_x86_64.whl", (None, None)),
    ("numpy-2.3.2-cp314-cp314-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", (None, None)),
    ("cryptography-50.0.2-cp311-abi3-musllinux_1_2_x86_64.whl", (None, "abi3")),
    ("cryptography-50.0.2-cp315-abi3-musllinux_1_2_x86_64.whl", (None, None)),
    ("uv-0.13.5-py3-none-musllinux_1_1_x86_64.whl", (None, "musl")),
    ("old-1.0-py2-none-any.whl", (None, None)),
)
CLEAN = '{"dependencies": [{"name": "A", "version": "1", "vulns": []}]}'
SPOILED = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}'
SKIPPED = '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}'
OTHER = '{"dependencies": [{"name": "a", "version": "2", "vulns": []}]}'
CARD = '{"vulnerabilities": {}}'
UNASKED = "NOT CHECKED, because nobody could be asked about it: "
REPORTS = (
    # What was said of the oldest and of the newest Home Assistant and of the card; what comes of it.
    (CLEAN, CLEAN, CARD, 0, "None of 2 packages"),
    (CLEAN, SPOILED, CARD, 1, "VULNERABLE a==1: CVE-1 (newest)"),
    (SPOILED, CLEAN, CARD, 1, "VULNERABLE a==1: CVE-1 (oldest)"),
    (SKIPPED, CLEAN, CARD, 2, f"{UNASKED}a (oldest)"),
    (CLEAN, OTHER, CARD, 2, f"{UNASKED}a (newest)"),
    ("", "", '{"vulnerabilities": {"lit": {"severity": "high"}}}', 1, "VULNERABLE card: lit (high)"),
    ("", "", "", 2, f"{UNASKED}a (oldest), a (newest), the card"),
    ("[]", CLEAN, '{"error": {"code": "E405"}}', 2, f"{UNASKED}a (oldest), the card"),
)


def test_which_wheels_home_assistant_os_can_use() -> None:
    for wheel, kinds in WHEELS:
        assert tuple(supply.kind_of(wheel, processor) for processor in supply.PROCESSORS) == kinds, wheel


def test_a_package_that_would_have_to_be_built_is_a_conflict() -> None:
    lock = '[[packages]]\nname = "x"\nversion = "1"\nwheels = [{ url = "https://index.invalid/%s" }]\n'
    (row,) = supply.rows(lock % "x-1-py3-none-any.whl", "aarch64")
    assert (row.name, row.version, row.wheel) == ("x", "1", "pure")
    with pytest.raises(supply.ConflictError, match="x 1 has no wheel for aarch64"):
        supply.rows(lock % "x-1-cp314-cp314-musllinux_1_2_x86_64.whl", "aarch64")
    told = supply.table({"aarch64": [row], "x86_64": [row]}, {"x"}, ["y==1"])
    assert "| x | 1 | Home Assistant too | pure | pure |" in told


@pytest.mark.parametrize("environment", supply.ENVIRONMENTS.values(), ids=str)
def test_what_is_asked_for_is_what_home_assistant_pins(environment: Path) -> None:
    """In its constraints, and in the integrations that want the same package."""
    _, constraints = supply.constraints_in(ROOT / environment)
    pinned = [line for line in constraints.read_text(encoding="utf-8").splitlines() if re.match(r"[\w.-]+==", line)]
    for manifest in (constraints.parent / "components").glob("*/manifest.json"):
        pinned += json.loads(manifest.read_text(encoding="utf-8")).get("requirements", ())
    ours = {canonicalize_name(one.name): one for one in ASKED}
    seen = set()
    for pin in map(Requirement, pinned):
        name = canonicalize_name(pin.name)
        if name in ours and len(pin.specifier) == 1 and (version := next(iter(pin.specifier))).operator == "==":
            seen.add(name)
            assert ours[name].specifier.contains(version.version, prereleases=True), f"{pin} in {environment}"
    assert {"numpy", "pydantic", "openai", "mcp", "wyoming"} <= seen


def test_what_is_audited_is_what_is_there_beside_integrations_of_home_assistant() -> None:
    """The oldest brings another version of a package than the one that is resolved without them."""
    asked = supply.requirements(ROOT / supply.MANIFEST)
    found = {
        which: supply.bundled(asked, supply.constraints_in(ROOT / environment)[1])
        for which, environment in supply.ENVIRONMENTS.items()
    }
    assert [one for one in found["oldest"] if one.startswith("mcp==1.")]
    assert [one for one in found["newest"] if one.startswith("mcp==2.")]
    assert {one.partition("==")[0] for one in found["oldest"]} >= {"mcp", "openai", "wyoming", "numpy"}


def test_each_requirement_is_used_and_justified() -> None:
    told = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    section = told.partition("## What is installed, and why")[2].partition("\n## ")[0]
    justified = set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE))
    assert justified == {one.name for one in ASKED}
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "custom_components" / "rtvoice").rglob("*.py")
    )
    for one in ASKED:
        used = rf'(?:import|from) {one.name}\b|import_module\(\s*"{one.name}[".]'
        assert re.search(used, code), f"{one.name} is not used"


def test_what_nobody_could_be_asked_about_is_not_clean() -> None:
    for oldest, newest, card, code, words in REPORTS:
        installed = [audit.Installed("oldest", ("a==1",), oldest), audit.Installed("newest", ("a==1",), newest)]
        found, lines = audit.judged(installed, card)
        assert found == code
        assert words in "\n".join(lines)
    found, lines = audit.judged([audit.Installed("oldest", (), CLEAN)], CARD)
    assert (found, lines) == (2, [f"{UNASKED}all of the oldest"])


def test_the_audit_asks_about_each_home_assistant_that_is_supported(tmp_path: Path) -> None:
    """As the script does it, with what pip-audit would have said."""
    script_text = (ROOT / "script" / "audit").read_text(encoding="utf-8")
    assert f"for home_assistant in {' '.join(supply.ENVIRONMENTS)}; do" in script_text
    files = {
        "card.json": CARD,
        "oldest.txt": "a==1\n",
        "oldest.json": CLEAN,
        "newest.txt": "a==1",
        "newest.json": OTHER,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reports = [one for which in supply.ENVIRONMENTS for one in (which, f"{which}.txt", f"{which}.json")]
    ran = subprocess.run(
        [sys.executable, ROOT / "script" / "audit.py", "card.json", *reports],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (2, f"{UNASKED}a (newest)\n")
