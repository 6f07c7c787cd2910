"""The demo as a person runs it."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from demo.home_assistant import ROOT, free_port
from demo.programs import Program, running
from demo.speech import speech_s

from .recogniser import recognise

DEMO = ROOT / "script" / "demo"
OFFLINE = {"OPENAI_API_KEY": ""}


async def test_a_sentence_is_said_and_its_outcome_told(programs: None, tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    sentences = ("--say", "turn on the kitchen lights", "--say", "purple monkeys dance under seventeen bananas")
    command = (DEMO, "--folder", tmp_path, "--out", answer, *sentences)
    async with running("demo", command, log=tmp_path / "demo.log", environment=OFFLINE) as demo:
        assert await ended(demo) == 0
    told = demo.log_text()
    assert "heard     turn on" in told
    assert "agent     I turned on the kitchen lights." in told
    assert "tool      intent__HassTurnOn" in told
    assert "changed   light.kitchen_light: off -> on" in told
    assert told.count("changed") == 1
    assert speech_s(answer) > 1
    assert "i turned on the kitchen lights" in recognise(
        answer,
        "i turned on the kitchen lights sorry i did not understand that",
        "i turned off the kitchen lights sorry i did not understand that",
        "sorry i did not understand that",
    )
    assert not children_of(tmp_path)


async def test_the_house_stays_open_until_it_is_interrupted(programs: None, tmp_path: Path) -> None:
    command = (DEMO, "--folder", tmp_path, "--port", str(free_port()))
    async with running("demo", command, log=tmp_path / "demo.log", environment=OFFLINE) as demo:
        place = await demo.line(r"The demo house is open: (\S+)", within_s=120)
        assert place[1].startswith("http://127.0.0.1:")
        async with running("second", command, log=tmp_path / "second.log", environment=OFFLINE) as second:
            assert await ended(second) == 1
            assert "another script/demo runs" in second.log_text()
        os.kill(demo.pid, signal.SIGINT)
        assert await ended(demo) == 0
    assert "Traceback" not in demo.log_text()
    assert not children_of(tmp_path)


async def test_a_demo_in_the_background_of_a_script_can_be_interrupted(programs: None, tmp_path: Path) -> None:
    # What a shell without job control starts with & inherits that SIGINT is ignored.
    shell = "trap '' INT; exec \"$@\""
    command = ("sh", "-c", shell, "sh", DEMO, "--folder", tmp_path, "--port", str(free_port()))
    async with running("demo", command, log=tmp_path / "demo.log", environment=OFFLINE) as demo:
        await demo.line(r"The demo house is open", within_s=120)
        os.kill(demo.pid, signal.SIGINT)
        async with asyncio.timeout(60):
            assert await demo.wait() == 0
    assert not children_of(tmp_path)


async def test_nothing_is_left_when_the_demo_is_killed(programs: None, tmp_path: Path) -> None:
    command = (DEMO, "--folder", tmp_path, "--port", str(free_port()))
    async with running("demo", command, log=tmp_path / "demo.log", environment=OFFLINE) as demo:
        await demo.line(r"The demo house is open", within_s=120)
        os.kill(demo.pid, signal.SIGKILL)
        await ended(demo)
        async with asyncio.timeout(30):
            while children_of(tmp_path):  # nobody tells us when a stranger's child has ended
                await asyncio.sleep(0.1)
    async with running("demo", command, log=tmp_path / "demo.log", environment=OFFLINE) as demo:
        await demo.line(r"The demo house is open", within_s=120)


async def ended(program: Program) -> int:
    async with asyncio.timeout(180):
        return await program.wait()


def children_of(folder: Path) -> list[str]:
    """Programs that were started for the demo in this folder and run still."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command and process.name != str(os.getpid()):
                found.append(command)
    return found
