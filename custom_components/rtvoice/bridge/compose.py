"""Makes an agent of the engine out of options and Home Assistant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypedDict

from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import llm

from ..compat import make_llm_context
from ..const import ECHO_CANCEL, ECHO_HALF_DUPLEX
from ..engine import ConversationTurn, RealtimeAgent, Tools
from ..engine.mcp import MCPServer
from ..engine.options import OutputModality, ReasoningEffort, TranscriptionModel, TurnDetection
from ..engine.ports import AudioInputDevice, AudioOutputDevice
from ..engine.subagents import SubAgent
from .backing import Backing
from .equipment import Equipment, async_equip
from .parties import Agent
from .prompt import Occasion, async_render_prompt
from .provider import Provider
from .request import SessionRequest
from .tools import Toolbox, ToolSource, async_build_toolbox

FORGOTTEN_S: Final = 330.0
"""Home Assistant forgets a conversation after five minutes; of one that it never got to know it tells nobody."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What an agent knows and can do in a session."""

    instructions: str
    toolbox: Toolbox
    equipment: Equipment = Equipment()


async def async_brief(hass: HomeAssistant, agent: Agent, occasion: Occasion, tools: Tools | None = None) -> Briefing:
    """Prepare an agent, with `tools` in place of its own if given. Asks nothing of the network."""
    if tools is None:
        source = ToolSource(
            agent=agent,
            llm_context=occasion.llm_context,
            live=occasion.live,
            conversation_id=occasion.conversation_id,
        )
        toolbox = await async_build_toolbox(hass, source)
    else:
        toolbox = Toolbox(tools)
    equipment = await async_equip(hass, agent, occasion.llm_context, toolbox)
    prompt = await async_render_prompt(hass, agent.options.instructions, toolbox, occasion)
    return Briefing(prompt, toolbox, equipment)


def llm_context_of(hass: HomeAssistant, agent: Agent, device_id: str | None, context: Context) -> llm.LLMContext:
    """Who speaks to `agent`, and at which device."""
    return make_llm_context(
        context,
        language=agent.options.language or hass.config.language,
        device_id=device_id,
        agent_entity_id=agent.async_entity_id(hass),
    )


class EchoSettings(TypedDict):
    """What RealtimeAgent takes about the agent's own voice in its microphone."""

    echo_cancellation: bool
    half_duplex: bool


def echo_settings(echo: str) -> EchoSettings:
    """What a satellite's option means to the engine."""
    return {"echo_cancellation": echo == ECHO_CANCEL, "half_duplex": echo == ECHO_HALF_DUPLEX}


def spoken_agent(
    agent: Agent,
    provider: Provider,
    briefing: Briefing,
    request: SessionRequest,
    devices: tuple[AudioInputDevice, AudioOutputDevice],
    *,
    echo: str,
    backing: Backing,
) -> RealtimeAgent:
    """An agent that speaks, and listens if asked to."""
    options = agent.options
    if not (request.listens or request.prompt):
        # An announcement waits for no server.
        briefing = replace(briefing, equipment=Equipment())
    timeout_s = options.inactivity_timeout_s if request.inactivity_timeout_s is None else request.inactivity_timeout_s
    engine = RealtimeAgent(
        voice=request.voice or options.voice,
        speech_speed=request.speech_speed or options.speech_speed,
        transcription_model=options.transcription_model,
        transcription_language=options.language,
        noise_reduction=options.noise_reduction,
        turn_detection=options.turn_detection,
        inactivity_timeout_seconds=timeout_s if request.listens and timeout_s > 0 else None,
        inactivity_timeout_enabled=request.listens and timeout_s > 0,
        max_duration_seconds=options.max_duration_s,
        recording_path=backing.recording_path,
        cues=request.cues,
        **echo_settings(echo),
        **_means(agent, provider, briefing, request.history, devices, backing=backing),
    )
    briefing.toolbox.attach(engine)
    return engine


def piped_agent(
    agent: Agent,
    provider: Provider,
    briefing: Briefing,
    history: Sequence[ConversationTurn],
    devices: tuple[AudioInputDevice, AudioOutputDevice],
    *,
    turn_detection: TurnDetection,
    answers_turns: bool,
    backing: Backing,
) -> RealtimeAgent:
    """An agent that is spoken to by way of a pipeline, which must know what was said, and answers aloud."""
    options = agent.options
    engine = RealtimeAgent(
        voice=options.voice,
        speech_speed=options.speech_speed,
        transcription_model=options.transcription_model or TranscriptionModel.GPT_TRANSCRIBE,
        transcription_language=options.language,
        noise_reduction=options.noise_reduction,
        turn_detection=turn_detection,
        answers_turns=answers_turns,
        inactivity_timeout_seconds=FORGOTTEN_S,
        inactivity_timeout_enabled=True,
        max_duration_seconds=options.max_duration_s,
        recording_path=backing.recording_path,
        **_means(agent, provider, briefing, history, devices, backing=backing),
    )
    briefing.toolbox.attach(engine)
    return engine


def writing_agent(
    agent: Agent,
    provider: Provider,
    briefing: Briefing,
    history: Sequence[ConversationTurn],
    devices: tuple[AudioInputDevice, AudioOutputDevice],
    *,
    backing: Backing,
) -> RealtimeAgent:
    """An agent that is written to and writes back."""
    options = agent.options
    engine = RealtimeAgent(
        voice=options.voice,
        transcription_model=None,
        noise_reduction=None,
        output_modalities=[OutputModality.TEXT],
        **_means(agent, provider, briefing, history, devices, backing=backing),
    )
    briefing.toolbox.attach(engine, typed=True)
    return engine


class _Means(TypedDict):
    """What RealtimeAgent takes of an agent's options and of a session, however it is spoken to."""

    instructions: str
    model: str
    reasoning_effort: ReasoningEffort | None
    max_output_tokens: int | None
    tools: Tools
    mcp_servers: tuple[MCPServer, ...]
    subagents: tuple[SubAgent, ...]
    audio_input: AudioInputDevice
    audio_output: AudioOutputDevice
    history: Sequence[ConversationTurn]
    budget_usd: Decimal | None
    fallback_providers: Sequence[Provider]
    provider: Provider


def _means(
    agent: Agent,
    provider: Provider,
    briefing: Briefing,
    history: Sequence[ConversationTurn],
    devices: tuple[AudioInputDevice, AudioOutputDevice],
    *,
    backing: Backing,
) -> _Means:
    return {
        "instructions": briefing.instructions,
        "model": agent.options.model,
        "reasoning_effort": agent.options.reasoning_effort,
        "max_output_tokens": agent.options.max_output_tokens,
        "tools": briefing.toolbox.tools,
        "mcp_servers": briefing.equipment.mcp_servers,
        "subagents": briefing.equipment.subagents,
        "audio_input": devices[0],
        "audio_output": devices[1],
        "history": history,
        "budget_usd": backing.budget_usd,
        "fallback_providers": backing.fallbacks,
        "provider": provider,
    }
