"""Any text in an agent's voice: announcements, and the answers of others."""

import asyncio
from collections.abc import AsyncGenerator

from homeassistant.core import HomeAssistant

from ...const import DOMAIN
from ...engine import RealtimeAgent
from ...engine.audio.frame import SAMPLE_BYTES
from ...engine.devices import NullInput
from ...engine.events import AgentErrorEvent, AgentSessionConnectedEvent, SessionEvent, StopAgentCommand
from ..backing import async_backing
from ..budget import async_check_budget
from ..errors import engine_errors, failed
from ..parties import Agent
from ..provider import Provider
from ..tab import Tab
from .speaker import SAMPLE_RATE_HZ, Voice


class _Spout:
    """A speaker that hands everything over at once and takes it for heard."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.sample_rate = SAMPLE_RATE_HZ
        self.is_playing = False
        self.played_samples = 0

    async def start(self) -> None:
        """Do nothing; it is always ready."""

    async def stop(self) -> None:
        """Do nothing; there is nothing to close."""

    async def play_chunk(self, pcm: bytes) -> None:
        """Hand over whole samples."""
        self.played_samples += len(pcm) // SAMPLE_BYTES
        self._voice.put(pcm)

    async def clear_buffer(self) -> None:
        """Do nothing; there is never anything queued."""


async def async_speech(
    hass: HomeAssistant, provider: Provider, agent: Agent, text: str, *, voice: str | None = None
) -> AsyncGenerator[bytes]:
    """A text as the agent says it, piece by piece as 16-bit mono PCM at SAMPLE_RATE_HZ. Raises HomeAssistantError."""
    ledger = agent.entry.runtime_data.ledger
    options = agent.options
    with engine_errors():
        async_check_budget(agent, ledger)
    backing = async_backing(hass, agent, ledger)
    tab = Tab(hass, agent, ledger)
    said = Voice(lambda: None)
    engine = RealtimeAgent(
        model=options.model,
        voice=voice or options.voice,
        speech_speed=options.speech_speed,
        transcription_model=None,
        noise_reduction=None,
        audio_input=NullInput(),
        audio_output=_Spout(said),
        budget_usd=backing.budget_usd,
        fallback_providers=backing.fallbacks,
        provider=provider,
    )
    complaint = "no answer"

    async def receive(event: SessionEvent) -> None:
        nonlocal complaint
        tab.receive(event)
        if isinstance(event, AgentErrorEvent):
            complaint = event.error.message
        if isinstance(event, AgentSessionConnectedEvent):
            await engine.say(text)
            await engine.event_bus.dispatch(StopAgentCommand(when_silent=True))

    async def run() -> None:
        try:
            with engine_errors():
                tab.settle((await engine.run()).usage)
        finally:
            said.end()

    engine.event_bus.subscribe(SessionEvent, receive)
    task = agent.entry.async_create_background_task(hass, run(), f"{DOMAIN} speech of {agent.title}")
    try:
        async for chunk in said.chunks():
            yield chunk
        await asyncio.wait((task,))
        if task.cancelled():
            raise failed("stopped")
        task.result()
        if not said.begun:
            raise failed(complaint)
    finally:
        task.cancel()
        await asyncio.wait((task,))
