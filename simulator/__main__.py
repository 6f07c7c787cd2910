"""`python -m simulator`: serve until SIGTERM or SIGINT."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from .errors import SimulatorSetupError
from .options import MODELS, Behaviour
from .plan import Brain
from .scripted import ScriptedBrain
from .server import Simulator


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.WARNING)
    try:
        asyncio.run(_serve(options))
    except (SimulatorSetupError, OSError, ValueError) as err:
        print(f"simulator: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A Realtime API server on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", help="the key that clients must show; without it any key will do")
    parser.add_argument("--brain", choices=("home", "scripted"), default="home")
    parser.add_argument("--script", type=Path, help="turns of the scripted brain, a JSON file")
    parser.add_argument("--record", type=Path, help="write all events to this file as JSON lines")
    parser.add_argument("--model", action="append", help="a model that exists here (may be given several times)")
    parser.add_argument("--think", type=float, default=0.0, metavar="S", help="how long the model thinks each time")
    parser.add_argument("--verbose", action="store_true")
    return parser


def _brain(options: argparse.Namespace) -> Brain:
    if options.brain == "scripted":
        return ScriptedBrain.from_file(options.script) if options.script else ScriptedBrain()
    from .home import HomeBrain  # noqa: PLC0415  pocketsphinx is needed by this brain only

    return HomeBrain()


async def _serve(options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    simulator = Simulator(
        _brain(options),
        api_key=options.api_key,
        models=options.model or MODELS,
        host=options.host,
        port=options.port,
        record=options.record,
        behaviour=Behaviour(think_s=options.think),
    )
    async with simulator:
        print(f"listening on {simulator.base_url}", flush=True)
        await stopping.wait()


if __name__ == "__main__":
    sys.exit(main())
