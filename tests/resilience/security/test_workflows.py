"""What runs on each push and each week is there, may do little, and hides nothing when it fails."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LONGEST_MINUTES = 350
"""GitHub ends a job after six hours, and tells then nothing of what it has found."""


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


JOBS = [(f"{path.stem}-{name}", job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]
RUN = [(job.get("env", {}), shlex.split(step["run"])) for _, job in JOBS for step in job["steps"] if "run" in step]
"""Commands, and what is in their environment."""


def test_each_week_is_looked_for_what_takes_too_long_for_each_push() -> None:
    weekly = read(ROOT / ".github" / "workflows" / "weekly.yml")
    # YAML takes the word for a truth.
    assert [one["cron"].split()[4] for one in weekly[True]["schedule"]] == ["6"]
    commands = {
        step["run"]: job.get("env", {}) for job in weekly["jobs"].values() for step in job["steps"] if "run" in step
    }
    assert commands == {
        "script/supply": {},
        "script/audit": {},
        "script/test tests/resilience/faults": {"RTVOICE_FAULTS": "all"},
        "script/test tests/resilience/fuzz -n 2": {"RTVOICE_FUZZ": "deep"},
        "script/test tests/resilience/soak/test_soak.py -s --soak-minutes 30": {},
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    assert "secrets." not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("job", [job for _, job in JOBS], ids=[name for name, _ in JOBS])
def test_a_job_ends_and_hides_nothing(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= LONGEST_MINUTES
    # One that waits for another is not run when that fails; one that may fail is not seen to.
    assert not {"needs", "if", "permissions", "continue-on-error"} & job.keys()
    for step in job["steps"]:
        assert not {"if", "continue-on-error"} & step.keys()
        assert not set("|;&") & set(step.get("run", ""))


@pytest.mark.parametrize("command", [command for _, command in RUN], ids=" ".join)
def test_what_is_run_is_a_script_of_ours(command: list[str]) -> None:
    script = ROOT / command[0]
    assert script.parent == ROOT / "script"
    assert script.is_file()
    assert os.access(script, os.X_OK)


def test_the_tests_and_options_that_are_named_are_there() -> None:
    """Without running them: pytest refuses what it does not know, and the tests what their environment asks in vain."""
    named = [(env, command[1:]) for env, command in RUN if command[0] == "script/test" and "/" in " ".join(command[1:])]
    assert len(named) == 3
    read_somewhere = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests" / "resilience").rglob("*.py")
        if path != Path(__file__)
    )
    for variable in {variable for env, _ in named for variable in env}:
        assert f'environ.get("{variable}"' in read_somewhere
    environment = os.environ | {key: value for env, _ in named for key, value in env.items()}
    arguments = [argument for _, arguments in named for argument in arguments]
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "--assert=plain",
            "-q",
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for _, (path, *_) in named:
        assert path in ran.stdout
