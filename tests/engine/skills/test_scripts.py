import asyncio
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.errors import ToolArgumentsError, ToolFailedError, ToolTimeoutError
from custom_components.rtvoice.engine.skills.scripts import MAX_OUTPUT_BYTES, run_script
from tests.engine.mcp.rig import lives, until

LONG_S = 30


async def run(folder: Path, name: str, *args: str, timeout_s: float = LONG_S) -> str:
    return await run_script(folder, folder / name, args, timeout_s)


async def test_scripts_run_by_their_kind_with_arguments_in_the_folder(write_skill) -> None:
    folder = write_skill(
        files={
            "a.py": "import sys, pathlib; print(sys.argv[1:], pathlib.Path('SKILL.md').exists())",
            "b.sh": 'echo "$1"',
            "c.bash": "[[ x == x ]] && echo yes",
            "d.sh": "true",
        }
    )
    assert await run(folder, "a.py", "x; y", "$HOME") == "['x; y', '$HOME'] True"
    assert await run(folder, "b.sh", "$(id)") == "$(id)"
    assert await run(folder, "c.bash") == "yes"
    assert await run(folder, "d.sh") == "Success"


async def test_c11_a_script_sees_nothing_of_the_hosts_environment(write_skill, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SUPERVISOR_TOKEN", "secret")
    folder = write_skill(files={"a.py": "import os; print(sorted(os.environ), os.environ['HOME'], os.environ['LANG'])"})
    printed = await run(folder, "a.py")
    names = printed.partition("]")[0]
    assert {name.strip("[' ") for name in names.split(",")} <= {"HOME", "LANG", "LC_CTYPE", "PATH"}
    assert printed.endswith(f"{folder} C.UTF-8")


async def test_a_failing_script_says_why(write_skill) -> None:
    folder = write_skill(
        files={"a.sh": "echo out; echo why >&2; exit 3", "b.sh": "echo out; exit 1", "c.sh": "kill -9 $$"}
    )
    with pytest.raises(ToolFailedError, match=r"Error \(exit code 3\): why"):
        await run(folder, "a.sh")
    with pytest.raises(ToolFailedError, match=r"Error \(exit code 1\): out"):
        await run(folder, "b.sh")
    with pytest.raises(ToolFailedError, match=r"Error \(signal 9\): no output"):
        await run(folder, "c.sh")


async def test_much_output_is_read_and_cut(write_skill) -> None:
    folder = write_skill(files={"a.py": "print('x' * 5_000_000)"})
    printed = await run(folder, "a.py")
    assert printed == "x" * MAX_OUTPUT_BYTES + " … [cut]"


async def test_after_the_time_is_over_the_script_and_its_children_are_gone(write_skill) -> None:
    folder = write_skill(files={"a.sh": "sleep 60 & echo $! > pid; sleep 60"})
    with pytest.raises(ToolTimeoutError, match="did not finish within 1 s and was stopped"):
        await run(folder, "a.sh", timeout_s=1)
    child = int((folder / "pid").read_text(encoding="utf-8"))
    await until(lambda: not lives(child))


async def test_a_cancelled_script_is_gone(write_skill) -> None:
    folder = write_skill(files={"a.sh": "echo $$ > pid.new; mv pid.new pid; sleep 60"})
    task = asyncio.create_task(run(folder, "a.sh"))
    await until((folder / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int((folder / "pid").read_text(encoding="utf-8"))
    await until(lambda: not lives(pid))


async def test_what_a_script_leaves_running_is_gone_when_it_ends(write_skill) -> None:
    folder = write_skill(files={"a.sh": "sleep 60 & echo $!"})
    child = int(await run(folder, "a.sh"))
    await until(lambda: not lives(child))


async def test_input_and_odd_scripts(write_skill) -> None:
    folder = write_skill(files={"a.sh": "cat", "b.exe": ""})
    assert await run(folder, "a.sh") == "Success"
    with pytest.raises(ToolArgumentsError, match="is no script that can be run"):
        await run(folder, "b.exe")
    with pytest.raises(ToolArgumentsError, match="null characters"):
        await run(folder, "a.sh", "\0")
    with pytest.raises(ToolFailedError, match="cannot be started"):
        await run_script(folder / "gone", folder / "a.sh", (), LONG_S)
