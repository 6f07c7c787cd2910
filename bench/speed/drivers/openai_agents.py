"""The realtime session of OpenAI's Agents SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner, RealtimeSession

from bench.speed.harness import Place, beside, main
from bench.speed.work import INSTRUCTIONS, TOOL, Microphone, Speaker

set_tracing_disabled(True)


@function_tool(name_override=TOOL)
async def turn_on() -> str:
    """Turn it on."""
    return "{}"


@asynccontextmanager
async def session(place: Place) -> AsyncIterator[None]:
    """Hear and speak."""
    settings = {
        "model_name": place.model,
        "output_modalities": ["audio"],
        "audio": {
            "input": {"format": "pcm16", "turn_detection": {"type": "server_vad"}},
            "output": {"format": "pcm16", "voice": "marin"},
        },
    }
    config = {
        "api_key": place.api_key,
        "url": f"{place.url.replace('http://', 'ws://')}/realtime?model={place.model}",
        "playback_tracker": RealtimePlaybackTracker(),
        "initial_model_settings": settings,
    }
    agent = RealtimeAgent(name="house", instructions=INSTRUCTIONS, tools=[turn_on])
    async with (
        await RealtimeRunner(agent).run(model_config=config) as opened,
        beside(_hear(opened, place.microphone), _speak(opened, place.speaker)),
    ):
        yield


async def _hear(opened: RealtimeSession, microphone: Microphone) -> None:
    async for frame in microphone.frames():
        await opened.send_audio(frame)


async def _speak(opened: RealtimeSession, speaker: Speaker) -> None:
    async for event in opened:
        if event.type == "audio":
            speaker.take(event.audio.data)
        elif event.type == "audio_interrupted":
            speaker.silence()


if __name__ == "__main__":
    main(session)
