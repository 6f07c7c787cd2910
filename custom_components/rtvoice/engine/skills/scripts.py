"""Scripts of a skill: run without a shell, without the host's environment, and never for longer than allowed."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ToolArgumentsError, ToolFailedError, ToolTimeoutError

MAX_OUTPUT_BYTES: Final = 12_000
"""How much of each output is kept; the rest is read and dropped."""

_INTERPRETERS: Final = {".py": (sys.executable, "-B"), ".sh": ("sh",), ".bash": ("bash",)}
_READ_BYTES: Final = 64 * 1024
_LAST_WORDS_S: Final = 1.0
"""How long outputs are waited for after the script has ended: somebody who left the group may hold them open."""


@dataclass(frozen=True, slots=True)
class _Output:
    code: int
    stdout: str
    stderr: str


async def run_script(folder: Path, script: Path, args: Sequence[str], timeout_s: float) -> str:
    """Run a script in the skill's folder and return what it printed, or "Success".

    It gets PATH, a LANG of C.UTF-8 and the folder as HOME, and no input. POSIX only. The script and all
    of its process group are killed when the time is over, when the caller is cancelled, and when the script has ended.

    Raises ToolArgumentsError for a script of an unknown kind, ToolTimeoutError, and ToolFailedError with what it
    printed when it fails.
    """
    interpreter = _INTERPRETERS.get(script.suffix)
    if interpreter is None:
        raise ToolArgumentsError(f"'{script.name}' is no script that can be run; there are {', '.join(_INTERPRETERS)}")
    if any("\0" in arg for arg in args):
        raise ToolArgumentsError("Arguments must not contain null characters")
    try:
        async with asyncio.timeout(timeout_s):
            output = await _execute((*interpreter, str(script), *args), folder)
    except TimeoutError as err:
        raise ToolTimeoutError(f"'{script.name}' did not finish within {timeout_s:g} s and was stopped") from err
    except OSError as err:
        raise ToolFailedError(f"'{script.name}' cannot be started: {err.strerror}") from err
    if output.code != 0:
        how = f"exit code {output.code}" if output.code > 0 else f"signal {-output.code}"
        raise ToolFailedError(f"Error ({how}): {output.stderr or output.stdout or 'no output'}")
    return output.stdout or "Success"


async def _execute(command: Sequence[str], folder: Path) -> _Output:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    kept = bytearray(), bytearray()
    streams = zip((process.stdout, process.stderr), kept, strict=True)
    readers = [asyncio.create_task(_keep(stream, into), name="rtvoice script output") for stream, into in streams]
    try:
        code = await process.wait()
        _kill_group(process.pid)
        await asyncio.wait(readers, timeout=_LAST_WORDS_S)
    finally:
        _kill_group(process.pid)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(process.wait(), *readers, return_exceptions=True)
    return _Output(code, *(_text(output) for output in kept))


async def _keep(stream: asyncio.StreamReader | None, into: bytearray) -> None:
    """Read to the end, so that the script never waits for us, and keep the beginning."""
    while stream is not None and (data := await stream.read(_READ_BYTES)):
        into += data[: MAX_OUTPUT_BYTES + 1 - len(into)]


def _text(output: bytearray) -> str:
    text = output[:MAX_OUTPUT_BYTES].decode(errors="replace").strip()
    return f"{text} … [cut]" if len(output) > MAX_OUTPUT_BYTES else text


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
