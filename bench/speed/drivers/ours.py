"""rtvoice's engine."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.speed.devices import Input, Output
from bench.speed.harness import Place, main
from bench.speed.work import INSTRUCTIONS, RATE_HZ, TOOL

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "custom_components" / "rtvoice"))

from engine import AgentSessionConnectedEvent, CompatibleProvider, EventBus, RealtimeAgent, ServerVAD, Tools


class EngineInput(Input):
    """The microphone as the engine knows one."""

    sample_rate = RATE_HZ


class EngineOutput(Output):
    """The speaker as the engine knows one."""

    sample_rate = RATE_HZ

    @property
    def played_samples(self) -> int:
        """How many samples were heard."""
        return self._speaker.played_samples


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
        audio_input=EngineInput(place.microphone),
        audio_output=EngineOutput(place.speaker),
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
