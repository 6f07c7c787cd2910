"""rtvoice's engine."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.speed.harness import Place, main
from bench.speed.work import INSTRUCTIONS, RATE_HZ, TOOL, Microphone, Speaker

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "custom_components" / "rtvoice"))

from engine import AgentSessionConnectedEvent, CompatibleProvider, EventBus, RealtimeAgent, ServerVAD, Tools


class Input:
    """The microphone as the engine knows one."""

    sample_rate = RATE_HZ

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self.is_active = False

    async def start(self) -> None:
        """Open it."""
        self.is_active = True

    async def stop(self) -> None:
        """Close it."""
        self.is_active = self._microphone.open = False

    def stream_chunks(self) -> AsyncIterator[bytes]:
        """What it hears."""
        return self._microphone.frames()


class Output:
    """The speaker as the engine knows one."""

    sample_rate = RATE_HZ

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    @property
    def is_playing(self) -> bool:
        """Whether there is something to hear."""
        return self._speaker.playing

    @property
    def played_samples(self) -> int:
        """How many samples were heard."""
        return self._speaker.played_samples

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def play_chunk(self, pcm: bytes) -> None:
        """Play it."""
        self._speaker.take(pcm)

    async def clear_buffer(self) -> None:
        """Be silent."""
        self._speaker.silence()


@asynccontextmanager
async def session(place: Place) -> AsyncIterator[None]:
    """Hear and speak."""
    tools = Tools()

    @tools.action("Turn it on.", name=TOOL)
    async def turn_on() -> str:
        return "{}"

    bus = EventBus()
    connected = asyncio.Event()

    async def note(_: AgentSessionConnectedEvent) -> None:
        connected.set()

    bus.subscribe(AgentSessionConnectedEvent, note)
    provider = CompatibleProvider(place.url, api_key=place.api_key)
    agent = RealtimeAgent(
        instructions=INSTRUCTIONS,
        provider=provider,
        model=place.model,
        turn_detection=ServerVAD(),
        tools=tools,
        audio_input=Input(place.microphone),
        audio_output=Output(place.speaker),
        event_bus=bus,
    )
    run = asyncio.create_task(agent.run())
    try:
        await connected.wait()
        yield
    finally:
        await agent.stop()
        await run
        await provider.close()


if __name__ == "__main__":
    main(session)
