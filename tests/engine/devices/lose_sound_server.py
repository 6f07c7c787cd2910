"""Uses a microphone and a speaker while their sound server goes and comes; says on standard output how it went."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "custom_components" / "rtvoice"))

from engine.devices import MicrophoneInput, SpeakerOutput, list_devices
from engine.errors import SinkError, SourceError


def say(text: str) -> None:
    print(text, flush=True)


async def hear(microphone: MicrophoneInput, chunks: float = float("inf")) -> None:
    async for _ in microphone.stream_chunks():
        chunks -= 1
        if chunks <= 0:
            break


async def fails(*work: asyncio.Task[None]) -> None:
    for task in work:
        with pytest.raises((SourceError, SinkError), match="unplugged or its sound server has ended"):
            await asyncio.wait_for(task, 10)


async def main() -> None:
    microphone, speaker = MicrophoneInput(), SpeakerOutput()
    await asyncio.gather(microphone.start(), speaker.start())
    await asyncio.gather(hear(microphone, 10), speaker.play_chunk(bytes(9600)))
    hearing, speaking = asyncio.create_task(hear(microphone)), asyncio.create_task(speaker.play_chunk(bytes(10**7)))
    say("both work")

    await fails(hearing, speaking)
    assert not microphone.is_active
    assert not speaker.is_playing
    await fails(asyncio.create_task(speaker.play_chunk(b"")))
    say("both failed")

    await asyncio.gather(microphone.stop(), speaker.stop())
    for device in (microphone, speaker):
        with pytest.raises((SourceError, SinkError), match=r"on this machine|cannot be opened"):
            await device.start()
    say("neither can be opened")

    await asyncio.to_thread(sys.stdin.readline)
    assert (await list_devices()).problem is None
    await asyncio.gather(microphone.start(), speaker.start())
    await asyncio.gather(hear(microphone, 10), speaker.play_chunk(bytes(9600)))
    say("both work again")
    # Not the ordinary way out: it would wait for a thread that PortAudio may have lost.
    os._exit(0)


asyncio.run(main())
