"""Devices for sessions in text only."""

import asyncio

from custom_components.rtvoice.engine.devices import NullInput, NullOutput
from custom_components.rtvoice.engine.ports import AudioInputDevice, AudioOutputDevice


async def test_null_input_hears_nothing_until_stopped() -> None:
    microphone = NullInput(16_000)
    assert isinstance(microphone, AudioInputDevice)
    assert (microphone.sample_rate, microphone.is_active) == (16_000, False)
    await microphone.start()
    assert microphone.is_active

    async def hear() -> list[bytes]:
        return [chunk async for chunk in microphone.stream_chunks()]

    hearing = asyncio.create_task(hear())
    await asyncio.sleep(0)
    assert not hearing.done()
    await microphone.stop()
    await microphone.stop()
    assert await hearing == []
    assert not microphone.is_active


async def test_null_output_plays_at_once() -> None:
    speaker = NullOutput()
    assert isinstance(speaker, AudioOutputDevice)
    await speaker.start()
    await speaker.play_chunk(bytes(960))
    await speaker.clear_buffer()
    await speaker.stop()
    assert (speaker.sample_rate, speaker.played_samples, speaker.is_playing) == (24_000, 480, False)
