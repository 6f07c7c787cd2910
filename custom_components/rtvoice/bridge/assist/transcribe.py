"""Speech to text and nothing else, for pipelines in which somebody else answers."""

import asyncio
from collections.abc import AsyncIterable

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ...const import DOMAIN
from ...engine import RealtimeAgent
from ...engine.devices import NullOutput
from ...engine.events import AgentSessionConnectedEvent, SessionEvent
from ...engine.options import OutputModality, PushToTalk, TranscriptionModel
from ..backing import async_backing
from ..errors import engine_errors, failed
from ..parties import Agent
from ..provider import Provider
from ..tab import Tab
from .microphone import PipelineMicrophone
from .utterance import Ear, Utterance


async def async_transcribe(hass: HomeAssistant, provider: Provider, agent: Agent, stream: AsyncIterable[bytes]) -> str:
    """What is said in a stream, by an agent's account, which is closed again; empty if nothing was said.

    Raises HomeAssistantError.
    """
    microphone = PipelineMicrophone()
    utterance = Utterance(hass)
    ledger = agent.entry.runtime_data.ledger
    tab = Tab(hass, agent, ledger)
    begun = asyncio.Event()
    options = agent.options
    backing = async_backing(hass, agent, ledger)
    engine = RealtimeAgent(
        model=options.model,
        voice=options.voice,
        transcription_model=options.transcription_model or TranscriptionModel.GPT_TRANSCRIBE,
        transcription_language=options.language,
        output_modalities=[OutputModality.TEXT],
        noise_reduction=options.noise_reduction,
        turn_detection=options.turn_detection if options.own_endpointing else PushToTalk(),
        answers_turns=False,
        audio_input=microphone,
        audio_output=NullOutput(),
        budget_usd=backing.budget_usd,
        fallback_providers=backing.fallbacks,
        provider=provider,
    )
    failure: HomeAssistantError | None = None

    async def receive(event: SessionEvent) -> None:
        tab.receive(event)
        utterance.receive(event)
        if isinstance(event, AgentSessionConnectedEvent):
            begun.set()

    async def run() -> None:
        nonlocal failure
        try:
            with engine_errors():
                tab.settle((await engine.run()).usage)
        except HomeAssistantError as err:
            failure = err
        finally:
            utterance.fail(failure or failed("stopped"))
            begun.set()

    async def wait_ready() -> None:
        await begun.wait()
        if failure is not None:
            raise failure

    async def commit() -> None:
        with engine_errors():
            await engine.commit_turn(respond=False)

    engine.event_bus.subscribe(SessionEvent, receive)
    task = agent.entry.async_create_background_task(hass, run(), f"{DOMAIN} transcription by {agent.title}")
    try:
        return await utterance.async_bring(stream, Ear(microphone, options.own_endpointing, wait_ready, commit))
    finally:
        task.cancel()
        await asyncio.wait((task,))
