"""Tools: what the model may call, and how a single call is run."""

from .inject import Inject, ToolContext
from .offer import CallNext, ToolMiddleware
from .registry import Tools
from .result import ActionResult
from .spec import ToolSpec

__all__ = [
    "ActionResult",
    "CallNext",
    "Inject",
    "ToolContext",
    "ToolMiddleware",
    "ToolSpec",
    "Tools",
]
