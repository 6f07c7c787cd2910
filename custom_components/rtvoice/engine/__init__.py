"""A realtime speech-to-speech agent that knows nothing of Home Assistant.

With the folder that holds this package on `sys.path`, `import engine` works where Home Assistant is not installed. What
it exports is imported when it is first asked for: who needs an error or an option does not pay for a session.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agent import RealtimeAgent
    from .audio.frame import AudioFrame
    from .bus import EventBus
    from .conversation.values import AgentState, ApprovalRequest, ToolCall, ToolDefinition, ToolOutcome
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
    from .events import (
        ActionKind,
        AgentCommand,
        AgentError,
        AgentErrorEvent,
        AgentSessionConnectedEvent,
        AgentStartingEvent,
        AgentStateChangedEvent,
        AgentStoppedEvent,
        AssistantInterruptedEvent,
        AssistantStartedRespondingEvent,
        AssistantStoppedRespondingEvent,
        AssistantTranscriptChunkReceivedEvent,
        AssistantTranscriptCompletedEvent,
        AssistantTranscriptDeltaEvent,
        AudioPlaybackCompletedEvent,
        CancelSubAgentCommand,
        ConfigureSessionCommand,
        InterruptCommand,
        ResponseLatencyEvent,
        SessionEvent,
        StandByArmedEvent,
        StandByErrorEvent,
        StartAgentCommand,
        StopAgentCommand,
        SubAgentFinishedEvent,
        SubAgentStartedEvent,
        SubAgentUsageEvent,
        ToolExecutedEvent,
        ToolExecutionStartedEvent,
        TranscriptionUsageEvent,
        UpdateSessionToolsCommand,
        UpdateSpeechSpeedCommand,
        UpdateToolChoiceCommand,
        UsageEvent,
        UserInactivityCountdownEvent,
        UserInactivityTimeoutEvent,
        UserStartedSpeakingEvent,
        UserStoppedSpeakingEvent,
        UserTranscriptChunkReceivedEvent,
        UserTranscriptCompletedEvent,
        UserTranscriptFailedEvent,
        WakeWordDetectedEvent,
    )
    from .everyday import (
        add_current_time,
        add_end_conversation,
        add_set_speech_speed,
        add_set_volume,
        add_wait_for_user,
    )
    from .history import ConversationHistory
    from .listener import AgentListener
    from .mcp import MCPServer, MCPServerHTTP, MCPServerStdio
    from .options import (
        AssistantVoice,
        Cues,
        NoiseReduction,
        OutputModality,
        PushToTalk,
        RealtimeModel,
        ReasoningEffort,
        SemanticEagerness,
        SemanticVAD,
        ServerVAD,
        TokenBudget,
        TranscriptionModel,
        TruncationMode,
        TurnDetection,
    )
    from .ports import (
        AudioInputDevice,
        AudioOutputDevice,
        Detection,
        RealtimeProvider,
        StreamingOutputDevice,
        VolumeControl,
        WakeWordDetector,
    )
    from .providers import AzureOpenAIProvider, CompatibleProvider, OpenAIProvider
    from .remote_mcp import RemoteMCPServer
    from .results import AgentResult, ConversationTurn
    from .skills import Skill
    from .standby import InProcessDetector, OpenMicrophone, StandBy
    from .subagents import OpenAIChatModel, SubAgent
    from .tools import ActionResult, CallNext, Inject, ToolContext, ToolMiddleware, Tools
    from .usage import PRICES, Budget, ModelPrice, PriceList, TokenRates, UsageReport

__all__ = [
    "ActionKind",
    "UpdateToolChoiceCommand",
    "UpdateSessionToolsCommand",
    "ConfigureSessionCommand",
    "StartAgentCommand",
    "ActionResult",
    "AgentCommand",
    "AgentError",
    "AgentErrorEvent",
    "AgentListener",
    "AgentResult",
    "AgentSessionConnectedEvent",
    "AgentStartingEvent",
    "AgentState",
    "AgentStateChangedEvent",
    "AgentStoppedEvent",
    "ApprovalRequest",
    "AssistantInterruptedEvent",
    "AssistantStartedRespondingEvent",
    "AssistantStoppedRespondingEvent",
    "AssistantTranscriptChunkReceivedEvent",
    "AssistantTranscriptCompletedEvent",
    "AssistantTranscriptDeltaEvent",
    "AssistantVoice",
    "AudioFrame",
    "AudioInputDevice",
    "AudioOutputDevice",
    "StreamingOutputDevice",
    "AudioPlaybackCompletedEvent",
    "AuthenticationError",
    "AzureOpenAIProvider",
    "CancelSubAgentCommand",
    "CompatibleProvider",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConnectionLostError",
    "ConversationHistory",
    "ConversationTurn",
    "Cues",
    "Detection",
    "DeviceError",
    "EndReason",
    "EngineError",
    "EventBus",
    "InProcessDetector",
    "Inject",
    "InterruptCommand",
    "MCPServer",
    "MCPServerHTTP",
    "MCPServerStdio",
    "MicrophoneInput",
    "NoiseReduction",
    "OpenAIChatModel",
    "OpenAIProvider",
    "OpenMicrophone",
    "OutputModality",
    "ProviderError",
    "PushToTalk",
    "QuotaExceededError",
    "RateLimitedError",
    "RealtimeAgent",
    "RealtimeModel",
    "RealtimeProvider",
    "RemoteMCPServer",
    "ReasoningEffort",
    "RequestRejectedError",
    "ResponseLatencyEvent",
    "SemanticEagerness",
    "SemanticVAD",
    "ServerVAD",
    "SessionClosedError",
    "SessionEvent",
    "SessionExpiredError",
    "SinkError",
    "Skill",
    "SourceError",
    "SpeakerOutput",
    "StandBy",
    "StandByArmedEvent",
    "StandByErrorEvent",
    "StopAgentCommand",
    "SubAgent",
    "SubAgentFinishedEvent",
    "SubAgentStartedEvent",
    "SubAgentUsageEvent",
    "TokenBudget",
    "ToolArgumentsError",
    "ToolCall",
    "CallNext",
    "ToolOutcome",
    "ToolContext",
    "ToolDefinition",
    "ToolError",
    "ToolExecutedEvent",
    "ToolExecutionStartedEvent",
    "ToolFailedError",
    "ToolMiddleware",
    "ToolTimeoutError",
    "Tools",
    "TranscriptionModel",
    "TranscriptionUsageEvent",
    "TruncationMode",
    "TurnDetection",
    "UnknownToolError",
    "UpdateSpeechSpeedCommand",
    "PRICES",
    "Budget",
    "ModelPrice",
    "PriceList",
    "TokenRates",
    "UsageReport",
    "UsageEvent",
    "UserInactivityCountdownEvent",
    "UserInactivityTimeoutEvent",
    "UserStartedSpeakingEvent",
    "UserStoppedSpeakingEvent",
    "UserTranscriptChunkReceivedEvent",
    "UserTranscriptCompletedEvent",
    "UserTranscriptFailedEvent",
    "VolumeControl",
    "WakeWordDetectedEvent",
    "WakeWordDetector",
    "WireError",
    "add_current_time",
    "add_end_conversation",
    "add_set_speech_speed",
    "add_set_volume",
    "add_wait_for_user",
]

_ROOMS = (
    "errors",
    "events",
    "audio.frame",
    "conversation.values",
    "options",
    "remote_mcp",
    "results",
    "history",
    "listener",
    "bus",
    "ports",
    "usage",
    "tools",
    "skills",
    "devices",
    "mcp",
    "providers",
    "subagents",
    "agent",
    "everyday",
    "standby",
)
"""Where the exported names are, the lightest first."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for room in _ROOMS:
            exported = vars(import_module(f".{room}", __name__))
            if name in exported:
                globals()[name] = exported[name]
                return exported[name]
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
