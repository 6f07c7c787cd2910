"""What the conversation knows from the start."""

from dataclasses import dataclass

from .values import Capabilities, Cue, NewItem, ToolDefinition


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """Settings that dialogue decisions depend on."""

    capabilities: Capabilities = Capabilities()
    instructions: str = ""
    """The session's instructions; a response with instructions of its own repeats them, since those replace them."""
    push_to_talk: bool = False
    """Turns end when the user says so, not when the provider hears silence."""
    answers_turns: bool = True
    """Whether a turn whose end the provider has heard is answered by itself; if not, only what is asked for is."""
    inactivity_timeout_s: float | None = None
    """Silence that ends the session; None: never."""
    history: tuple[NewItem, ...] = ()
    """What was said before this session; told to the model first. Its items have ids."""
    tools: tuple[ToolDefinition, ...] = ()
    """The tools at hand at the start."""
    half_duplex: bool = False
    """The microphone hears the speaker: it is closed while the agent speaks, so that the agent does not hear itself."""
    streams: bool = False
    """The speaker has to be told where the audio of a response ends."""
    max_length_s: float | None = None
    """Longest time the session may last; then it ends as soon as it is quiet."""
    compact_above_tokens: int | None = None
    """Tokens read for one response above which old turns are replaced by their text; None: never."""
    cues: frozenset[Cue] = frozenset()
    """The sounds that are played when it is time for them."""
