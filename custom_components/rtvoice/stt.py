"""The ear of an agent in an Assist pipeline."""

import logging
from collections.abc import AsyncIterable
from typing import override

from homeassistant.components.stt import (
    AudioBitRates,
    AudioChannels,
    AudioCodecs,
    AudioFormats,
    AudioSampleRates,
    SpeechMetadata,
    SpeechResult,
    SpeechResultState,
    SpeechToTextEntity,
)
from homeassistant.components.stt.models import SpeechAudioProcessing
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.errors import engine_errors
from .bridge.languages import LANGUAGES
from .bridge.parties import Agent
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import CONF_ENDPOINTING, ENDPOINTING_AGENT
from .entity import PartyEntity, async_add_to_agents

PARALLEL_UPDATES = 0

_LOGGER = logging.getLogger(__name__)


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the ears of all agents."""
    async_add_to_agents(entry, async_add_entities, _ears)


def _ears(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [AgentSpeechToText(runtime, agent)]


class AgentSpeechToText(PartyEntity, SpeechToTextEntity):
    """Hears for the agent, and writes down what it hears.

    Where the same agent answers and speaks, the stream is the agent's own hearing. Else it only writes down.
    """

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent, "stt")
        self._agent = agent

    @property
    @override
    def supported_languages(self) -> list[str]:
        """Those that transcription models understand well."""
        return list(LANGUAGES)

    @property
    @override
    def supported_formats(self) -> list[AudioFormats]:
        """What pipelines bring."""
        return [AudioFormats.WAV]

    @property
    @override
    def supported_codecs(self) -> list[AudioCodecs]:
        """What pipelines bring."""
        return [AudioCodecs.PCM]

    @property
    @override
    def supported_bit_rates(self) -> list[AudioBitRates]:
        """What pipelines bring."""
        return [AudioBitRates.BITRATE_16]

    @property
    @override
    def supported_sample_rates(self) -> list[AudioSampleRates]:
        """What pipelines bring."""
        return [AudioSampleRates.SAMPLERATE_16000]

    @property
    @override
    def supported_channels(self) -> list[AudioChannels]:
        """What pipelines bring."""
        return [AudioChannels.CHANNEL_MONO]

    @property
    @override
    def audio_processing(self) -> SpeechAudioProcessing:
        """The provider does better with what the microphone hears than with what others have made of it."""
        return SpeechAudioProcessing(
            requires_external_vad=self._agent.subentry.data.get(CONF_ENDPOINTING) != ENDPOINTING_AGENT,
            prefers_auto_gain_enabled=False,
            prefers_noise_reduction_enabled=False,
        )

    @override
    async def async_process_audio_stream(self, metadata: SpeechMetadata, stream: AsyncIterable[bytes]) -> SpeechResult:
        """Write down what is said; a muted agent hears nothing."""
        if self._agent.muted:
            return SpeechResult("", SpeechResultState.SUCCESS)
        try:
            with engine_errors():
                self.runtime.check_budget(self._agent, self._agent)
                text = await self.runtime.exchanges.async_hear(self._agent, stream)
        except HomeAssistantError as err:
            _LOGGER.debug("%s heard nothing: %s", self.entity_id, err)
            return SpeechResult(None, SpeechResultState.ERROR)
        return SpeechResult(text, SpeechResultState.SUCCESS)
