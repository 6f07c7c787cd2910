"""What Home Assistant installs for the integration, and whether there is a wheel of each for Home Assistant OS.

The manifest's requirements are resolved as Home Assistant does it, with its own constraints, for musl on both
processors and for both Home Assistants that are supported. Nothing may have to be built.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name, parse_wheel_filename

MANIFEST: Final = Path("custom_components/rtvoice/manifest.json")
PYTHON: Final = "3.14.2"
PROCESSORS: Final = ("aarch64", "x86_64")
ENVIRONMENTS: Final = {"oldest": Path(".venv"), "newest": Path(".venv-demo")}
"""Where the Home Assistants are that are supported."""
_UNREACHABLE: Final = ("Failed to fetch", "error sending request", "Connection refused", "dns error", "timed out")


class UnreachableError(Exception):
    """The package index cannot be asked."""


class ConflictError(Exception):
    """There is no way to install all of it; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A package that is installed."""

    name: str
    version: str
    wheel: str
    """`pure`, `abi3` or `musl`: for any machine, for any Python on one kind of machine, or for one Python there."""


def requirements(manifest: Path = MANIFEST) -> list[str]:
    """What the manifest asks for."""
    asked: list[str] = json.loads(manifest.read_text(encoding="utf-8"))["requirements"]
    return asked


def kind_of(filename: str, processor: str) -> str | None:
    """What kind of wheel this is; None if Home Assistant OS cannot use it on that processor."""
    *_, tags = parse_wheel_filename(filename)
    kinds = set()
    for tag in tags:
        if tag.platform == "any" and tag.abi == "none" and tag.interpreter in ("py3", "py314", "cp314"):
            kinds.add("pure")
        elif tag.platform in (f"musllinux_1_1_{processor}", f"musllinux_1_2_{processor}"):
            older = tag.interpreter.startswith("cp3") and tag.interpreter[3:].isdecimal()
            if tag.abi == "abi3" and older and int(tag.interpreter[3:]) <= 14:
                kinds.add("abi3")
            elif (tag.interpreter, tag.abi) == ("cp314", "cp314") or (tag.abi == "none" and tag.interpreter == "py3"):
                kinds.add("musl")
    return next((kind for kind in ("pure", "abi3", "musl") if kind in kinds), None)


def rows(lock: str, processor: str) -> list[Row]:
    """The packages of a pylock.toml. Raises ConflictError for one without a wheel that fits."""
    found = []
    for package in tomllib.loads(lock).get("packages", ()):
        names = [_filename(wheel) for wheel in package.get("wheels", ())]
        kinds = [kind for name in names if (kind := kind_of(name, processor)) is not None]
        if not kinds:
            raise ConflictError(f"{package['name']} {package['version']} has no wheel for {processor}")
        found.append(Row(package["name"], package["version"], kinds[0]))
    return found


def constrained(constraints: str) -> set[str]:
    """The names that Home Assistant's constraints pin."""
    lines = (line.strip() for line in constraints.splitlines())
    return {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line and not line.startswith("#")}


def resolve(asked: Iterable[str], constraints: Path, processor: str) -> str:
    """What would be installed, as a pylock.toml. Raises UnreachableError and ConflictError."""
    command = [".venv/bin/uv", "pip", "compile", "--quiet", "--format", "pylock.toml", "--python-version", PYTHON]
    command += ["--python-platform", f"{processor}-unknown-linux-musl", "--only-binary", ":all:"]
    command += ["--constraint", str(constraints), "-"]
    ran = subprocess.run(command, input="\n".join(asked), capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode == 0:
        return ran.stdout
    if any(words in ran.stderr for words in _UNREACHABLE):
        raise UnreachableError
    raise ConflictError(ran.stderr.strip())


def table(of: Mapping[str, list[Row]], pinned: set[str], asked: Iterable[str]) -> str:
    """The packages as a table: by whom each is wanted, and its wheel for each processor."""
    ours = {canonicalize_name(_name(requirement)) for requirement in asked}
    lines = ["| package | version | wanted by | " + " | ".join(of) + " |", "| --- | --- | --- |" + " --- |" * len(of)]
    for place in zip(*of.values(), strict=True):
        name = canonicalize_name(place[0].name)
        wanted = "the manifest" if name in ours else "Home Assistant too" if name in pinned else "those above"
        lines.append(f"| {name} | {place[0].version} | {wanted} | " + " | ".join(row.wheel for row in place) + " |")
    return "\n".join(lines)


def constraints_in(environment: Path) -> tuple[str, Path]:
    """The version of an environment's Home Assistant, and its constraints."""
    (found,) = environment.glob("lib/python3*/site-packages/homeassistant/package_constraints.txt")
    (metadata,) = found.parent.parent.glob("homeassistant-*.dist-info")
    return metadata.name.removeprefix("homeassistant-").removesuffix(".dist-info"), found


def bundled(asked: Iterable[str], constraints: Path) -> list[str]:
    """What Home Assistant's own integrations pin of that, which is there once one of them is set up."""
    ours = {canonicalize_name(_name(requirement)) for requirement in asked}
    manifests = (constraints.parent / "components").glob("*/manifest.json")
    wanted = (json.loads(path.read_text(encoding="utf-8")).get("requirements", ()) for path in manifests)
    pinned = {requirement for requirements in wanted for requirement in requirements if "==" in requirement}
    return sorted(one for one in pinned if canonicalize_name(_name(one)) in ours)


def pins(asked: Sequence[str], constraints: Path) -> list[str]:
    """All that is installed beside Home Assistant's own integrations, on whichever processor."""
    wanted = [*asked, *bundled(asked, constraints)]
    found = [row for of in PROCESSORS for row in rows(resolve(wanted, constraints, of), of)]
    return sorted({f"{row.name}=={row.version}" for row in found})


def main(arguments: list[str]) -> int:
    """Print the tables, or with `--pins oldest` or `--pins newest` what is installed in that Home Assistant."""
    asked = requirements()
    try:
        match arguments:
            case ["--pins", which]:
                print(*pins(asked, constraints_in(ENVIRONMENTS[which])[1]), sep="\n")
                return 0
        for environment in ENVIRONMENTS.values():
            version, constraints = constraints_in(environment)
            of = {each: rows(resolve(asked, constraints, each), each) for each in PROCESSORS}
            pinned = constrained(constraints.read_text(encoding="utf-8"))
            print(f"Home Assistant {version}\n\n{table(of, pinned, asked)}\n")
    except UnreachableError:
        print("script/supply: the package index cannot be reached, nothing was checked", file=sys.stderr)
        return 2
    except ConflictError as conflict:
        print(f"script/supply: {conflict}", file=sys.stderr)
        return 1
    return 0


def _filename(wheel: Mapping[str, Any]) -> str:
    return str(wheel.get("name") or wheel["url"].rpartition("/")[2])


def _name(requirement: str) -> str:
    return requirement.partition("=")[0].partition(">")[0].partition("<")[0].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
