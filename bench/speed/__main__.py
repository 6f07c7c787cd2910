"""Measures this engine, its peers and the floor at the same work, one after the other.

python -m bench.speed [--subjects floor,ours,...] [--counts 1,10,50] [--rounds 3] [--more 1,...,200] [--seconds 30]
                      [--out FOLDER]

Each run is a server process and a process of the library. All libraries run with each number of sessions of `--counts`
against the simulator, `--rounds` times in turns, of which the middle counts; the floor and this engine also with those
of `--more`, to show how they grow, against a server that costs less and so is not what bends first. Writes `speed.json`
and `speed.md`.
"""

import argparse
import itertools
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from .figures import Figures, figures_of, middle
from .table import in_markdown

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = {
    "floor": ".venv",
    "ours": ".venv",
    "rtvoice": ".venv-bench-rtvoice",
    "openai_agents": ".venv-bench-openai-agents",
    "pipecat": ".venv-bench-pipecat",
    "livekit": ".venv-bench-livekit",
    "livekit_20ms": ".venv-bench-livekit",
}
"""Each library's driver, and the environment that it is installed in."""
_BOTH = ("floor", "ours")

type Runs = dict[str, dict[int, Figures]]
_PATIENCE_S = 120.0


def main() -> None:
    """Run it all."""
    options = _parser().parse_args()
    subjects = options.subjects.split(",")
    runs: Runs = {subject: {} for subject in subjects}
    growth: Runs = {subject: {} for subject in subjects if subject in _BOTH}
    for server, wanted, into, times in (
        ("server", options.counts, runs, options.rounds),
        ("lean", options.more, growth, 1),
    ):
        rounds: defaultdict[tuple[str, int], list[Figures]] = defaultdict(list)
        for count, _, subject in itertools.product(_numbers(wanted), range(times), into):
            try:
                figures = _run(subject, count, options.seconds, server)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as err:
                print(f"{subject} with {count}: {_why(err)}", file=sys.stderr)
                continue
            print(f"{subject} with {count}: {_short(figures)}", file=sys.stderr)
            rounds[subject, count].append(figures)
            into[subject][count] = middle(rounds[subject, count])
            _write(runs, growth, options)
            time.sleep(options.rest)
    print((options.out / "speed.md").read_text())


def _write(runs: Runs, growth: Runs, options: argparse.Namespace) -> None:
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": _machine(),
        "seconds": options.seconds,
        "runs": _for_json(runs),
        "growth": _for_json(growth),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "speed.json").write_text(json.dumps(report, indent=1) + "\n")
    table = in_markdown(runs, growth, date=str(report["date"]), machine=str(report["machine"]))
    (options.out / "speed.md").write_text(table)


def _for_json(runs: Runs) -> dict[str, dict[int, dict[str, object]]]:
    return {
        subject: {count: {**asdict(each), "cpu_per_minute": each.cpu_per_minute} for count, each in counts.items()}
        for subject, counts in runs.items()
    }


def _why(err: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> str:
    if isinstance(err, subprocess.TimeoutExpired):
        return "did not come to an end"
    return f"failed:\n{err.stderr.decode()[-2000:]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.speed")
    parser.add_argument("--subjects", default=",".join(SUBJECTS))
    parser.add_argument("--counts", default="1,10,50")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--more", default="1,10,50,100,150,200")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rest", type=float, default=2, help="seconds between two runs")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _run(subject: str, count: int, seconds: float, server_name: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        served, ran = Path(folder) / "server.json", Path(folder) / "client.json"
        server = subprocess.Popen(
            [ROOT / ".venv/bin/python", "-m", f"bench.speed.{server_name}", "--out", served],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            python = ROOT / SUBJECTS[subject] / "bin" / "python"
            work = [python, "-m", f"bench.speed.drivers.{subject}", "--url", url, "--sessions", str(count)]
            subprocess.run(
                [*work, "--seconds", str(seconds), "--out", ran],
                cwd=ROOT,
                check=True,
                timeout=seconds + _PATIENCE_S,
                stderr=subprocess.PIPE,
            )
        finally:
            server.terminate()
            server.wait(_PATIENCE_S)
        return figures_of(json.loads(ran.read_text()), json.loads(served.read_text()))


def _short(figures: Figures) -> str:
    return f"{figures.cpu_per_minute:.3f} s of processor for a minute"


def _machine() -> str:
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return f"{len(names)} x {names[0]}, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
