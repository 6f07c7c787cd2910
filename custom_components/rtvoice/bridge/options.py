"""The options of subentries as typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

from homeassistant.const import CONF_LLM_HASS_API

from ..const import (
    CONF_AGENT,
    CONF_DAY_BUDGET,
    CONF_EAGERNESS,
    CONF_ECHO,
    CONF_ENDPOINTING,
    CONF_INACTIVITY_TIMEOUT,
    CONF_INSTRUCTIONS,
    CONF_KEEP_TRANSCRIPTS,
    CONF_KIND,
    CONF_LANGUAGE,
    CONF_MAX_DURATION,
    CONF_MAX_OUTPUT_TOKENS,
    CONF_MODEL,
    CONF_MONTH_BUDGET,
    CONF_NOISE_REDUCTION,
    CONF_PREFIX_PADDING,
    CONF_REASONING_EFFORT,
    CONF_RECORDING,
    CONF_SILENCE_DURATION,
    CONF_SPEAKER,
    CONF_SPEECH_SPEED,
    CONF_THRESHOLD,
    CONF_TRANSCRIPTION_MODEL,
    CONF_TURN_DETECTION,
    CONF_VOICE,
    DEFAULT_INACTIVITY_TIMEOUT,
    ECHO_CANCEL,
    ECHO_HALF_DUPLEX,
    ECHO_OFF,
    ENDPOINTING_AGENT,
    KIND_LOCAL,
)
from ..engine.errors import ConfigurationError
from ..engine.options import (
    NoiseReduction,
    RealtimeModel,
    ReasoningEffort,
    SemanticEagerness,
    SemanticVAD,
    ServerVAD,
    TurnDetection,
)

UNREADABLE: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What comes of data that another version has stored. The texts of these errors may hold it: only tell their kinds."""


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """An agent subentry: a persona."""

    instructions: str
    """A template."""
    llm_apis: tuple[str, ...]
    model: str
    voice: str | None
    """None: the provider's own."""
    speech_speed: float
    language: str | None
    transcription_model: str | None
    noise_reduction: NoiseReduction | None
    turn_detection: TurnDetection
    own_endpointing: bool
    """Whether it finds the end of a turn by itself also where an Assist pipeline could."""
    reasoning_effort: ReasoningEffort | None
    max_output_tokens: int | None
    inactivity_timeout_s: float
    """0: never."""
    max_duration_s: float | None
    recording: bool
    keep_transcripts_days: int
    """0: they are not written."""
    day_budget_usd: Decimal | None
    month_budget_usd: Decimal | None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the data of a subentry. Raises ConfigurationError where that makes no sense."""
        try:
            return cls._read(data)
        except (ValueError, InvalidOperation) as err:
            raise ConfigurationError(str(err)) from err

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Self:
        apis = data.get(CONF_LLM_HASS_API) or ()
        effort = data.get(CONF_REASONING_EFFORT)
        max_tokens = data.get(CONF_MAX_OUTPUT_TOKENS)
        return cls(
            instructions=data.get(CONF_INSTRUCTIONS) or "",
            llm_apis=(apis,) if isinstance(apis, str) else tuple(apis),
            model=data.get(CONF_MODEL) or RealtimeModel.GPT_REALTIME_2_1_MINI,
            voice=data.get(CONF_VOICE) or None,
            speech_speed=float(data.get(CONF_SPEECH_SPEED, 1.0)),
            language=data.get(CONF_LANGUAGE) or None,
            transcription_model=data.get(CONF_TRANSCRIPTION_MODEL) or None,
            noise_reduction=_noise_reduction(data),
            turn_detection=_turn_detection(data),
            own_endpointing=data.get(CONF_ENDPOINTING) == ENDPOINTING_AGENT,
            reasoning_effort=ReasoningEffort(effort) if effort else None,
            max_output_tokens=int(max_tokens) if max_tokens else None,
            inactivity_timeout_s=float(data.get(CONF_INACTIVITY_TIMEOUT, DEFAULT_INACTIVITY_TIMEOUT)),
            max_duration_s=float(data.get(CONF_MAX_DURATION) or 0) * 60 or None,
            recording=bool(data.get(CONF_RECORDING)),
            keep_transcripts_days=int(data.get(CONF_KEEP_TRANSCRIPTS) or 0),
            day_budget_usd=_usd(data.get(CONF_DAY_BUDGET)),
            month_budget_usd=_usd(data.get(CONF_MONTH_BUDGET)),
        )


@dataclass(frozen=True, slots=True)
class SatelliteOptions:
    """What satellites of all kinds have in common; the rest is known to their `places`."""

    kind: str
    """A row of the table of places; satellites of the first days do not say theirs."""
    agent_id: str | None
    """Subentry id of its agent; None: the entry's first."""
    echo: str | None
    """What is done about the agent's voice in the microphone: ECHO_CANCEL, ECHO_HALF_DUPLEX or ECHO_OFF.

    None: what suits its kind.
    """
    speaker: str | None
    """Entity id of the media player that it speaks through; None: its own mouth."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the data of a subentry."""
        return cls(
            str(data.get(CONF_KIND) or KIND_LOCAL),
            agent_id=data.get(CONF_AGENT) or None,
            echo=_echo(data),
            speaker=data.get(CONF_SPEAKER) or None,
        )


def _usd(amount: float | None) -> Decimal | None:
    return Decimal(str(amount)) if amount else None


def _echo(data: Mapping[str, Any]) -> str | None:
    chosen = data.get(CONF_ECHO)
    return str(chosen) if chosen in (ECHO_CANCEL, ECHO_HALF_DUPLEX, ECHO_OFF) else None


def _noise_reduction(data: Mapping[str, Any]) -> NoiseReduction | None:
    kind = data.get(CONF_NOISE_REDUCTION, NoiseReduction.FAR_FIELD)
    return None if kind in (None, "off") else NoiseReduction(kind)


def _turn_detection(data: Mapping[str, Any]) -> TurnDetection:
    if data.get(CONF_TURN_DETECTION) == "server_vad":
        default = ServerVAD()
        return ServerVAD(
            threshold=float(data.get(CONF_THRESHOLD, default.threshold)),
            prefix_padding_ms=int(data.get(CONF_PREFIX_PADDING, default.prefix_padding_ms)),
            silence_duration_ms=int(data.get(CONF_SILENCE_DURATION, default.silence_duration_ms)),
        )
    return SemanticVAD(eagerness=SemanticEagerness(data.get(CONF_EAGERNESS, SemanticEagerness.AUTO)))
