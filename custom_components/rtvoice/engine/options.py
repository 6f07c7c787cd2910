"""The settings of an agent as frozen models, validated once when they are made."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .audio.frame import SAMPLE_BYTES, AudioFrame
from .audio.resample import LOWEST_RATE_HZ
from .audio.tones import falling, low, rising
from .conversation.values import ToolDefinition
from .remote_mcp import RemoteMCPServer


class RealtimeModel(StrEnum):
    """Realtime models of OpenAI; any other string is accepted wherever a model is."""

    GPT_REALTIME_2_1 = "gpt-realtime-2.1"
    GPT_REALTIME_2_1_MINI = "gpt-realtime-2.1-mini"
    GPT_REALTIME_2 = "gpt-realtime-2"
    GPT_REALTIME_1_5 = "gpt-realtime-1.5"
    GPT_REALTIME = "gpt-realtime"
    """Retired on 2027-01-20; use GPT_REALTIME_2_1."""
    GPT_REALTIME_MINI = "gpt-realtime-mini"
    """Retired on 2027-01-20; use GPT_REALTIME_2_1_MINI."""


class ReasoningEffort(StrEnum):
    """How long a reasoning model thinks before it speaks (gpt-realtime-2 family only)."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


class AssistantVoice(StrEnum):
    """Voices of OpenAI's speech models; the Realtime API has no FABLE, ONYX or NOVA."""

    ALLOY = "alloy"
    ASH = "ash"
    BALLAD = "ballad"
    CORAL = "coral"
    ECHO = "echo"
    FABLE = "fable"
    ONYX = "onyx"
    NOVA = "nova"
    SAGE = "sage"
    SHIMMER = "shimmer"
    VERSE = "verse"
    CEDAR = "cedar"
    MARIN = "marin"


class TranscriptionModel(StrEnum):
    """Models that write down what the user said."""

    GPT_TRANSCRIBE = "gpt-transcribe"
    WHISPER_1 = "whisper-1"
    """Retired on 2027-02-26; use GPT_TRANSCRIBE."""


class OutputModality(StrEnum):
    """What the agent answers with; the transcript of spoken answers comes with AUDIO."""

    AUDIO = "audio"
    TEXT = "text"


class NoiseReduction(StrEnum):
    """What the provider cleans the microphone's audio for."""

    NEAR_FIELD = "near_field"
    FAR_FIELD = "far_field"


class SemanticEagerness(StrEnum):
    """How soon semantic turn detection takes a pause for the end of a turn (8, 4, 2 s at most; AUTO is MEDIUM)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    AUTO = "auto"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SemanticVAD(_Frozen):
    """The model decides from the words whether the user has finished."""

    kind: Literal["semantic_vad"] = "semantic_vad"
    eagerness: SemanticEagerness = SemanticEagerness.AUTO


class ServerVAD(_Frozen):
    """The provider decides from energy and silence whether the user has finished."""

    kind: Literal["server_vad"] = "server_vad"
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    """Energy above which audio counts as speech, 0 to 1."""
    prefix_padding_ms: int = Field(default=300, ge=0, le=5000)
    """Audio kept from before the onset of speech."""
    silence_duration_ms: int = Field(default=500, ge=0, le=10_000)
    """Silence that ends the user's turn."""


class PushToTalk(_Frozen):
    """The user's turn ends when `commit_turn()` is called."""

    kind: Literal["push_to_talk"] = "push_to_talk"


type TurnDetection = Annotated[SemanticVAD | ServerVAD | PushToTalk, Field(discriminator="kind")]


class TruncationMode(StrEnum):
    """What the provider does when a conversation grows too long for the model."""

    AUTO = "auto"
    """Forget the oldest items, as many as need be."""
    DISABLED = "disabled"
    """Refuse to respond."""


class TokenBudget(_Frozen):
    """Forget the oldest items, many at once and rarely, so that what is kept stays in the provider's cache."""

    kind: Literal["token_budget"] = "token_budget"
    retention_ratio: float = Field(default=0.8, ge=0.0, le=1.0)
    """Share of the budget that is kept when it is exceeded."""
    post_instructions_tokens: int | None = Field(default=None, ge=1)
    """The budget: tokens of the conversation, not counting instructions and tools; None for the model's limit."""


type Truncation = TruncationMode | TokenBudget


_LONGEST_CUE_MS = 5000


def _short(sound: AudioFrame) -> AudioFrame:
    if sound.sample_rate < LOWEST_RATE_HZ or len(sound.pcm) % SAMPLE_BYTES:
        raise ValueError(f"A cue is whole 16-bit samples at {LOWEST_RATE_HZ} Hz or more")
    if sound.duration_ms > _LONGEST_CUE_MS:
        raise ValueError(f"A cue is at most {_LONGEST_CUE_MS} ms long")
    return sound


type CueSound = Annotated[AudioFrame, AfterValidator(_short)]


class Cues(_Frozen):
    """Sounds that tell the user what the agent does, on its speaker; each of your own, or None for silence."""

    listening: CueSound | None = Field(default_factory=rising)
    """The agent is connected and hears."""
    thinking: CueSound | None = None
    """The user has finished and the agent is about to answer. Keep it short: an answer waits for its end."""
    ended: CueSound | None = Field(default_factory=falling)
    """The session has ended."""
    error: CueSound | None = Field(default_factory=low)
    """The session could not begin, or ended because something failed."""
    at_once: bool = False
    """Whether `listening` sounds as soon as microphone and speaker are open: what is said before the agent is connected
    is not lost. It is what one expects after a wake word."""


class SessionOptions(_Frozen):
    """All that a provider must know to set up a session."""

    model: str = RealtimeModel.GPT_REALTIME_2_1_MINI
    instructions: str = ""
    voice: str | None = AssistantVoice.MARIN
    """None leaves the choice to the server."""
    speech_speed: float = Field(default=1.0, ge=0.25, le=1.5)
    transcription_model: str | None = TranscriptionModel.GPT_TRANSCRIBE
    """None: what the user says is not written down."""
    transcription_language: str | None = None
    """ISO-639-1 code of the language the user speaks, None to let the model find out."""
    output_modality: OutputModality = OutputModality.AUDIO
    noise_reduction: NoiseReduction | None = NoiseReduction.FAR_FIELD
    turn_detection: TurnDetection = SemanticVAD()
    answers_turns: bool = True
    """Whether the provider answers a turn whose end it has found by itself."""
    tools: tuple[ToolDefinition, ...] = ()
    mcp_servers: tuple[RemoteMCPServer, ...] = ()
    """MCP servers that the provider runs by itself, beside `tools`."""
    reasoning_effort: ReasoningEffort | None = None
    max_output_tokens: int | None = Field(default=None, ge=1, le=4096)
    """Limit of one response; None for the model's own."""
    parallel_tool_calls: bool | None = None
    """Whether one response may hold several tool calls (reasoning models only); None for the model's own way."""
    truncation: Truncation | None = None
    """How a conversation that grows too long is shortened; None leaves it to the server."""
