"""Stands in for sounddevice in Home Assistant's process: a sound card that keeps time, and stamps what it is given.

Its microphone hears silence, or marked frames while the file `$BENCH_SPEAK` exists. Each line of `$BENCH_STAMPS` is a
piece of audio: `heard` by the microphone as its thread hands it over, `given` to our speaker's own queue, and `taken`
out of that by the card's thread, which asks for 20 ms every 20 ms.
"""

import base64
import gc
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_SPEAK = Path(os.environ["BENCH_SPEAK"])
_STAMPS = open(os.environ["BENCH_STAMPS"], "a", buffering=1)  # noqa: PTH123, SIM115 - for as long as the process lives
_COLLECTIONS = open(os.environ["BENCH_COLLECTIONS"], "a", buffering=1)  # noqa: PTH123, SIM115 - the same
_MARKS, _LOWEST, _STEP = 200, 1000, 100
"""As in bench.marks, which cannot be imported in here."""

_HELD_UP_S = 0.005
"""A shorter collection explains no outlier."""

default = SimpleNamespace(device={"input": 0, "output": 1})


class PortAudioError(Exception):
    """Never raised."""


def query_devices() -> list[dict[str, Any]]:
    """A microphone and a speaker."""
    return [
        {
            "index": index,
            "name": name,
            "max_input_channels": 1 - index,
            "max_output_channels": index,
            "default_samplerate": 48_000.0,
        }
        for index, name in enumerate(("Bench microphone", "Bench speaker"))
    ]


def _initialize() -> None:
    """There is nothing to look for."""


def _terminate() -> None:
    """There is nothing to end."""


def _exit_handler() -> None:
    """There is nothing to end."""


def _time_collections() -> None:
    """Have Python's garbage collector tell how long it holds everything up."""
    began_s = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began_s
        now_s = time.monotonic()
        if phase == "start":
            began_s = now_s
        elif now_s - began_s > _HELD_UP_S:
            _COLLECTIONS.write(json.dumps({"from_s": began_s, "until_s": now_s, **info}) + "\n")

    gc.callbacks.append(note)


def _stamp(way: str, at_s: float, cpu_s: float, pcm: bytes) -> None:
    if any(pcm):
        line = {"way": way, "at_s": at_s, "cpu_s": cpu_s, "audio": base64.b64encode(pcm).decode()}
        _STAMPS.write(json.dumps(line) + "\n")


class _Stream:
    """Exchanges a block whenever its time has come, in a thread of its own."""

    def __init__(self, *, samplerate: int, blocksize: int, callback: Callable[..., None], **_rest: object) -> None:
        self.samplerate = float(samplerate)
        self.active = False
        self._blocksize = blocksize
        self._callback = callback
        self._thread = threading.Thread(target=self._run, name="bench sound card", daemon=True)

    def start(self) -> None:
        self.active = True
        self._thread.start()

    def close(self) -> None:
        self.active = False
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due_s = time.monotonic()
        while self.active:
            due_s += self._blocksize / self.samplerate
            time.sleep(max(0.0, due_s - time.monotonic()))
            self._exchange()

    def _exchange(self) -> None:
        raise NotImplementedError


class RawInputStream(_Stream):
    """The microphone."""

    _number = 0

    def _exchange(self) -> None:
        pcm = bytes(2 * self._blocksize)
        if _SPEAK.exists():
            level = _LOWEST + _STEP * (RawInputStream._number % _MARKS)
            RawInputStream._number += 1
            pcm = level.to_bytes(2, "little") * self._blocksize
        at_s, cpu_s = time.monotonic(), time.process_time()
        self._callback(pcm, self._blocksize, None, None)
        _stamp("heard", at_s, cpu_s, pcm)


class RawOutputStream(_Stream):
    """The speaker."""

    def __init__(self, *, callback: Callable[..., None], **rest: Any) -> None:
        super().__init__(callback=callback, **rest)
        # Who fills the blocks takes the audio from whoever plays it, which is the moment that matters.
        speaker = callback.__self__._callback.__self__  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way
        play = type(speaker).play_chunk

        async def play_chunk(pcm: bytes) -> None:
            _stamp("given", time.monotonic(), time.process_time(), pcm)
            await play(speaker, pcm)

        speaker.play_chunk = play_chunk

    def _exchange(self) -> None:
        block = bytearray(2 * self._blocksize)
        self._callback(block, self._blocksize, None, None)
        _stamp("taken", time.monotonic(), time.process_time(), bytes(block))


_time_collections()
