"""The fields of an agent."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import probatio
from homeassistant import data_entry_flow
from homeassistant.const import CONF_LLM_HASS_API, CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.llm import API
from homeassistant.helpers.selector import (
    BooleanSelector,
    LanguageSelector,
    LanguageSelectorConfig,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TemplateSelector,
    TextSelector,
)

from ..bridge.languages import LANGUAGES
from ..const import (
    CONF_DAY_BUDGET,
    CONF_EAGERNESS,
    CONF_ENDPOINTING,
    CONF_FALLBACK,
    CONF_INACTIVITY_TIMEOUT,
    CONF_INSTRUCTIONS,
    CONF_KEEP_TRANSCRIPTS,
    CONF_LANGUAGE,
    CONF_MAX_DURATION,
    CONF_MAX_OUTPUT_TOKENS,
    CONF_MODEL,
    CONF_MONTH_BUDGET,
    CONF_NOISE_REDUCTION,
    CONF_PREFIX_PADDING,
    CONF_PRIVATE_TRANSCRIPTS,
    CONF_REASONING_EFFORT,
    CONF_RECORDING,
    CONF_SILENCE_DURATION,
    CONF_SPEECH_SPEED,
    CONF_THRESHOLD,
    CONF_TRANSCRIPTION_MODEL,
    CONF_TURN_DETECTION,
    CONF_VOICE,
    ENDPOINTING_AGENT,
    ENDPOINTING_HOME_ASSISTANT,
)
from ..engine.options import (
    NoiseReduction,
    ReasoningEffort,
    SemanticEagerness,
    SemanticVAD,
    ServerVAD,
    TranscriptionModel,
)
from .equipment_form import EQUIPMENT_FIELDS, Equipment, equipment_fields
from .number import Number
from .policy_form import POLICY_FIELDS, TOOL_FIELDS, policy_fields, tool_fields

SECTIONS: Final = {
    "speaking": (CONF_VOICE, CONF_SPEECH_SPEED),
    "listening": (
        CONF_LANGUAGE,
        CONF_TRANSCRIPTION_MODEL,
        CONF_NOISE_REDUCTION,
        CONF_TURN_DETECTION,
        CONF_EAGERNESS,
        CONF_THRESHOLD,
        CONF_PREFIX_PADDING,
        CONF_SILENCE_DURATION,
        CONF_ENDPOINTING,
    ),
    "tools": (*TOOL_FIELDS, *EQUIPMENT_FIELDS),
    "policy": POLICY_FIELDS,
    "budget": (CONF_DAY_BUDGET, CONF_MONTH_BUDGET),
    "privacy": (CONF_PRIVATE_TRANSCRIPTS, CONF_KEEP_TRANSCRIPTS),
    "advanced": (
        CONF_INACTIVITY_TIMEOUT,
        CONF_MAX_DURATION,
        CONF_RECORDING,
        CONF_FALLBACK,
        CONF_REASONING_EFFORT,
        CONF_MAX_OUTPUT_TOKENS,
    ),
}
"""What is folded away below the basics, in the order in which it is shown."""

_SEMANTIC = SemanticVAD().kind
_SERVER = ServerVAD().kind


def agent_schema(
    name: str,
    model: str,
    apis: Iterable[API],
    models: Iterable[str],
    accounts: Mapping[str, str],
    *,
    voices: Iterable[str] = (),
    actions: tuple[Iterable[str], Iterable[str]] = ((), ()),
    equipment: Equipment = MappingProxyType({}),
    has_pin: bool = False,
) -> probatio.Schema:
    """The form of an agent that may use these APIs of Home Assistant, one of these models and one of these voices.

    `accounts` are those that could stand in for the agent's own, titles by entry id; `actions` are those that can be
    tools, harmless and dangerous ones; `equipment` is what the account has. A PIN that is stored can be taken away.
    """
    fields = {
        "speaking": _speaking(voices),
        "listening": _listening(),
        "tools": tool_fields(*actions) | equipment_fields(equipment),
        "policy": policy_fields(has_pin=has_pin),
        "budget": _budget(),
        "privacy": {
            probatio.Optional(CONF_PRIVATE_TRANSCRIPTS): BooleanSelector(),
            probatio.Optional(CONF_KEEP_TRANSCRIPTS): _whole(0, 3650, "d"),
        },
        "advanced": _advanced(accounts),
    }
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME, default=name): TextSelector(),
            probatio.Optional(CONF_INSTRUCTIONS): TemplateSelector(),
            probatio.Optional(CONF_LLM_HASS_API): _api_selector(apis),
            probatio.Required(CONF_MODEL, default=model): _open_choice(models),
            **{
                probatio.Optional(name): section(probatio.Schema(fields[name]), {"collapsed": True})
                for name in SECTIONS
            },
        }
    )


def _speaking(voices: Iterable[str]) -> dict[Any, Any]:
    return {
        probatio.Optional(CONF_VOICE): _open_choice(voices),
        probatio.Optional(CONF_SPEECH_SPEED): _slider(0.5, 1.5, 0.05),
    }


def _listening() -> dict[Any, Any]:
    return {
        probatio.Optional(CONF_LANGUAGE): LanguageSelector(LanguageSelectorConfig(languages=list(LANGUAGES))),
        probatio.Optional(CONF_TRANSCRIPTION_MODEL): _open_choice([TranscriptionModel.GPT_TRANSCRIBE]),
        probatio.Optional(CONF_NOISE_REDUCTION): _choice(CONF_NOISE_REDUCTION, (*NoiseReduction, "off")),
        probatio.Optional(CONF_TURN_DETECTION): _choice(CONF_TURN_DETECTION, (_SEMANTIC, _SERVER)),
        _shown_for(_SEMANTIC, CONF_EAGERNESS): _choice(CONF_EAGERNESS, SemanticEagerness),
        _shown_for(_SERVER, CONF_THRESHOLD): _slider(0, 1, 0.05),
        _shown_for(_SERVER, CONF_PREFIX_PADDING): _whole(0, 5000, "ms"),
        _shown_for(_SERVER, CONF_SILENCE_DURATION): _whole(0, 10_000, "ms"),
        probatio.Optional(CONF_ENDPOINTING): _choice(CONF_ENDPOINTING, (ENDPOINTING_HOME_ASSISTANT, ENDPOINTING_AGENT)),
    }


def _budget() -> dict[Any, Any]:
    dollars = NumberSelectorConfig(min=0, max=10_000, step=0.01, unit_of_measurement="USD", mode=NumberSelectorMode.BOX)
    return {probatio.Optional(key): Number(dollars) for key in (CONF_DAY_BUDGET, CONF_MONTH_BUDGET)}


def _advanced(accounts: Mapping[str, str]) -> dict[Any, Any]:
    seconds = NumberSelectorConfig(min=0, max=3600, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX)
    minutes = NumberSelectorConfig(min=0, max=1440, step=1, unit_of_measurement="min", mode=NumberSelectorMode.BOX)
    # Without another account there is nothing to choose from.
    stand_in = {probatio.Optional(CONF_FALLBACK): _account_selector(accounts)} if accounts else {}
    return {
        probatio.Optional(CONF_INACTIVITY_TIMEOUT): Number(seconds),
        probatio.Optional(CONF_MAX_DURATION): Number(minutes),
        probatio.Optional(CONF_RECORDING): BooleanSelector(),
        **stand_in,
        probatio.Optional(CONF_REASONING_EFFORT): _choice(CONF_REASONING_EFFORT, ReasoningEffort),
        probatio.Optional(CONF_MAX_OUTPUT_TOKENS): _whole(1, 4096, "tokens"),
    }


def _shown_for(turn_detection: str, key: str) -> probatio.Optional:
    """A field that shows only under one turn detection, where Home Assistant can do that (2026.11 and later)."""
    marker = getattr(data_entry_flow, "Optional", None)
    if marker is None:
        return probatio.Optional(key)
    optional: probatio.Optional = marker(key, visible={"field": CONF_TURN_DETECTION, "value": turn_detection})
    return optional


def _api_selector(apis: Iterable[API]) -> SelectSelector:
    options = [SelectOptionDict(value=api.id, label=api.name) for api in apis]
    return SelectSelector(SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST))


def _account_selector(accounts: Mapping[str, str]) -> SelectSelector:
    options = [SelectOptionDict(value=entry_id, label=title) for entry_id, title in accounts.items()]
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))


def _open_choice(options: Iterable[str]) -> SelectSelector:
    """Known names, and any other."""
    config = SelectSelectorConfig(
        options=[str(option) for option in options], custom_value=True, mode=SelectSelectorMode.DROPDOWN
    )
    return SelectSelector(config)


def _choice(translation_key: str, options: Iterable[StrEnum | str]) -> SelectSelector:
    config = SelectSelectorConfig(
        options=[str(option) for option in options], translation_key=translation_key, mode=SelectSelectorMode.DROPDOWN
    )
    return SelectSelector(config)


def _slider(low: float, high: float, step: float) -> Number:
    return Number(NumberSelectorConfig(min=low, max=high, step=step, mode=NumberSelectorMode.SLIDER))


def _whole(low: int, high: int, unit: str) -> probatio.All[int]:
    config = NumberSelectorConfig(min=low, max=high, step=1, unit_of_measurement=unit, mode=NumberSelectorMode.BOX)
    return probatio.All(Number(config), probatio.Coerce(int))
