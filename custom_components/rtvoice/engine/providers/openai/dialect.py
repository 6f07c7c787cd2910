"""In what servers that speak the Realtime API differ."""

from dataclasses import dataclass, field
from typing import Final

from ...conversation.values import Capabilities
from .beta import beta_style
from .fields import Json
from .session_config import GENERAL
from .style import Style
from .xai import xai_style


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long, in seconds, the steps of a connection may take."""

    greet_s: float = 10.0
    """To connect and hear the server's first event."""
    configure_s: float = 8.0
    """To have the settings confirmed."""
    unconfirmed_s: float = 1.0
    """To have them confirmed by a server that may not do so."""
    close_s: float = 2.0
    """To close the connection."""
    unacknowledged_s: float = 8.0
    """For the peer's machine to take what was sent, before the link is taken to be lost (Linux only)."""
    heartbeat_s: float = 25.0
    """Of silence before the peer is pinged; one that stays silent for half as long again is taken to be gone."""


TIMEOUTS: Final = Timeouts()
"""Made for servers on the internet."""

_EITHER: Final = frozenset({"session.created", "conversation.created"})

_RUNS_MCP: Final = Capabilities(runs_mcp_servers=True, asks_before_mcp_calls=True, has_mcp_connectors=True)

# Other servers may confirm settings and return metadata, but nobody promised it. A provider learns the latter.
_UNPROMISED: Final = Capabilities(echoes_metadata=False)
# How it goes on after a call is told nowhere; it is asked for an answer unless it has given one.
_UNASKED: Final = Capabilities(echoes_metadata=False, runs_mcp_servers=True, continues_after_mcp_calls=True)
_SHORTER: Final = Capabilities(echoes_metadata=False, session_s=1800)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of speaking the Realtime API."""

    name: str
    style: Style = field(default=GENERAL, repr=False)
    capabilities: Capabilities = Capabilities()
    confirms_settings: bool = True
    """Whether the server is known to answer a change of settings. If not, it is taken for granted after a while."""
    greetings: frozenset[str] = frozenset({"session.created"})
    """The event that a server begins with."""
    guessed: bool = False
    """Whether this is only the most likely dialect, until the server has shown its session."""


OPENAI: Final = Dialect("openai", capabilities=_RUNS_MCP)
GA: Final = Dialect("ga", capabilities=_UNPROMISED, confirms_settings=False, greetings=_EITHER)
AUTO: Final = Dialect("auto", capabilities=_UNPROMISED, confirms_settings=False, greetings=_EITHER, guessed=True)
BETA: Final = Dialect("beta", beta_style(), _SHORTER, confirms_settings=False, greetings=_EITHER)
XAI: Final = Dialect("xai", xai_style(), _UNASKED, confirms_settings=False, greetings=_EITHER)

DIALECTS: Final = {"auto": AUTO, "ga": GA, "beta": BETA, "xai": XAI}

_XAI_HOST: Final = "api.x.ai"
_BETA_KEYS: Final = ("modalities", "input_audio_format", "output_audio_format")
_XAI_KEYS: Final = ("voice", "turn_detection")


def known_at(host: str | None, dialect: Dialect) -> Dialect:
    """The dialect that is spoken at a well-known address, if it is to be guessed."""
    return XAI if dialect.guessed and host == _XAI_HOST else dialect


def recognised(session: Json) -> Dialect:
    """The dialect of a server that begins with this session; the general one unless it is clearly another."""
    if session.get("type") is not None or session.get("output_modalities") is not None:
        return GA
    if isinstance(session.get("audio"), dict):
        return XAI if any(session.get(key) is not None for key in _XAI_KEYS) else GA
    return BETA if any(session.get(key) is not None for key in _BETA_KEYS) else GA
