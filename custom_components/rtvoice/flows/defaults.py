"""What a new account comes with: an agent, and a satellite where there is a sound card."""

from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import CONF_LLM_HASS_API
from homeassistant.helpers.llm import LLM_API_ASSIST

from ..const import (
    CONF_EAGERNESS,
    CONF_INACTIVITY_TIMEOUT,
    CONF_INSTRUCTIONS,
    CONF_KIND,
    CONF_MAX_DURATION,
    CONF_MODEL,
    CONF_NOISE_REDUCTION,
    CONF_PREFIX_PADDING,
    CONF_SILENCE_DURATION,
    CONF_SPEECH_SPEED,
    CONF_THRESHOLD,
    CONF_TRANSCRIPTION_MODEL,
    CONF_TURN_DETECTION,
    CONF_VOICE,
    DEFAULT_AGENT_NAME,
    DEFAULT_INACTIVITY_TIMEOUT,
    DEFAULT_INSTRUCTIONS,
    DEFAULT_MAX_DURATION,
    DEFAULT_SATELLITE_NAME,
    KIND_LOCAL,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from ..engine.devices import list_devices
from ..engine.options import (
    AssistantVoice,
    NoiseReduction,
    SemanticEagerness,
    SemanticVAD,
    ServerVAD,
    TranscriptionModel,
)


def default_agent(provider: str, model: str) -> dict[str, Any]:
    """Options of an agent that is useful as it is; other providers than OpenAI choose their own voice."""
    voice = {CONF_VOICE: AssistantVoice.MARIN.value} if provider == PROVIDER_OPENAI else {}
    silence = ServerVAD()
    return {
        CONF_INSTRUCTIONS: DEFAULT_INSTRUCTIONS,
        CONF_LLM_HASS_API: [LLM_API_ASSIST],
        CONF_MODEL: model,
        **voice,
        CONF_SPEECH_SPEED: 1.0,
        CONF_TRANSCRIPTION_MODEL: TranscriptionModel.GPT_TRANSCRIBE.value,
        CONF_NOISE_REDUCTION: NoiseReduction.FAR_FIELD.value,
        CONF_TURN_DETECTION: SemanticVAD().kind,
        CONF_EAGERNESS: SemanticEagerness.AUTO.value,
        CONF_THRESHOLD: silence.threshold,
        CONF_PREFIX_PADDING: silence.prefix_padding_ms,
        CONF_SILENCE_DURATION: silence.silence_duration_ms,
        CONF_INACTIVITY_TIMEOUT: DEFAULT_INACTIVITY_TIMEOUT,
        CONF_MAX_DURATION: DEFAULT_MAX_DURATION,
    }


async def async_default_subentries(provider: str, model: str) -> list[ConfigSubentryData]:
    """One agent, and one local satellite if the machine can both listen and speak."""
    subentries = [_subentry(SUBENTRY_AGENT, DEFAULT_AGENT_NAME, default_agent(provider, model))]
    devices = await list_devices()
    if devices.inputs and devices.outputs:
        subentries.append(_subentry(SUBENTRY_SATELLITE, DEFAULT_SATELLITE_NAME, {CONF_KIND: KIND_LOCAL}))
    return subentries


def _subentry(subentry_type: str, title: str, data: dict[str, Any]) -> ConfigSubentryData:
    return ConfigSubentryData(subentry_type=subentry_type, title=title, data=data, unique_id=None)
