"""What a call touches, as far as its tool and its arguments tell."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, SupportsResponse, callback, valid_entity_id
from homeassistant.helpers import intent, llm

from ..policy.calls import Arguments, Touch
from .expansion import async_expand, async_selected, async_sequence_entities

_TARGET_KEYS: Final = frozenset({ATTR_ENTITY_ID, "device_id", "area_id", "floor_id", "label_id"})
_QUIETENING: Final = re.compile(r"turn_?off|pause|stop|mute|volume_?down|dock|return", re.IGNORECASE)
_DRASTIC_WORDS: Final = (
    "unlock disarm open delete remove erase format wipe purchase buy order pay transfer reboot restart shutdown "
    "execute trigger"
)
_DRASTIC: Final = frozenset(_DRASTIC_WORDS.split())
_LOOKING_WORDS: Final = "get list search find read fetch query show is has check look describe"
_LOOKING: Final = frozenset(_LOOKING_WORDS.split())
_NAME_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_TELLING_DOMAINS: Final = (
    "calendar counter input_boolean input_button input_datetime input_number input_select input_text logbook "
    "media_player notify persistent_notification reminder shopping_list timer todo tts weather"
)
_TELLING: Final = frozenset(_TELLING_DOMAINS.split())
"""Domains whose actions do no harm where they are aimed at nothing."""


@callback
def async_intent_touch(
    hass: HomeAssistant, tool: llm.IntentTool, arguments: Arguments, context: llm.LLMContext
) -> Touch:
    """What an intent touches: at least all that its handler can choose."""
    handler = next((one for one in intent.async_get(hass) if one.intent_type == tool.intent_type), None)
    found = set(_matched(hass, handler, arguments, context))
    targets = frozenset(found)
    # Handlers of others may have slots of their own.
    found |= _entities_in(hass, arguments)
    sequence = getattr(handler, "config", {}).get("action")
    if sequence is not None:
        found |= async_sequence_entities(hass, sequence)
    return Touch(
        async_expand(hass, found),
        targets,
        # A timer can carry a sentence that is carried out when it ends, by an agent that knows no policy.
        unclear=bool(arguments.get("conversation_command")),
        quietens=_QUIETENING.search(tool.intent_type) is not None,
    )


@callback
def async_script_touch(hass: HomeAssistant, entity_id: str, arguments: Arguments) -> Touch:
    """What a script touches: all that it names, and what it is given."""
    return Touch(async_expand(hass, {entity_id, *_entities_in(hass, arguments)}), frozenset({entity_id}))


@callback
def async_foreign_touch(
    hass: HomeAssistant,
    name: str,
    annotations: llm.ToolAnnotations | None,
    arguments: Arguments,
    *,
    believed: bool = False,
) -> Touch:
    """What a tool touches that Home Assistant knows nothing about: what it is given, and perhaps more.

    Unless what it says of itself is `believed`, that can only make it look worse than its name does.
    """
    declared = annotations is not None and annotations != llm.ToolAnnotations()
    destructive = declared and annotations is not None and annotations.destructive and not annotations.read_only
    drastic = destructive if declared and believed else destructive or sounds_drastic(name)
    return Touch(async_expand(hass, _entities_in(hass, arguments)), unclear=drastic)


@callback
def async_action_touch(hass: HomeAssistant, domain: str, action: str, data: Mapping[str, Any]) -> Touch:
    """What an action touches that is called with these data, target included."""
    targets = set(async_selected(hass, {key: _ids(data[key]) for key in _TARGET_KEYS & data.keys()}))
    if "all" in targets:
        targets |= set(hass.states.async_entity_ids(None if domain == "homeassistant" else domain))
    if domain == "script" and f"script.{action}" in hass.states.async_entity_ids("script"):
        targets.add(f"script.{action}")
    touched = async_expand(hass, {*targets, *_entities_in(hass, data)})
    aimless = not touched and domain not in _TELLING and not _only_answers(hass, domain, action)
    return Touch(
        touched,
        frozenset(targets),
        unclear=aimless or domain == "rtvoice" or any("{" in text for text in _texts(data)),
        label=action.replace("_", " "),
        quietens=_QUIETENING.search(action) is not None,
    )


@callback
def async_call_action_touch(hass: HomeAssistant, arguments: Arguments) -> Touch:
    """What Home Assistant's own tool for any action touches."""
    domain, _, action = str(arguments.get("action", "")).partition(".")
    data: dict[str, Any] = {}
    for part in (arguments.get("data"), arguments.get("target")):
        if isinstance(part, Mapping):
            data |= part
        elif part is not None:
            return Touch(unclear=True)
    return async_action_touch(hass, domain.strip().lower(), action.strip().lower(), data)


def sounds_drastic(name: str) -> bool:
    """Whether a tool that says nothing of itself has the name of one that does harm."""
    parts = [part.lower() for part in _NAME_PARTS.findall(name.rpartition("__")[2])]
    return not _LOOKING.intersection(parts[:1]) and not _DRASTIC.isdisjoint(parts)


def _matched(
    hass: HomeAssistant, handler: intent.IntentHandler | None, arguments: Arguments, context: llm.LLMContext
) -> Iterator[str]:
    domains = _ids(arguments.get("domain")) or getattr(handler, "required_domains", None)
    if not domains and not isinstance(handler, intent.DynamicServiceIntentHandler):
        domains = getattr(handler, "platforms", None)
    name = arguments.get("name")
    constraints = intent.MatchTargetsConstraints(
        name=None if name == "all" else _text(name),
        area_name=_text(arguments.get("area")),
        floor_name=_text(arguments.get("floor")),
        domains=set(domains) if domains else None,
        device_classes=set(_ids(arguments.get("device_class"))) or None,
        assistant=context.assistant,
        # Which of several of a name is meant depends on where the speaker is; all of them count.
        allow_duplicate_names=True,
    )
    if constraints.name or constraints.area_name or constraints.floor_name or arguments.get("domain") or name == "all":
        yield from (state.entity_id for state in intent.async_match_targets(hass, constraints).states)


def _entities_in(hass: HomeAssistant, value: object) -> set[str]:
    """Entities that are named anywhere in arguments, by id or by name."""
    texts = {text.strip().casefold() for text in _texts(value)}
    ids = {part.strip() for text in texts for part in text.split(",") if valid_entity_id(part.strip())}
    return ids | {state.entity_id for state in hass.states.async_all() if state.name.strip().casefold() in texts}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item)


def _ids(value: object) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, (list, tuple, set, frozenset)) else []


def _text(value: object) -> str | None:
    """The text that Home Assistant makes of a value, if it is one."""
    if value is None or isinstance(value, (Mapping, list)):
        return None
    return str(value).strip() or None


def _only_answers(hass: HomeAssistant, domain: str, action: str) -> bool:
    supported = hass.services.has_service(domain, action) and hass.services.supports_response(domain, action)
    return supported is SupportsResponse.ONLY
