"""What the dialects of the Realtime API write differently."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...conversation.effects import UpdateSession
from ...options import SessionOptions

type Settings = dict[str, object]


def _nothing(_: SessionOptions) -> Settings:
    return {}


@dataclass(frozen=True, slots=True)
class Style:
    """How a dialect writes the settings of a session, and what else is not the same everywhere."""

    session_of: Callable[[SessionOptions], Settings]
    """Builds the `session` object of the first update."""
    changes_of: Callable[[UpdateSession], Settings]
    """Builds the `session` object of a later update."""
    dispensable: Mapping[str, str] = field(default_factory=dict)
    """What a session can do without where the server does not know it: param of the error -> setting to drop."""
    agent_text: str = "output_text"
    """Type of the text in a message of the agent."""
    asks: bool = True
    """Whether a server that runs MCP servers can be told which calls need approval."""
    response_of: Callable[[SessionOptions], Settings] = _nothing
    """Builds what every request for a response must hold."""

    def without(self, session: Settings, param: str) -> Settings | None:
        """The settings without the one that `param` complains about; None if it is not there or cannot be spared."""
        for known, dropped in self.dispensable.items():
            if param == known or param.startswith(f"{known}."):
                there = _drop(session, known.split(".")[1:]) is not None
                return _drop(session, dropped.split(".")[1:]) if there else None
        return None


def _drop(settings: Settings, path: list[str]) -> Settings | None:
    key, *rest = path
    if key not in settings:
        return None
    if not rest:
        return {name: value for name, value in settings.items() if name != key}
    inner = settings[key]
    smaller = _drop(inner, rest) if isinstance(inner, dict) else None
    return None if smaller is None else {**settings, key: smaller}
