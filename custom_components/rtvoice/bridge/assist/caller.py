"""Who speaks to an agent by way of an Assist pipeline, and what the pipeline wants."""

from dataclasses import dataclass
from typing import Any, Final, Self

from homeassistant.components.assist_pipeline import PipelineEventType
from homeassistant.components.assist_pipeline.models import PipelineStage
from homeassistant.components.assist_pipeline.run import PipelineRun
from homeassistant.components.assist_pipeline.runtime import KEY_ASSIST_PIPELINE
from homeassistant.components.conversation import ConversationInput
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ...const import DOMAIN
from ..parties import Agent

_BUFFERS_ALL: Final = "voip"
"""The integration whose satellites play nothing before the answer is complete."""
_WITHOUT_MEDIA_PLAYER: Final = ("esphome", "wav")
"""Of these devices, those that are sent samples begin when the answer is complete; others fetch it at once."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person at a satellite, in the app or in a browser."""

    context: Context
    device_id: str | None
    satellite_id: str | None

    @classmethod
    def of(cls, asked: PipelineRun | ConversationInput) -> Self:
        """The one for whom a run, or a turn of a conversation, is."""
        return cls(asked.context, asked.device_id, asked.satellite_id)

    def is_same(self, other: Caller) -> bool:
        """Whether both are the same user at the same place."""
        return self._identity == other._identity

    @property
    def _identity(self) -> tuple[str | None, str | None, str | None]:
        return self.context.user_id, self.device_id, self.satellite_id


@dataclass(frozen=True, slots=True)
class Wish:
    """How a run wants what is said to be answered."""

    local_first: bool = False
    """Whether Home Assistant tries to understand it by itself before the agent is asked."""
    plays_late: bool = False
    """Whether the satellite plays nothing before the answer is complete."""

    @classmethod
    def of(cls, hass: HomeAssistant, run: PipelineRun) -> Self:
        """As the run's pipeline and satellite are."""
        return cls(run.pipeline.prefer_local_intents, _plays_late(hass, run))


@callback
def async_run_of(hass: HomeAssistant, conversation_id: str) -> PipelineRun | None:
    """The run that goes on in a conversation, if it can be found.

    Speech to text is not told for whom it is. What Home Assistant keeps of its runs says it, but is not made for
    others: where it is kept otherwise, there is no run to be found.
    """
    data = hass.data.get(KEY_ASSIST_PIPELINE)
    known = getattr(getattr(data, "pipeline_runs", None), "_pipeline_runs", None)
    logs = getattr(data, "pipeline_debug", None)
    if not isinstance(known, dict) or not isinstance(logs, dict):
        return None
    found = [
        run
        for pipeline_id, runs in known.items()
        for run_id, run in runs.items()
        if isinstance(run, PipelineRun) and _conversation_id(logs, pipeline_id, run_id) == conversation_id
    ]
    return found[-1] if found else None


@callback
def async_is_wholly(hass: HomeAssistant, run: PipelineRun, agent: Agent) -> bool:
    """Whether an agent hears, answers and speaks in a run."""
    pipeline = run.pipeline
    engines = (pipeline.stt_engine, pipeline.conversation_engine, pipeline.tts_engine)
    return run.end_stage is PipelineStage.TTS and all(_is_of(hass, engine, agent) for engine in engines)


def _is_of(hass: HomeAssistant, engine: str | None, agent: Agent) -> bool:
    entry = er.async_get(hass).async_get(engine) if engine else None
    return entry is not None and entry.platform == DOMAIN and entry.config_subentry_id == agent.subentry_id


def _conversation_id(logs: dict[str, Any], pipeline_id: str, run_id: str) -> str | None:
    log = logs.get(pipeline_id, {}).get(run_id)
    for event in log.events if log is not None else ():
        if event.type is PipelineEventType.RUN_START:
            conversation_id: str | None = (event.data or {}).get("conversation_id")
            return conversation_id
    return None


def _plays_late(hass: HomeAssistant, run: PipelineRun) -> bool:
    entry = er.async_get(hass).async_get(run.satellite_id) if run.satellite_id else None
    if entry is None:
        return False
    output = run.tts_audio_output
    audio = output.get("preferred_format") if isinstance(output, dict) else output
    return entry.platform == _BUFFERS_ALL or (entry.platform, audio) == _WITHOUT_MEDIA_PLAYER
