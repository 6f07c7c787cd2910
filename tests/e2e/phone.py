"""A telephone: baresip, whose microphone and recorder are in the hands of a test."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np

from demo.home_assistant import HOST, free_port
from demo.programs import Program, running
from demo.speech import write_wav

from .assist import spoken

MODULES = next((path for name in ("baresip", "*/baresip") for path in Path("/usr/lib").glob(f"{name}/modules")), None)
RATE_HZ = 48_000
SILENCE_S = 60
"""Longer than a call: where its file ends, baresip has no microphone any more."""
ANSWER_S = 10.0
"""How long baresip, or who is called, may take to do something."""

_CONFIG = """
sip_listen {host}:{sip_port}
rtp_ports 20000-20900
ctrl_tcp_listen {host}:{control_port}
audio_source aufile,{folder}/silence.wav
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 1
auplay_channels 1
snd_path {folder}/calls
module_path {modules}
module opus.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
module debug_cmd.so
"""
_ACCOUNT = "<sip:phone@{host}:{sip_port}>;regint=0;audio_codecs=opus/48000/2\n"


class Phone:
    """The running program, told what to do over a socket."""

    def __init__(
        self, program: Program, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.program = program
        self._folder = folder
        self._reader = reader
        self._writer = writer

    async def call(self, port: int) -> None:
        """Call whoever listens at a port; returns when the call was taken."""
        await self._command("dial", f"sip:agent@{HOST}:{port}", event="CALL_ESTABLISHED")

    async def hang_up(self) -> Path:
        """End the call; the recording of what was heard in it."""
        await self._command("hangup", "", event="CALL_CLOSED")
        return max((self._folder / "calls").glob("*-dec.wav"), key=lambda path: path.stat().st_mtime)

    async def say(self, sentence: str) -> None:
        """Speak into the call."""
        path = self._folder / f"{sentence.replace(' ', '-')}.wav"
        samples = await spoken(sentence, RATE_HZ, self._folder)
        write_wav(path, np.concatenate((samples, np.zeros(SILENCE_S * RATE_HZ))), RATE_HZ)
        await self._command("ausrc", f"aufile,{path}")

    async def _command(self, command: str, params: str, *, event: str | None = None) -> None:
        message = json.dumps({"command": command, "params": params, "token": command}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))
        async with asyncio.timeout(ANSWER_S):
            accepted = happened = False
            while not (accepted and (happened or event is None)):
                told = await self._message()
                happened = happened or told.get("type") == event
                if told.get("token") == command:
                    assert told["ok"], told
                    accepted = True

    async def _message(self) -> dict[str, Any]:
        length = int((await self._reader.readuntil(b":"))[:-1])
        told: dict[str, Any] = json.loads((await self._reader.readexactly(length + 1))[:-1])
        return told


@contextlib.asynccontextmanager
async def telephone(folder: Path) -> AsyncIterator[Phone]:
    """The program while the body runs."""
    await asyncio.to_thread((folder / "calls").mkdir, parents=True)
    write_wav(folder / "silence.wav", np.zeros(SILENCE_S * RATE_HZ), RATE_HZ)
    control_port = free_port()
    place = {"host": HOST, "sip_port": free_udp_port()}
    config = _CONFIG.format(**place, control_port=control_port, folder=folder, modules=MODULES)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(_ACCOUNT.format(**place))
    async with running("baresip", ("baresip", "-f", folder, "-4"), log=folder / "baresip.log") as program:
        await program.line("baresip is ready", within_s=30)
        reader, writer = await asyncio.open_connection(HOST, control_port)
        try:
            yield Phone(program, folder, reader, writer)
        finally:
            writer.close()


def free_udp_port() -> int:
    """A port that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
