"""Tools: what the model may call, and how a single call is run."""

from .inject import Inject, ToolContext
from .registry import Tools
from .result import ActionResult
from .spec import ToolSpec

__all__ = ["ActionResult", "Inject", "ToolContext", "ToolSpec", "Tools"]
