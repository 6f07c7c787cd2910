"""What differs between the versions of Home Assistant that this integration runs on: 2026.10 and 2026.11."""

from dataclasses import fields
from typing import Any

from homeassistant.components.conversation import DOMAIN as CONVERSATION_DOMAIN
from homeassistant.core import Context
from homeassistant.helpers import llm

from .const import DOMAIN


def make_llm_context(
    context: Context, *, language: str | None, device_id: str | None, agent_entity_id: str | None
) -> llm.LLMContext:
    """Who asks for tools, and where; who is asked is known since 2026.11."""
    values: dict[str, Any] = {
        "platform": DOMAIN,
        "context": context,
        "language": language,
        "assistant": CONVERSATION_DOMAIN,
        "device_id": device_id,
        "agent_id": agent_entity_id,
    }
    known = {field.name for field in fields(llm.LLMContext)}
    return llm.LLMContext(**{name: value for name, value in values.items() if name in known})


def requires_admin(api: llm.API) -> bool:
    """Whether only administrators may use an API; there are such since 2026.11."""
    return bool(getattr(api, "requires_admin", False))
