"""The satellite as Assist sees it."""

from typing import Any, Final, override

from homeassistant.components.assist_pipeline import PipelineEvent
from homeassistant.components.assist_satellite import (
    AssistSatelliteAnswer,
    AssistSatelliteConfiguration,
    AssistSatelliteEntity,
    AssistSatelliteEntityFeature,
    AssistSatelliteWakeWord,
)
from homeassistant.components.assist_satellite.const import PREANNOUNCE_URL
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.announce import async_announce, async_chime, async_play_media
from .bridge.errors import refused
from .bridge.parties import Satellite
from .bridge.request import SessionRequest
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.states import SATELLITE_STATES
from .const import CONF_WAKE_WORD, DOMAIN
from .entity import PartyEntity, async_add_to_satellites

PARALLEL_UPDATES = 0

_QUESTION_RULE: Final = "You have asked a question on behalf of the home. Listen to the answer; do not discuss it."


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the satellites."""
    async_add_to_satellites(entry, async_add_entities, _satellites)


def _satellites(runtime: Runtime, satellite: Satellite) -> list[Entity]:
    return [LiveSatellite(runtime, satellite)]


class LiveSatellite(PartyEntity, AssistSatelliteEntity):
    """A satellite whose agent hears and speaks by itself: no pipeline runs here, so texts need no TTS engine."""

    _attr_supported_features = AssistSatelliteEntityFeature.ANNOUNCE | AssistSatelliteEntityFeature.START_CONVERSATION

    def __init__(self, runtime: Runtime, satellite: Satellite) -> None:
        super().__init__(runtime, satellite)
        self._satellite = satellite
        self._was_available = self.available

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to follow what the agent does."""
        await super().async_added_to_hass()
        self.async_on_remove(self.party.activity.watch(self._async_follow))

    @property
    @override
    def available(self) -> bool:
        """Whether it can hear and speak now, and there is a provider."""
        return super().available and self._satellite.present

    @callback
    def _async_follow(self) -> None:
        if self._was_available != (available := self.available):
            self._was_available = available
            self.async_write_ha_state()
        if (state := SATELLITE_STATES[self.party.activity.snapshot.status]) != self.state:
            self._set_state(state)

    @callback
    @override
    def async_get_configuration(self) -> AssistSatelliteConfiguration:
        """Tell which wake words may be chosen, and which one was."""
        words = self._satellite.place.wake_words
        available = [AssistSatelliteWakeWord(word.id, word.phrase or word.name, []) for word in words.available]
        active = [word.id for word in available if word.id == words.chosen_id]
        return AssistSatelliteConfiguration(
            available_wake_words=available, active_wake_words=active, max_active_wake_words=1 if available else 0
        )

    @override
    async def async_set_configuration(self, config: AssistSatelliteConfiguration) -> None:
        """Choose a wake word. Raises HomeAssistantError unless it is one: *Mute* is what ends listening."""
        if not self._satellite.place.wake_words.available and not config.active_wake_words:
            return
        if len(config.active_wake_words) != 1:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="one_wake_word")
        subentry = self._satellite.subentry
        data = {**subentry.data, CONF_WAKE_WORD: config.active_wake_words[0]}
        self.hass.config_entries.async_update_subentry(self._satellite.entry, subentry, data=data)
        self._satellite.activity.changed()

    @callback
    @override
    def on_pipeline_event(self, event: PipelineEvent) -> None:
        """No pipeline runs here."""

    @override
    async def async_internal_announce(
        self,
        message: str | None = None,
        media_id: str | None = None,
        preannounce: bool = True,
        preannounce_media_id: str = PREANNOUNCE_URL,
    ) -> None:
        """Play media, or have the agent speak a message, and wait until it was heard."""
        await async_chime(self.hass, self.runtime, self._satellite, preannounce_media_id if preannounce else None)
        if media_id is not None:
            await async_play_media(self.hass, self.runtime, self._satellite, media_id)
        elif message:
            await async_announce(self.runtime, self._satellite, message, self._caller)

    @override
    async def async_internal_start_conversation(
        self,
        start_message: str | None = None,
        start_media_id: str | None = None,
        extra_system_prompt: str | None = None,
        preannounce: bool = True,
        preannounce_media_id: str = PREANNOUNCE_URL,
    ) -> None:
        """Start a session that begins with a message or with media."""
        await async_chime(self.hass, self.runtime, self._satellite, preannounce_media_id if preannounce else None)
        if start_media_id is not None:
            await async_play_media(self.hass, self.runtime, self._satellite, start_media_id)
        request = SessionRequest(
            context=self._caller,
            message=None if start_media_id else start_message,
            instructions=extra_system_prompt or "",
        )
        await self.runtime.async_start(self._satellite, request)

    @override
    async def async_internal_ask_question(
        self,
        question: str | None = None,
        question_media_id: str | None = None,
        preannounce: bool = True,
        preannounce_media_id: str = PREANNOUNCE_URL,
        answers: list[dict[str, Any]] | None = None,
    ) -> AssistSatelliteAnswer | None:
        """Have the agent ask, and return what is said then.

        Raises HomeAssistantError if nothing is, and ServiceValidationError if it would not be written down.
        """
        agent = self.runtime.agent_of(self._satellite)
        if agent is not None and not agent.writes_down:
            raise refused("no_transcripts", agent=agent.title)
        await async_chime(self.hass, self.runtime, self._satellite, preannounce_media_id if preannounce else None)
        if question_media_id is not None:
            await async_play_media(self.hass, self.runtime, self._satellite, question_media_id)
        request = SessionRequest(
            context=self._caller,
            message=None if question_media_id else question,
            instructions=_QUESTION_RULE,
        )
        session = await self.runtime.async_start(self._satellite, request)
        try:
            sentence = await session.async_first_user_turn()
        finally:
            await session.async_stop()
        if sentence is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="no_answer", translation_placeholders={}
            )
        if not answers:
            return AssistSatelliteAnswer(id=None, sentence=sentence)
        return self._question_response_to_answer(sentence, answers)

    @property
    def _caller(self) -> Context:
        return self._context or Context()
