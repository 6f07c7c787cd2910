"""Sessions on satellites of other integrations, by way of their Assist pipeline."""

from homeassistant.components.assist_pipeline import OPTION_PREFERRED, Pipeline, async_get_pipelines
from homeassistant.components.assist_pipeline.pipeline import async_get_pipeline
from homeassistant.components.assist_satellite import AssistSatelliteEntity, AssistSatelliteEntityFeature
from homeassistant.components.assist_satellite.const import DATA_COMPONENT, PREANNOUNCE_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN
from .errors import refused
from .request import SessionRequest


async def async_start_foreign(hass: HomeAssistant, entity_id: str, request: SessionRequest) -> None:
    """Start a conversation on a satellite whose Assist pipeline uses one of our agents.

    Raises ServiceValidationError if it does not, or cannot start conversations.
    """
    satellite = hass.data[DATA_COMPONENT].get_entity(entity_id)
    if satellite is None or not _is_ours(hass, satellite):
        raise refused("foreign_satellite", satellite=entity_id)
    satellite.async_set_context(request.context)
    told = "\n".join(filter(None, (request.instructions, request.prompt)))
    await satellite.async_internal_start_conversation(
        start_message=request.message,
        start_media_id=None if request.message else PREANNOUNCE_URL,
        extra_system_prompt=told or None,
        preannounce=False,
    )


@callback
def _is_ours(hass: HomeAssistant, satellite: AssistSatelliteEntity) -> bool:
    if not (satellite.supported_features or 0) & AssistSatelliteEntityFeature.START_CONVERSATION:
        return False
    engine = er.async_get(hass).async_get(_pipeline(hass, satellite).conversation_engine)
    return engine is not None and engine.platform == DOMAIN


@callback
def _pipeline(hass: HomeAssistant, satellite: AssistSatelliteEntity) -> Pipeline:
    """The pipeline that the satellite's select entity names, or the preferred one."""
    select = hass.states.get(satellite.pipeline_entity_id) if satellite.pipeline_entity_id else None
    if select is not None and select.state != OPTION_PREFERRED:
        for pipeline in async_get_pipelines(hass):
            if pipeline.name == select.state:
                return pipeline
    return async_get_pipeline(hass)
