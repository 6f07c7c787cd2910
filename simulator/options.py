"""How a simulated server behaves, beyond what its brain says."""

from dataclasses import dataclass, field

from .errors import Refused
from .session import SEMANTIC_SILENCE_MS

MODELS = (
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-2",
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-mini",
)
SHUTDOWN_DATES = {"gpt-realtime": "2027-01-20", "gpt-realtime-mini": "2027-01-20"}

REFUSALS = {
    "invalid_api_key": Refused("invalid_api_key", "Incorrect API key provided.", 3000),
    "insufficient_permissions": Refused(
        "insufficient_permissions", "You have insufficient permissions for this operation.", 3000
    ),
    "missing_model": Refused("missing_model", "You must provide a model parameter.", 4000),
    "invalid_model": Refused("invalid_model", "This model is not supported in realtime mode.", 4000),
    "model_not_found": Refused("model_not_found", "The model does not exist or you do not have access to it.", 4004),
    "insufficient_quota": Refused(
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        1013,
        kind="insufficient_quota",
    ),
    "credit_balance_exhausted": Refused(
        "credit_balance_exhausted", "Your credit balance is exhausted.", 1013, kind="insufficient_quota"
    ),
    "beta_api_shape_disabled": Refused(
        "beta_api_shape_disabled", "The Realtime Beta API is no longer supported. Please use the GA API.", 4000
    ),
    "server_error": Refused("server_error", "The server had an error.", 1011, kind="server_error"),
}
"""What a connection can be refused with, by error code."""


@dataclass(slots=True)
class Behaviour:
    """Settings of the simulator that a test may change at any time; they hold for what comes after."""

    settle_s: float = 0.02
    """How long the server takes over a client's first `session.update`; audio that comes meanwhile is a violation."""
    think_s: float = 0.0
    """How long the model thinks before anything comes of a response that began."""
    speed: float = 8.0
    """How much faster than real time audio is sent; 0: without any pause."""
    delta_ms: int = 200
    """Length of one audio delta."""
    burst_ms: int = 0
    """Audio that is sent without a pause, then a pause as `speed` has it; 0: a pause after each delta."""
    late_deltas: int = 2
    """Audio deltas that still come when a response is cancelled in the middle of its audio."""
    session_s: float = 3600.0
    """How long a session may last."""
    ping_s: float = 20.0
    """How often the server pings."""
    semantic_silence_ms: dict[str, int] = field(default_factory=lambda: dict(SEMANTIC_SILENCE_MS))
    """Pause that ends a turn under semantic_vad, by eagerness."""
    refusal: str | None = None
    """Refuse connections with this code of REFUSALS, after the upgrade."""
    handshake_status: int | None = None
    """Refuse the upgrade itself with this HTTP status; also `GET /v1/models`."""
    mute: bool = False
    """Accept connections and then never send anything."""
    answers_updates: bool = True
    """Whether `session.updated` is sent."""
    mcp_tools: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The tools of MCP servers that clients may name, by the server's label; others cannot be reached."""
    sends_rate_limits: bool = True
    """Whether `rate_limits.updated` is sent."""
