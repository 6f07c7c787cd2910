"""Actions of Home Assistant as tools: those that a person has picked for the agent."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import probatio
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, ServiceResponse, State, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import intent, llm, selector, service, translation

from ...const import DOMAIN
from ...engine import ToolDefinition
from ..policy.calls import Answer, Arguments, HomeTool, Touch
from .apis import async_is_admin
from .find import async_area_name, async_exposed, async_find
from .parameters import object_schema
from .touched import async_action_touch

_LOGGER = logging.getLogger(__name__)

TARGETS: Final = "targets"
MAX_LISTED: Final = 100
"""With more entities to choose from, the model names them instead of choosing from a list."""

_DANGEROUS_DOMAINS: Final = frozenset(
    {
        "alarm_control_panel",
        "automation",
        "backup",
        "conversation",
        "hassio",
        "homeassistant",
        "lock",
        "mqtt",
        "pyscript",
        "python_script",
        "recorder",
        "rest_command",
        "shell_command",
        "update",
        "valve",
        "zha",
        "zwave_js",
    }
)
_DANGEROUS_NAMES: Final = frozenset({"reload", "restart", "stop", "purge", "delete", "remove", "clear"})
# These reach entities that are not exposed, or anything at all.
_UNSAFE_SELECTORS: Final = (
    selector.ActionSelector,
    selector.AreaSelector,
    selector.ConditionSelector,
    selector.DeviceSelector,
    selector.FloorSelector,
    selector.LabelSelector,
    selector.TargetSelector,
    selector.TemplateSelector,
    selector.TriggerSelector,
)


@callback
def async_is_dangerous(hass: HomeAssistant, action: str) -> bool:
    """Whether an action needs to be ticked by itself: it is for administrators, or can do harm that is hard to undo."""
    domain, _, name = action.partition(".")
    dangerous_name = not _DANGEROUS_NAMES.isdisjoint(name.split("_"))
    return domain in _DANGEROUS_DOMAINS or dangerous_name or async_needs_admin(hass, action)


@callback
def async_needs_admin(hass: HomeAssistant, action: str) -> bool:
    """Whether Home Assistant lets only administrators use an action."""
    domain, _, name = action.partition(".")
    known = hass.services.async_services_for_domain(domain).get(name)
    target = known.job.target if known else None
    # There is no public way to ask; actions for administrators are wrapped by this function.
    return getattr(getattr(target, "func", None), "__name__", "") == "_async_admin_handler"


async def async_action_tools(
    hass: HomeAssistant, actions: Iterable[str], dangerous: Iterable[str], context: llm.LLMContext
) -> list[HomeTool]:
    """Tools for the picked actions that exist; dangerous ones must be among those that were ticked."""
    ticked = frozenset(dangerous)
    wanted = [action for action in dict.fromkeys((*actions, *ticked)) if not action.startswith(f"{DOMAIN}.")]
    chosen = [action for action in wanted if action in ticked or not async_is_dangerous(hass, action)]
    if not chosen:
        return []
    admin = await async_is_admin(hass, context)
    has_user = context.context is not None and context.context.user_id is not None
    try:
        descriptions = await service.async_get_all_descriptions(hass)
    except ImportError as err:
        # To check them, Home Assistant imports integrations whose libraries need not be there.
        _LOGGER.warning("Home Assistant cannot read the descriptions of actions (%s); the agent has none", err)
        return []
    texts = await translation.async_get_translations(
        hass, "en", "services", {action.partition(".")[0] for action in chosen}
    )
    tools: list[HomeTool] = []
    for action in chosen:
        domain, _, name = action.partition(".")
        description = descriptions.get(domain, {}).get(name)
        if description is None or (has_user and not admin and async_needs_admin(hass, action)):
            continue
        try:
            tools.append(_Action(hass, action, description, texts, context).tool())
        except (probatio.Invalid, TypeError, ValueError) as err:
            _LOGGER.warning("The action %s describes itself wrongly and is left out: %s", action, err)
    return tools


class _Action:
    """An action that is picked. All that does not change with the house is looked up once, not in each call."""

    def __init__(
        self,
        hass: HomeAssistant,
        action: str,
        description: Mapping[str, Any],
        texts: Mapping[str, str],
        context: llm.LLMContext,
    ) -> None:
        """Raises probatio.Invalid, TypeError or ValueError for a description that cannot be used."""
        self._hass = hass
        self._domain, _, self._name = action.partition(".")
        self._description = description
        self._texts = texts
        self._context = context
        self._fields = _all_fields(description)
        self._choosers = {
            field: selector.selector(config["selector"])
            for field, config in self._fields.items()
            if config.get("selector")
        }
        self._is_targeted = "target" in description or ATTR_ENTITY_ID in self._fields
        self._filters = self._described_filters() if self._is_targeted else []
        self._schema = self._described_schema()

    def tool(self) -> HomeTool:
        """The action as a tool."""
        schema = object_schema(self._schema, llm.selector_serializer)
        if self._is_targeted:
            schema["properties"] = {TARGETS: self._targets_schema(), **schema["properties"]}
            schema["required"] = [TARGETS, *schema.get("required", ())]
        return HomeTool(
            ToolDefinition(f"{self._domain}__{self._name}", self._text("description") or self._title, schema),
            name=f"{self._domain}__{self._name}",
            title=self._title,
            call=self.async_call,
            touch=self.touch,
            reads_only=self._supports_response is SupportsResponse.ONLY,
            verifies=True,
        )

    def touch(self, arguments: Arguments) -> Touch:
        """What a call touches."""
        try:
            data = self._data(arguments)
        except HomeAssistantError, probatio.Invalid:
            # Such a call fails before it does anything.
            return Touch()
        return async_action_touch(self._hass, self._domain, self._name, data)

    async def async_call(self, arguments: dict[str, Any]) -> Answer:
        """Call the action."""
        responds = self._supports_response is not SupportsResponse.NONE
        response: ServiceResponse = await self._hass.services.async_call(
            self._domain,
            self._name,
            self._data(arguments),
            blocking=True,
            context=self._context.context,
            return_response=responds,
        )
        return Answer({"response": response} if responds else {"success": True})

    @property
    def _title(self) -> str:
        return self._text("name") or f"{self._domain} {self._name}".replace("_", " ")

    @property
    def _supports_response(self) -> SupportsResponse:
        return self._hass.services.supports_response(self._domain, self._name)

    def _described_schema(self) -> probatio.Schema:
        """The fields besides the target, with what Home Assistant says about them."""
        schema: dict[probatio.Marker, Any] = {}
        for name, config in self._fields.items():
            chooser = self._choosers.get(name, probatio.Any(object))
            if name == ATTR_ENTITY_ID or (isinstance(chooser, _UNSAFE_SELECTORS) and not config.get("required")):
                continue
            marker = probatio.Required if config.get("required") else probatio.Optional
            text = self._text(f"fields.{name}.description", config.get("description"))
            schema[marker(name, description=text or name)] = chooser
        return probatio.Schema(schema)

    def _targets_schema(self) -> dict[str, Any]:
        states = list(self._candidates())
        items: dict[str, Any] = {"type": "string"}
        text = "Entity ids, names of entities, or names of areas."
        if 0 < len(states) <= MAX_LISTED:
            items["enum"] = [state.entity_id for state in states]
            named = ", ".join(f"{state.entity_id} ({state.name})" for state in states)
            text = f"What to act on: {named}."
        return {"type": "array", "items": items, "minItems": 1, "description": text}

    def _data(self, arguments: Arguments) -> dict[str, Any]:
        """What the action is called with. Raises HomeAssistantError or Invalid for what it must not be called with."""
        given = dict(arguments)
        targets = given.pop(TARGETS, None)
        for name, chooser in self._choosers.items():
            if name in given and name != ATTR_ENTITY_ID and isinstance(chooser, selector.EntitySelector):
                given[name] = self._resolved(chooser, given[name])
        data: dict[str, Any] = self._schema(given)
        self._refuse_hidden(data)
        return {**data, ATTR_ENTITY_ID: self._entity_ids(targets)} if self._is_targeted else data

    def _resolved(self, chooser: selector.EntitySelector, value: Any) -> Any:
        """Names of entities as ids."""
        found = [async_find(self._hass, str(name), self._context).entity_id for name in _listed(value)]
        return found if chooser.config.get("multiple") else found[0]

    def _entity_ids(self, targets: object) -> list[str]:
        names = _listed(targets)
        if not names:
            raise HomeAssistantError("targets is missing")
        found = {state.entity_id: state for name in names for state in self._targeted(name)}
        if beside := sorted(entity_id for entity_id, state in found.items() if not self._fits(state)):
            raise HomeAssistantError(f"The action cannot be used on {', '.join(beside)}")
        return list(found)

    def _targeted(self, name: str) -> list[State]:
        """The exposed entities of a name: its own, or those in the area of that name that the action is for."""
        try:
            return [async_find(self._hass, name, self._context)]
        except intent.MatchFailedError:
            wanted = name.strip().casefold()
            inside = [
                state
                for state in self._candidates()
                if (async_area_name(self._hass, state.entity_id) or "").casefold() == wanted
            ]
            if not inside:
                raise
            return inside

    def _candidates(self) -> Iterator[State]:
        """The exposed entities that the action is for."""
        return filter(self._fits, async_exposed(self._hass, self._context))

    def _described_filters(self) -> list[Mapping[str, Any]]:
        """What the action is for: entities that pass one of these."""
        target = self._description.get("target")
        if "target" not in self._description:
            config = (self._fields[ATTR_ENTITY_ID].get("selector") or {}).get("entity") or {}
            filters = config.get("filter", config)
        else:
            filters = (target or {}).get("entity", {})
        return [filters] if isinstance(filters, Mapping) else list(filters)

    def _fits(self, state: State) -> bool:
        """Whether the action is for an entity."""
        entry = er.async_get(self._hass).async_get(state.entity_id)
        has = {
            "domain": state.domain,
            "device_class": state.attributes.get("device_class"),
            "integration": entry.platform if entry else None,
        }
        return any(all(has[key] in _listed(wanted[key]) for key in has if wanted.get(key)) for wanted in self._filters)

    def _refuse_hidden(self, value: object) -> None:
        """Raise HomeAssistantError if an entity that is not exposed is named anywhere."""
        if isinstance(value, str):
            for part in value.split(","):
                entity_id = part.strip().lower()
                known = self._hass.states.get(entity_id) is not None
                if known and not async_should_expose(self._hass, self._context.assistant, entity_id):
                    raise HomeAssistantError(f"{entity_id} is not exposed to voice assistants")
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self._refuse_hidden(key)
                self._refuse_hidden(item)
        elif isinstance(value, list):
            for item in value:
                self._refuse_hidden(item)

    def _text(self, item: str, own: str | None = None) -> str:
        own = own or (self._description.get(item) if "." not in item else None)
        return own or self._texts.get(f"component.{self._domain}.services.{self._name}.{item}", "")


def _all_fields(description: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """All fields, those inside of sections too."""
    fields: dict[str, Mapping[str, Any]] = {}
    for name, config in description.get("fields", {}).items():
        inside: Mapping[str, Mapping[str, Any]] = config.get("fields", {name: config})
        fields |= inside
    return fields


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, (list, tuple, set)) else [str(value)]
