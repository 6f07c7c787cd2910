"""Triggers: what happens in sessions on a satellite, or of an agent."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast, override

import probatio
from homeassistant.const import ATTR_ENTITY_ID, CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig
from homeassistant.helpers.typing import ConfigType

from .bridge.happenings import SIGNAL_HAPPENING, Happening, HappeningType
from .bridge.phrases import Phrases, template
from .bridge.targets import async_takes_in

CONF_PHRASE: Final = "phrase"


class HappeningTrigger(Trigger):
    """Fires when something happens in a session in which one of its targets takes part."""

    _type: ClassVar[HappeningType]
    _schema: ClassVar = probatio.Schema(
        {probatio.Required(CONF_TARGET): cv.TARGET_FIELDS, probatio.Optional(CONF_OPTIONS, default={}): {}}
    )

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate target and options."""
        return cast(ConfigType, cls._schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._target = TargetSelection(config.target or {})
        self._options = config.options or {}

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: object = None
    ) -> CALLBACK_TYPE:
        """Begin to listen."""

        @callback
        def async_receive(happening: Happening) -> None:
            if happening.type is not self._type or not self._concerns(happening):
                return
            if (told := self.told(happening)) is not None:
                run_action({**self._place(happening), **told}, self.description(happening), happening.context)

        return async_dispatcher_connect(self._hass, SIGNAL_HAPPENING, async_receive)

    @abstractmethod
    def told(self, happening: Happening) -> Mapping[str, Any] | None:
        """What the automation is told beside where it was; None if this does not count."""

    def description(self, happening: Happening) -> str:
        """For traces and the logbook."""
        return f"{self._type.value.replace('_', ' ')} on {happening.venue.title}"

    def _concerns(self, happening: Happening) -> bool:
        """Asked anew each time, so that entities that come and go are seen to."""
        return async_takes_in(self._hass, self._target, happening.agent, happening.venue)

    def _place(self, happening: Happening) -> dict[str, Any]:
        return {
            ATTR_ENTITY_ID: happening.venue.async_entity_id(self._hass),
            "agent": happening.agent.async_entity_id(self._hass),
            "session_id": happening.session_id,
        }


class SessionStartedTrigger(HappeningTrigger):
    """The agent can be spoken to."""

    _type = HappeningType.SESSION_STARTED

    @override
    def told(self, happening: Happening) -> Mapping[str, Any]:
        """Nothing more."""
        return {}


class SessionEndedTrigger(HappeningTrigger):
    """The session is over, or goes on elsewhere."""

    _type = HappeningType.SESSION_ENDED

    @override
    def told(self, happening: Happening) -> Mapping[str, Any]:
        """Why it ended."""
        return {"reason": happening.text}


class UserStartedSpeakingTrigger(SessionStartedTrigger):
    """The user begins to speak."""

    _type = HappeningType.USER_STARTED_SPEAKING


class AssistantStartedSpeakingTrigger(SessionStartedTrigger):
    """The agent begins to speak."""

    _type = HappeningType.ASSISTANT_STARTED_SPEAKING


class PhraseSaidTrigger(HappeningTrigger):
    """The user says a phrase."""

    _type = HappeningType.USER_SAID
    _schema = probatio.Schema(
        {
            probatio.Required(CONF_TARGET): cv.TARGET_FIELDS,
            probatio.Required(CONF_OPTIONS): {
                probatio.Required(CONF_PHRASE): probatio.All(
                    probatio.EnsureList(), [probatio.All(cv.string, template)], probatio.Length(min=1)
                )
            },
        }
    )

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._phrases = Phrases({phrase: (phrase,) for phrase in self._options[CONF_PHRASE]}, hass.config.language)

    @override
    def told(self, happening: Happening) -> Mapping[str, Any] | None:
        """What was said, which phrase it fits, and what stood for its placeholders."""
        text = happening.text or ""
        if (match := self._phrases.find(text)) is None:
            return None
        return {"text": text, "phrase": match.key, "slots": dict(match.slots)}

    @override
    def description(self, happening: Happening) -> str:
        """For traces and the logbook, which do not repeat what was said."""
        return f"phrase said on {happening.venue.title}"


_TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "session_started": SessionStartedTrigger,
    "session_ended": SessionEndedTrigger,
    "user_started_speaking": UserStartedSpeakingTrigger,
    "assistant_started_speaking": AssistantStartedSpeakingTrigger,
    "phrase_said": PhraseSaidTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """All triggers by name."""
    return _TRIGGERS
