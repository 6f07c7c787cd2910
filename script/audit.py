"""Reads what pip-audit and npm audit have found out; what nobody could be asked about is not clean but not checked."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Installed:
    """What a Home Assistant installs, and what pip-audit says about it."""

    home_assistant: str
    """The oldest or the newest."""
    pins: tuple[str, ...]
    report: str

    @classmethod
    def read(cls, home_assistant: str, pins: str, report: str) -> Self:
        """From files."""
        return cls(home_assistant, tuple(_text(pins).split()), _text(report))


def judged(installed: Iterable[Installed], card: str) -> tuple[int, list[str]]:
    """The exit code, and what there is to say, of the reports of pip-audit and of npm audit."""
    known: list[str] = []
    missed: list[str] = []
    count = 0
    for one in installed:
        count += len(one.pins)
        for told, to in zip(_told(one), (known, missed), strict=True):
            to += [f"{text} ({one.home_assistant})" for text in told]
        if not one.pins:
            missed.append(f"all of the {one.home_assistant}")
    of_card = _read(card)
    known += [f"card: {name} ({one.get('severity')})" for name, one in of_card.get("vulnerabilities", {}).items()]
    missed += [] if "vulnerabilities" in of_card else ["the card"]
    lines = [f"VULNERABLE {one}" for one in known]
    if missed:
        lines.append(f"NOT CHECKED, because nobody could be asked about it: {', '.join(missed)}")
    if not lines:
        lines.append(f"None of {count} packages and nothing in the card has a known vulnerability")
    return 1 if known else 2 if missed else 0, lines


def _told(one: Installed) -> tuple[list[str], list[str]]:
    """What is vulnerable, and what was not asked about in the version that is installed."""
    asked = {answer["name"].lower(): answer for answer in _read(one.report).get("dependencies", ())}
    known, missed = [], []
    for pin in one.pins:
        name, _, version = pin.partition("==")
        answer = asked.get(name.lower(), {})
        if "skip_reason" in answer or answer.get("version") != version:
            missed.append(name)
        known += [f"{pin}: {vulnerability['id']}" for vulnerability in answer.get("vulns", ())]
    return known, missed


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _read(report: str) -> dict[str, Any]:
    try:
        read = json.loads(report)
    except json.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


if __name__ == "__main__":
    of_card, *of_python = sys.argv[1:]
    code, lines = judged([Installed.read(*one) for one in batched(of_python, 3, strict=True)], _text(of_card))
    print(*lines, sep="\n")
    sys.exit(code)
