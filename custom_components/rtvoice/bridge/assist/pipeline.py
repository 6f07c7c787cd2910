"""The Assist pipeline in which an agent hears, answers and speaks."""

from homeassistant.components.assist_pipeline import (
    Pipeline,
    async_create_default_pipeline,
    async_get_pipelines,
    async_update_pipeline,
)
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ...const import DOMAIN
from ..errors import refused
from ..parties import Agent


@callback
def async_pipeline_of(hass: HomeAssistant, agent: Agent) -> Pipeline | None:
    """The first pipeline that is the agent's from the ear to the mouth."""
    own = _engines(hass, agent)
    for pipeline in async_get_pipelines(hass):
        if (pipeline.stt_engine, pipeline.conversation_engine, pipeline.tts_engine) == own:
            return pipeline
    return None


async def async_create_pipeline(hass: HomeAssistant, agent: Agent) -> None:
    """Make one, named as the agent is. Raises ServiceValidationError if there is one or there can be none."""
    if (present := async_pipeline_of(hass, agent)) is not None:
        raise refused("pipeline_exists", agent=agent.title, pipeline=present.name)
    stt, conversation, tts = _engines(hass, agent)
    if stt is None or conversation is None or tts is None:
        raise refused("no_pipeline", agent=agent.title)
    pipeline = await async_create_default_pipeline(hass, stt, tts, _free_name(hass, agent.title))
    if pipeline is None:
        raise refused("no_pipeline", agent=agent.title)
    await async_update_pipeline(
        hass,
        pipeline,
        conversation_engine=conversation,
        conversation_language=MATCH_ALL,
        prefer_local_intents=False,
    )


def _engines(hass: HomeAssistant, agent: Agent) -> tuple[str | None, str | None, str | None]:
    registry = er.async_get(hass)
    return (
        registry.async_get_entity_id("stt", DOMAIN, f"{agent.subentry_id}_stt"),
        registry.async_get_entity_id("conversation", DOMAIN, agent.subentry_id),
        registry.async_get_entity_id("tts", DOMAIN, f"{agent.subentry_id}_tts"),
    )


def _free_name(hass: HomeAssistant, title: str) -> str:
    """The title, with a number behind it if a pipeline is called so: satellites know pipelines by name."""
    taken = {pipeline.name for pipeline in async_get_pipelines(hass)}
    name, number = title, 2
    while name in taken:
        name, number = f"{title} {number}", number + 1
    return name
