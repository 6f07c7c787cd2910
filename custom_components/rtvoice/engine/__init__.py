"""A realtime speech-to-speech agent that knows nothing of Home Assistant.

With the folder that holds this package on `sys.path`, `import engine` works where Home Assistant is not installed.
"""

from .agent import RealtimeAgent
from .bus import EventBus
from .conversation.values import AgentState, ToolDefinition
from .devices import MicrophoneInput, SpeakerOutput
from .errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    DeviceError,
    EndReason,
    EngineError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    SessionClosedError,
    SessionExpiredError,
    SinkError,
    SourceError,
    ToolArgumentsError,
    ToolError,
    ToolFailedError,
    ToolTimeoutError,
    UnknownToolError,
    WireError,
)
from .events import *  # noqa: F403  # its __all__ names the events and commands
from .events import __all__ as _events
from .history import ConversationHistory
from .listener import AgentListener
from .options import (
    AssistantVoice,
    NoiseReduction,
    OutputModality,
    PushToTalk,
    RealtimeModel,
    ReasoningEffort,
    SemanticEagerness,
    SemanticVAD,
    ServerVAD,
    TranscriptionModel,
    TurnDetection,
)
from .ports import AudioInputDevice, AudioOutputDevice, RealtimeProvider
from .providers import CompatibleProvider, OpenAIProvider
from .results import AgentResult, ConversationTurn, Usage
from .tools import ActionResult, Inject, ToolContext, Tools

__all__ = [
    "ActionResult",
    "AgentListener",
    "AgentResult",
    "AgentState",
    "AssistantVoice",
    "AudioInputDevice",
    "AudioOutputDevice",
    "AuthenticationError",
    "CompatibleProvider",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConnectionLostError",
    "ConversationHistory",
    "ConversationTurn",
    "DeviceError",
    "EndReason",
    "EngineError",
    "EventBus",
    "Inject",
    "MicrophoneInput",
    "NoiseReduction",
    "OpenAIProvider",
    "OutputModality",
    "ProviderError",
    "PushToTalk",
    "QuotaExceededError",
    "RateLimitedError",
    "RealtimeAgent",
    "RealtimeModel",
    "RealtimeProvider",
    "ReasoningEffort",
    "RequestRejectedError",
    "SemanticEagerness",
    "SemanticVAD",
    "ServerVAD",
    "SessionClosedError",
    "SessionExpiredError",
    "SinkError",
    "SourceError",
    "SpeakerOutput",
    "ToolArgumentsError",
    "ToolContext",
    "ToolDefinition",
    "ToolError",
    "ToolFailedError",
    "ToolTimeoutError",
    "Tools",
    "TranscriptionModel",
    "TurnDetection",
    "UnknownToolError",
    "Usage",
    "WireError",
]
__all__ += _events
