"""Conditions: whether there is a session, and who speaks in it."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, cast, override

import probatio
from homeassistant.const import CONF_OPTIONS, CONF_TARGET
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import Condition, ConditionConfig
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.typing import ConfigType

from .bridge.snapshot import Snapshot
from .bridge.targets import async_parties

CONF_BEHAVIOR: Final = "behavior"
CONF_WHO: Final = "who"

_BEHAVIORS: Final = {"any": any, "all": all}
_SPEAKS: Final[Mapping[str, Callable[[Snapshot], bool]]] = {
    "anyone": lambda seen: seen.user_speaking or seen.assistant_speaking,
    "user": lambda seen: seen.user_speaking,
    "assistant": lambda seen: seen.assistant_speaking,
}


def _config_schema(options: dict[Any, Any]) -> probatio.Schema:
    behavior = {probatio.Required(CONF_BEHAVIOR, default="any"): probatio.In(list(_BEHAVIORS))}
    return probatio.Schema(
        {
            probatio.Required(CONF_TARGET): cv.TARGET_FIELDS,
            probatio.Required(CONF_OPTIONS, default={}): behavior | options,
        }
    )


class PartyCondition(Condition):
    """Holds for any or for all of its targets; not where there are none, or none whose account is loaded."""

    _schema: ClassVar[probatio.Schema] = _config_schema({})

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate target and options."""
        return cast(ConfigType, cls._schema(config))

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._target = TargetSelection(config.target or {})
        self._options = config.options or {}

    @override
    def _async_check(self, **kwargs: Any) -> bool:
        seen = [self.holds(party.activity.snapshot) for party in async_parties(self._hass, self._target)]
        return bool(seen) and _BEHAVIORS[self._options[CONF_BEHAVIOR]](seen)

    @abstractmethod
    def holds(self, seen: Snapshot) -> bool:
        """Whether it holds for what is seen of one target."""


class IsInSessionCondition(PartyCondition):
    """There is a session."""

    @override
    def holds(self, seen: Snapshot) -> bool:
        """Whether there is one."""
        return seen.in_session


class IsSpeakingCondition(PartyCondition):
    """Somebody speaks."""

    _schema = _config_schema({probatio.Required(CONF_WHO, default="anyone"): probatio.In(list(_SPEAKS))})

    @override
    def holds(self, seen: Snapshot) -> bool:
        """Whether the one who matters does."""
        return _SPEAKS[self._options[CONF_WHO]](seen)


_CONDITIONS: Final[dict[str, type[Condition]]] = {
    "is_in_session": IsInSessionCondition,
    "is_speaking": IsSpeakingCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """All conditions by name."""
    return _CONDITIONS
