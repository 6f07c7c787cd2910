"""What is known about a tool besides its code."""

import re
from dataclasses import dataclass

from ..conversation.values import ToolDefinition

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it, and how the conversation treats its calls."""

    definition: ToolDefinition
    timeout_s: float = 30.0
    """How long one call may take; infinite is allowed."""
    respond: bool = True
    """Whether the agent speaks about a success; a result may say otherwise, failures are always spoken about."""
    result_instruction: str | None = None
    """How the agent should speak about a success."""

    def __post_init__(self) -> None:
        """Raise ValueError for a name that providers refuse, or a timeout that no call can keep."""
        if not _NAME.fullmatch(self.definition.name):
            raise ValueError(f"'{self.definition.name}' is no name for a tool: 1 to 64 of A-Z, a-z, 0-9, _ and -")
        if not self.timeout_s > 0:
            raise ValueError(f"The timeout of tool '{self.name}' must be above 0, not {self.timeout_s}")

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.definition.name

    @property
    def holding_instruction(self) -> str | None:
        """How the agent should bridge the time until the result is there."""
        return self.definition.holding_instruction

    @property
    def cancel_on_interrupt(self) -> bool:
        """Whether a call is cancelled when the user interrupts the agent."""
        return self.definition.cancel_on_interrupt
