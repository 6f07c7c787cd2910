"""`python -m demo`: the demo house, to look at and talk to, or one sentence said to it."""

import argparse
import asyncio
import contextlib
import fcntl
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from .api import ApiError
from .home_assistant import PASSWORD, ROOT, USER, HomeAssistant, free_port, home_assistant
from .house import Account, Furnishing, from_environment, simulated
from .programs import ProgramError, running
from .sound import Sound, SoundFiles, has_virtual_sound_card, virtual_sound_card
from .talk import Talk, speak_on_request

DESCRIPTION = """
The demo house in Home Assistant: to look at and to talk to until Ctrl-C comes; with --say, to say something to.
The exit code of --say is 0 if the agent heard it, answered aloud, and every tool that it used succeeded, else 1.
"""
API_KEY = "demo"
"""The simulator's only key."""
FOLDER = ROOT / ".demo"
RESTART = 100
"""Home Assistant's exit code when it wants to be started again."""


def main() -> int:
    """Run the demo; the exit code: 0 if all went well, 1 if not, 2 for bad usage."""
    options = _parser().parse_args()
    folder: Path = options.folder.resolve() / ("say" if options.say else "house")
    try:
        with _alone_in(folder):
            return asyncio.run(_demo(folder, options))
    except (ProgramError, ApiError) as err:
        print(f"script/demo: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt, asyncio.CancelledError:
        # The way to end a house that is open; a sentence is cut short by it.
        print("\nThe demo house is closed.")
        return 1 if options.say else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/demo", description=DESCRIPTION)
    parser.add_argument(
        "--say",
        action="append",
        metavar="SENTENCE",
        help="say this to the agent, print what comes of it and end (may be given several times)",
    )
    parser.add_argument("--out", type=Path, default=Path("answer.wav"), help="where the answers to --say are recorded")
    parser.add_argument("--voice", default="slt", help="the voice of flite that says it (default: slt)")
    parser.add_argument("--port", type=int, default=8123, help="where to serve, or the next free port (default: 8123)")
    parser.add_argument("--files", action="store_true", help="use files instead of a virtual sound card")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the house is kept (default: .demo)")
    return parser


async def _demo(folder: Path, options: argparse.Namespace) -> int:
    """Start everything, then talk or wait; SIGTERM and SIGINT end it, whether or not the shell ignores them."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # asyncio.run makes one
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, task.cancel)
    while True:
        print("Starting the demo house …", flush=True)
        async with _house(folder, options) as (home, sound):
            if options.say:
                talk = Talk(home.api, sound, folder, voice=options.voice)
                return 0 if await talk.say(options.say, options.out) else 1
            await _stay(home, sound, folder, options)


@contextlib.asynccontextmanager
async def _house(folder: Path, options: argparse.Namespace) -> AsyncIterator[tuple[HomeAssistant, Sound]]:
    logs = folder / "logs"
    async with contextlib.AsyncExitStack() as stack:
        account = from_environment()
        if account is None:
            account = await stack.enter_async_context(_simulator(logs))
        sound: Sound
        if options.files or not has_virtual_sound_card():
            sound = SoundFiles(folder / "config" / "www")
        else:
            sound = await stack.enter_async_context(virtual_sound_card(logs / "pulseaudio.log"))
        home = await stack.enter_async_context(
            home_assistant(
                folder / "config",
                port=free_port(0 if options.say else options.port),
                log=logs / "home-assistant.log",
                environment=sound.environment,
            )
        )
        await Furnishing(home.api).furnish(account, sound.devices)
        yield home, sound


@contextlib.asynccontextmanager
async def _simulator(logs: Path) -> AsyncIterator[Account]:
    """A Realtime API server that hears and speaks offline."""
    record = logs / "events.jsonl"
    logs.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    command = (sys.executable, "-m", "simulator", "--api-key", API_KEY, "--brain", "home", "--record", record)
    path = {"PYTHONPATH": str(ROOT)}
    async with running("The simulator", command, log=logs / "simulator.log", environment=path) as it:
        address = await it.line(r"^listening on (\S+)$", within_s=60)
        yield simulated(address[1], API_KEY)


async def _stay(home: HomeAssistant, sound: Sound, folder: Path, options: argparse.Namespace) -> None:
    """Say where to go and speak what the dashboard asks for, until somebody restarts Home Assistant there."""
    provider = "OpenAI" if from_environment() else "the simulator (offline, no key)"
    print(f"\n  The demo house is open: {home.url}   user: {USER}   password: {PASSWORD}")
    print(f"  The agent's model: {provider}")
    print("  No microphone is needed: the buttons on the dashboard speak for you, and so does")
    print('    script/demo --say "turn on the kitchen lights"')
    print(f"  Logs: {folder / 'logs'}")
    print("  Ctrl-C ends it.\n", flush=True)
    async with speak_on_request(home.api, sound, folder, voice=options.voice):
        code = await home.program.wait()
    if code != RESTART:
        raise ProgramError(f"Home Assistant ended with code {code}\n{home.program.log_tail()}")


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Refuse to run twice in a folder; the lock of a demo that crashed is gone with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProgramError(f"another script/demo runs in {folder}; end it first") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
