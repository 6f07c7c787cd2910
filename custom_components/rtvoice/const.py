"""Names of the integration's options."""

from typing import Final

DOMAIN: Final = "rtvoice"

# A config entry is one account at one provider.
CONF_PROVIDER: Final = "provider"
PROVIDER_OPENAI: Final = "openai"
PROVIDER_AZURE_OPENAI: Final = "azure_openai"
PROVIDER_COMPATIBLE: Final = "compatible"
CONF_BASE_URL: Final = "base_url"
"""Where the provider is; absent: the provider's own address."""
CONF_DIALECT: Final = "dialect"
DIALECT_XAI: Final = "xai"
DIALECTS: Final = ("auto", "ga", "beta", DIALECT_XAI)
"""The first is the default."""
CONF_RESOURCE: Final = "resource"
"""At Azure OpenAI: the resource's name, its host, or an address."""
CONF_DEPLOYMENT: Final = "deployment"
CONF_TRANSCRIPTION_DEPLOYMENT: Final = "transcription_deployment"
"""At Azure OpenAI: what stands for the engine's transcription model; absent: nothing does."""
# CONF_API_KEY is Home Assistant's.

# Subentries.
SUBENTRY_AGENT: Final = "agent"
SUBENTRY_SATELLITE: Final = "satellite"
SUBENTRY_SUBAGENT: Final = "subagent"
SUBENTRY_MCP_SERVER: Final = "mcp_server"

# An agent: what RealtimeAgent takes, as a person would set it.
CONF_INSTRUCTIONS: Final = "instructions"
"""A template."""
# CONF_LLM_HASS_API is Home Assistant's: a list of ids.
CONF_MODEL: Final = "model"
CONF_VOICE: Final = "voice"
"""Absent: the provider's own."""
CONF_SPEECH_SPEED: Final = "speech_speed"
CONF_LANGUAGE: Final = "language"
"""ISO-639-1 code that the user speaks; absent: any."""
CONF_TRANSCRIPTION_MODEL: Final = "transcription_model"
"""Absent: no transcripts of the user."""
CONF_NOISE_REDUCTION: Final = "noise_reduction"
"""near_field, far_field or off."""
CONF_TURN_DETECTION: Final = "turn_detection"
"""semantic_vad or server_vad."""
CONF_EAGERNESS: Final = "eagerness"
CONF_THRESHOLD: Final = "threshold"
CONF_PREFIX_PADDING: Final = "prefix_padding_ms"
CONF_SILENCE_DURATION: Final = "silence_duration_ms"
CONF_ENDPOINTING: Final = "endpointing"
"""Who finds the end of a turn that an Assist pipeline brings; absent: ENDPOINTING_HOME_ASSISTANT."""
ENDPOINTING_HOME_ASSISTANT: Final = "home_assistant"
ENDPOINTING_AGENT: Final = "agent"
CONF_REASONING_EFFORT: Final = "reasoning_effort"
"""Absent: the model's own."""
CONF_MAX_OUTPUT_TOKENS: Final = "max_output_tokens"
CONF_INACTIVITY_TIMEOUT: Final = "inactivity_timeout"
"""Seconds of silence that end a session; 0: never. Absent: DEFAULT_INACTIVITY_TIMEOUT."""
CONF_MAX_DURATION: Final = "max_duration"
"""Minutes after which a session ends at a quiet moment; 0 or absent: never."""
CONF_RECORDING: Final = "recording"
"""Whether sessions are recorded below the media folder."""
CONF_PRIVATE_TRANSCRIPTS: Final = "private_transcripts"
"""Whether what was said is kept out of the recorder; absent: no."""
CONF_KEEP_TRANSCRIPTS: Final = "keep_transcripts"
"""Days for which transcripts are kept as files; 0 or absent: they are not written."""
CONF_FALLBACK: Final = "fallback"
"""Entry id of the account that stands in where the agent's own fails; absent: none."""
CONF_DAY_BUDGET: Final = "day_budget"
"""USD that the agent may cost in a day; 0 or absent: any."""
CONF_MONTH_BUDGET: Final = "month_budget"

# What an agent may do.
CONF_ACTIONS: Final = "actions"
"""Actions that it has as tools."""
CONF_DANGEROUS_ACTIONS: Final = "dangerous_actions"
CONF_READ_STATES: Final = "read_states"
"""Whether it may look at states and their past, and watch them; absent: if it has Assist."""
CONF_SENSITIVE_PERMISSION: Final = "sensitive_permission"
"""allow, confirm, pin or deny; absent: confirm."""
CONF_SENSITIVE: Final = "sensitive"
"""Kinds, domains, entity ids and tools; absent: the usual kinds."""
CONF_PIN: Final = "pin"
CONF_QUIET_START: Final = "quiet_start"
CONF_QUIET_END: Final = "quiet_end"
CONF_QUIET_PERMISSION: Final = "quiet_permission"
CONF_RESTRICTED_SATELLITES: Final = "restricted_satellites"
CONF_RESTRICTED_DENIED: Final = "restricted_denied"
CONF_RESTRICTED_ONLY: Final = "restricted_only"

# What an agent is equipped with; both absent: all of its account.
CONF_MCP_SERVERS: Final = "mcp_servers"
"""Subentry ids of the MCP servers whose tools it has; a subagent has these too, absent: none."""
CONF_SUBAGENTS: Final = "subagents"
"""Subentry ids of the subagents that it may give tasks to."""

# An MCP server. CONF_URL, CONF_HEADERS, CONF_COMMAND and CONF_TIMEOUT are Home Assistant's.
CONF_TRANSPORT: Final = "transport"
TRANSPORT_AUTO: Final = "auto"
TRANSPORT_STDIO: Final = "stdio"
TRANSPORTS_HTTP: Final = (TRANSPORT_AUTO, "streamable_http", "sse")
CONF_AUTHORIZATION: Final = "authorization"
"""A token, or all that the header of this name holds."""
CONF_ARGUMENTS: Final = "arguments"
CONF_ENVIRONMENT: Final = "environment"
"""Lines of `NAME=value`; headers are lines of `Name: value`."""
CONF_CONFIRMED: Final = "confirmed"
"""Of the form only: that a program will be started on this machine."""
CONF_ALLOWED_TOOLS: Final = "allowed_tools"
"""Absent: all of the server's."""

# A subagent. CONF_DESCRIPTION and CONF_TIMEOUT are Home Assistant's; address and key absent: the account's own.
CONF_MAX_ITERATIONS: Final = "max_iterations"
CONF_HOLDING: Final = "holding_instruction"
"""How the agent bridges the time until there is a result."""
CONF_FIRE_AND_FORGET: Final = "fire_and_forget"
"""Whether the agent goes on talking, and is told the result later."""

# A satellite.
CONF_KIND: Final = "kind"
KIND_LOCAL: Final = "local"
KIND_WYOMING: Final = "wyoming"
"""CONF_HOST and CONF_PORT are Home Assistant's."""
KIND_BROWSER: Final = "browser"
CONF_AGENT: Final = "agent"
"""Subentry id of the agent it uses; absent: the entry's first."""
CONF_INPUT: Final = "input"
"""A sound card's name, or a WAV file as `file:PATH`; absent or empty: the system's default."""
CONF_OUTPUT: Final = "output"
FILE_PREFIX: Final = "file:"
CONF_SPEAKER: Final = "speaker"
"""Entity id of a media player that speaks in place of its own mouth; absent: its own."""
CONF_ECHO: Final = "echo"
"""What is done about the agent's voice in the microphone; absent: what suits its kind and its mouth."""
ECHO_CANCEL: Final = "cancel"
ECHO_HALF_DUPLEX: Final = "half_duplex"
ECHO_OFF: Final = "off"
CONF_WAKE_ENGINE: Final = "wake_engine"
"""The `wake_word` entity that listens between sessions; absent: nothing does, and the rest has no meaning."""
CONF_WAKE_WORD: Final = "wake_word"
"""Id of a wake word of that engine; absent: the engine's own."""
CONF_WAKE_INTERRUPTS: Final = "wake_interrupts"
"""Whether the wake word silences the agent; absent: it does."""
CONF_WAKE_CUES: Final = "wake_cues"
"""Whether sounds tell what becomes of a session that it begins; absent: they do."""

DEFAULT_INACTIVITY_TIMEOUT: Final = 30.0
DEFAULT_MAX_DURATION: Final = 60.0
DEFAULT_AGENT_NAME: Final = "Voice agent"
DEFAULT_SATELLITE_NAME: Final = "Local satellite"
DEFAULT_BROWSER_NAME: Final = "Browser satellite"
DEFAULT_SERVER_TIMEOUT: Final = 30.0
DEFAULT_SUBAGENT_TIMEOUT: Final = 300.0
DEFAULT_MAX_ITERATIONS: Final = 10
DEFAULT_INSTRUCTIONS: Final = """\
You are the voice of this home.
Do what you are asked with the tools at hand, and say in a few words what you did.
Answer questions about the home only from what the tools tell you; never guess a state.
If you are not sure what was meant, ask one short question.
Speak the language in which you are spoken to."""

# What the logbook reads.
EVENT_ACTIVITY: Final = f"{DOMAIN}_activity"
ATTR_ACTIVITY: Final = "activity"
ATTR_TOOL: Final = "tool"
ATTR_TARGET: Final = "target"
"""What the tool was used on, in words."""
ATTR_IN_WRITING: Final = "in_writing"
"""Whether it was asked for in writing; else by voice."""
