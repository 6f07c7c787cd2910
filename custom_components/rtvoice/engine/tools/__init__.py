"""Tools: what the model may call, and how a single call is run."""

from .inject import Inject, ToolContext
from .registry import Tools
from .result import ActionResult
from .spec import ToolSpec
from .waiting import WAIT_FOR_USER, add_wait_for_user

__all__ = ["WAIT_FOR_USER", "ActionResult", "Inject", "ToolContext", "ToolSpec", "Tools", "add_wait_for_user"]
