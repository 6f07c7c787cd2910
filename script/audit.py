"""Reads what pip-audit and npm audit have found out; what nobody could be asked about is not clean but not checked."""

import json
import sys
from pathlib import Path
from typing import Any


def judged(pins: list[str], python: str, card: str) -> tuple[int, list[str]]:
    """The exit code, and what there is to say, of the reports of pip-audit and of npm audit."""
    known: list[str] = []
    asked = {one["name"].lower(): one for one in _read(python).get("dependencies", ())}
    missed = []
    for name in (pin.partition("==")[0] for pin in pins):
        answer = asked.get(name.lower(), {"skip_reason": "not asked"})
        known += [f"{name} {answer['version']}: {one['id']}" for one in answer.get("vulns", ())]
        missed += [name] if "skip_reason" in answer else []
    of_card = _read(card)
    known += [f"card: {name} ({one.get('severity')})" for name, one in of_card.get("vulnerabilities", {}).items()]
    missed += [] if "vulnerabilities" in of_card else ["the card"]
    lines = [f"VULNERABLE {one}" for one in known]
    if missed:
        lines.append(f"NOT CHECKED, because nobody could be asked about it: {', '.join(missed)}")
    if not lines:
        lines.append(f"None of {len(pins)} packages and nothing in the card has a known vulnerability")
    return 1 if known else 2 if missed else 0, lines


def _read(report: str) -> dict[str, Any]:
    try:
        read = json.loads(report)
    except json.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


if __name__ == "__main__":
    listed, of_python, of_card = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:4])
    code, told = judged(listed.split(), of_python, of_card)
    print(*told, sep="\n")
    sys.exit(code)
