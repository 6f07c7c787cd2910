"""What is installed for the integration: little, justified, and what Home Assistant itself wants; asks no network.

`script/supply` asks the package index for the wheels, `script/audit` for known vulnerabilities.
"""

import importlib.util
import json
import re
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
    import sys

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
REPORTS = (
    ('{"dependencies": [{"name": "A", "version": "1", "vulns": []}]}', '{"vulnerabilities": {}}', 0, "None of 1"),
    (
        '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}',
        '{"vulnerabilities": {}}',
        1,
        "VULNERABLE a 1: CVE-1",
    ),
    (
        '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}',
        '{"vulnerabilities": {}}',
        2,
        "NOT CHECKED, because nobody could be asked about it: a",
    ),
    ("", '{"vulnerabilities": {"lit": {"severity": "high"}}}', 1, "VULNERABLE card: lit (high)"),
    ("", "", 2, "NOT CHECKED, because nobody could be asked about it: a, the card"),
    ("[]", '{"error": {"code": "E405"}}', 2, "the card"),
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


@pytest.mark.parametrize("environment", supply.ENVIRONMENTS, ids=str)
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
    for python, card, code, words in REPORTS:
        found, lines = audit.judged(["a==1"], python, card)
        assert found == code
        assert words in "\n".join(lines)
