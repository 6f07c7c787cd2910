"""In what servers that speak the Realtime API differ."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ...conversation.values import Capabilities
from ...options import SessionOptions
from .session_config import session_of


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
    heartbeat_s: float = 25.0
    """Of silence before the peer is pinged; one that stays silent for half as long again is taken to be gone."""


TIMEOUTS: Final = Timeouts()
"""Made for servers on the internet."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of speaking the Realtime API."""

    name: str
    capabilities: Capabilities = Capabilities()
    confirms_settings: bool = True
    """Whether the server is known to answer a change of settings. If not, it is taken for granted after a while."""
    greetings: frozenset[str] = frozenset({"session.created"})
    """The event that a server begins with."""
    session_of: Callable[[SessionOptions], dict[str, object]] = session_of
    """Builds the settings of a session."""


OPENAI: Final = Dialect("openai")

# Other servers may confirm settings and return metadata, but nobody promised it. A provider learns the latter.
GA: Final = Dialect(
    "ga",
    capabilities=Capabilities(echoes_metadata=False),
    confirms_settings=False,
    greetings=frozenset({"session.created", "conversation.created"}),
)

DIALECTS: Final = {"auto": GA, "ga": GA}
