"""What a subagent is told beside its instructions."""

from typing import Final

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
)
from .own_tools import OwnTool, OwnTools

MAX_HISTORY_CHARS: Final = 12_000
"""How much of the conversation a subagent is told; the latest counts."""

_RULES: Final = """\
You work on a task for a voice agent, which speaks with the user. Use the tools; call several at once where they do \
not depend on each other. When the task is finished, call {done} with the result: a few sentences that can be spoken, \
without markup. If it cannot be done, say so there. If something is missing that only the user can know, call \
{clarify}; never make it up."""
_REPORT_RULE: Final = " During long work call {report_progress} now and then."

_FAILURES: Final[tuple[tuple[type[EngineError], str], ...]] = (
    (AuthenticationError, "its language model does not accept the key"),
    (QuotaExceededError, "the account of its language model has no credit left"),
    (RateLimitedError, "its language model is too busy"),
    (ConnectionFailedError, "its language model cannot be reached"),
    (ConfigurationError, "its language model is not set up as it should be"),
)


def system_prompt(instructions: str, own: OwnTools, skills: str) -> str:
    """The instructions, how to work, and the skills there are."""
    names = {tool.wanted_name: name for name, tool in own.by_name.items()}
    reports = OwnTool.REPORT_PROGRESS in own.by_name.values()
    rules = (_RULES + (_REPORT_RULE if reports else "")).format(**names)
    return "\n\n".join(filter(None, (instructions.strip(), rules, skills)))


def task_prompt(task: str, history: str) -> str:
    """The task, behind what was said before it."""
    asked = f"<task>\n{task}\n</task>"
    if not (said := history.strip()):
        return asked
    if len(said) > MAX_HISTORY_CHARS:
        said = f"…{said[-MAX_HISTORY_CHARS:]}"
    return f"<conversation_history>\n{said}\n</conversation_history>\n\n{asked}"


def failure_text(error: Exception) -> str:
    """What went wrong, in words that may be spoken; an error's own words may hold anything."""
    return next((text for kind, text in _FAILURES if isinstance(error, kind)), "something went wrong inside")


def handoff_description(description: str, handoff_instructions: str | None) -> str:
    """What the voice agent is told of a subagent."""
    return f"{description}\n\nHandoff instructions: {handoff_instructions}" if handoff_instructions else description


def resume_instruction(tool: str) -> str:
    """How the voice agent goes on when a subagent has a question."""
    return (
        f"Ask the user this question. When the answer is there, call {tool} again with the same task and with the "
        "answer as clarification_answer. Never make the answer up."
    )


def answered_task(task: str, answer: str) -> str:
    """A task for a subagent that does not know any more that it has asked."""
    return f"{task}\n\nThe user has answered a question about it: {answer}"
