"""`python -m simulator`, and scripts from files."""

import asyncio
import json
import signal
import sys

import pytest

from simulator.__main__ import main
from simulator.plan import Call, CloseSocket, Heard, Incomplete, Say, Stall
from simulator.scripted import ScriptedBrain

SCRIPT = [
    {
        "heard": {"text": "hi", "delay_s": 0.1},
        "plans": [
            {"before": {"fault": "stall", "seconds": 0.1}, "steps": [{"call": "f", "arguments": {"a": 1}}]},
            {"delay_s": 0.2, "steps": [{"say": "Hello.", "seconds": 1, "fault": "incomplete", "fault_after_ms": 500}]},
        ],
    },
    {"plans": [{"steps": [{"fault": "close", "code": 1012}]}]},
]


async def test_a_script_is_read_from_a_file(tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps(SCRIPT))
    brain = ScriptedBrain.from_file(path)
    assert list(brain.heard) == [Heard("hi", delay_s=0.1), Heard("")]
    first, second, third = brain.plans
    assert (first.before, first.steps) == (Stall(0.1), (Call("f", {"a": 1}),))
    assert second.steps == (Say("Hello.", seconds=1, fault=Incomplete(), fault_after_ms=500),)
    assert (second.delay_s, third.steps) == (0.2, (CloseSocket(1012),))


def test_a_fault_that_does_not_exist_is_named(tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"plans": [{"steps": [{"fault": "explode"}]}]}]))
    with pytest.raises(ValueError, match="explode"):
        ScriptedBrain.from_file(path)


async def run(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize(("brain", "number"), [("scripted", signal.SIGTERM), ("home", signal.SIGINT)])
async def test_the_program_says_where_it_listens_and_stops_on_a_signal(socket_enabled, tmp_path, brain, number):
    record = tmp_path / "record.jsonl"
    process = await run("--brain", brain, "--record", str(record), "--model", "gpt-realtime-x")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line.startswith(b"listening on http://127.0.0.1:")
        process.send_signal(number)
        _, complaints = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, complaints) == (0, b"")
    assert record.read_text() == ""


def test_a_missing_script_is_said_in_one_line(capsys, tmp_path):
    assert main(["--brain", "scripted", "--script", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err
