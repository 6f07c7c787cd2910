"""The mouth of an agent in an Assist pipeline, and for announcements."""

from collections.abc import AsyncGenerator
from typing import Final, override

from homeassistant.components.tts import ATTR_VOICE, TextToSpeechEntity
from homeassistant.components.tts.entity import TTSAudioRequest, TTSAudioResponse
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.assist.speaker import SAMPLE_RATE_HZ
from .bridge.assist.speech import async_speech
from .bridge.assist.turn import PADDING
from .bridge.assist.wav import FORMAT_OPTIONS, WavFormat, wav_stream
from .bridge.languages import LANGUAGES, spoken_in
from .bridge.parties import Agent
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import CONF_LANGUAGE
from .entity import PartyEntity, async_add_to_agents

PARALLEL_UPDATES = 0

WAV: Final = "wav"


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the mouths of all agents."""
    async_add_to_agents(entry, async_add_entities, _mouths)


def _mouths(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [AgentTextToSpeech(runtime, agent)]


class AgentTextToSpeech(PartyEntity, TextToSpeechEntity):
    """Speaks in the agent's voice: its own answers as they come, and any text.

    The audio is WAV at the rate that is asked for.
    """

    _attr_supported_options = [ATTR_VOICE, *FORMAT_OPTIONS]  # noqa: RUF012 - Home Assistant's own way

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent, "tts")
        self._agent = agent
        self._attr_supported_languages = list(LANGUAGES)

    @property
    @override
    def default_language(self) -> str:
        """What the agent speaks unless it is spoken to in another language."""
        own = self._agent.subentry.data.get(CONF_LANGUAGE) or ""
        return spoken_in(own, self.hass.config.language)

    @override
    async def async_stream_tts_audio(self, request: TTSAudioRequest) -> TTSAudioResponse:
        """The agent's answer in the conversation that the request belongs to, or else the text of the request."""
        wanted = WavFormat.wanted(request.options, SAMPLE_RATE_HZ)
        pcm = self._pcm(request)
        return TTSAudioResponse(WAV, wav_stream(pcm, SAMPLE_RATE_HZ, wanted))

    async def _pcm(self, request: TTSAudioRequest) -> AsyncGenerator[bytes]:
        text = await anext(request.message_gen, "")
        exchange = self.runtime.exchanges.current(self._agent) if text.startswith(PADDING) else None
        if exchange is not None:
            async for chunk in exchange.async_voice():
                yield chunk
            return
        text = "".join([text, *[piece async for piece in request.message_gen]]).strip()
        voice = request.options.get(ATTR_VOICE)
        if not text:
            return
        async for chunk in async_speech(self.hass, self.runtime.provider, self._agent, text, voice=voice):
            yield chunk
