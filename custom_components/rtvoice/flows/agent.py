"""The form of an agent."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult
from homeassistant.const import CONF_LLM_HASS_API, CONF_NAME
from homeassistant.helpers import llm

from ..bridge.policy.options import PolicyOptions
from ..bridge.provider import writes_down
from ..bridge.retirement import retiring_models
from ..bridge.voices import VOICES, voices_of
from ..const import (
    CONF_FALLBACK,
    CONF_MODEL,
    CONF_PIN,
    CONF_PROVIDER,
    CONF_TRANSCRIPTION_MODEL,
    CONF_VOICE,
    DEFAULT_AGENT_NAME,
    DOMAIN,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
)
from .account import async_is_mute, async_is_refused, async_list_realtime_models
from .agent_form import SECTIONS, agent_schema
from .defaults import default_agent
from .equipment_form import equipment_of, suggested_equipment, with_equipment
from .models import PREFERRED
from .policy_form import async_list_actions, async_rule_errors, suggested_rules
from .secrets import keep_secret, ticked
from .sections import flatten, nest
from .subentry import SubentryFlow


class AgentFlow(SubentryFlow):
    """A persona: what it is told, what it may use, how it speaks and listens."""

    _models: tuple[str, ...] | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add an agent."""
        self._name = self._free_name(DEFAULT_AGENT_NAME)
        self._known = default_agent(self._account[CONF_PROVIDER], await self._async_default_model())
        return await self.async_step_init(user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change an agent."""
        subentry = self._get_reconfigure_subentry()
        self._name, self._known = subentry.title, dict(subentry.data)
        return await self.async_step_init(user_input)

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show the form, and save it when it is filled in."""
        errors = {}
        name, shown = self._name, self._known
        models, equipment = await self._async_models(), equipment_of(self._get_entry())
        submitted = flatten(user_input or {}, SECTIONS)
        if user_input is not None:
            shown = with_equipment(_submitted(user_input, self._known), submitted, equipment)
            name = shown.pop(CONF_NAME) or self._name
            model = shown.setdefault(CONF_MODEL, await self._async_default_model())
            errors = async_rule_errors(self.hass, shown)
            errors |= await self._async_errors(model, shown.get(CONF_VOICE), known_models=models)
            if not errors:
                self._name, self._known = name, shown
                return await self._async_preview()
        apis = llm.async_get_apis(self.hass)
        accounts = self._other_accounts()
        model = shown.get(CONF_MODEL) or await self._async_default_model()
        schema = agent_schema(
            name,
            model,
            apis,
            models,
            accounts,
            voices=voices_of(self._account),
            actions=async_list_actions(self.hass),
            equipment=equipment,
            has_pin=CONF_PIN in self._known,
        )
        suggested = {
            **suggested_rules(shown),
            **ticked(submitted, CONF_PIN),
            **suggested_equipment(shown, equipment),
            CONF_NAME: name,
            CONF_LLM_HASS_API: _known_apis(shown.get(CONF_LLM_HASS_API), apis),
        }
        if suggested.get(CONF_FALLBACK) not in accounts:
            suggested.pop(CONF_FALLBACK, None)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, nest(suggested, SECTIONS)),
            errors=errors,
        )

    async def async_step_unheard(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Say that nobody can give leave, and let the user think again."""
        then = "retiring" if retiring_models(self._account, self._known) else "save"
        return self.async_show_menu(step_id="unheard", menu_options=["init", then])

    async def async_step_retiring(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Say that a model will be shut down, and let the user think again."""
        model, day = next(iter(retiring_models(self._account, self._known).items()))
        return self.async_show_menu(
            step_id="retiring",
            menu_options=["init", "save"],
            description_placeholders={"model": model, "date": day.isoformat()},
        )

    async def async_step_save(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:  # noqa: ARG002 - HA's
        """Save an agent although one of its models will be shut down."""
        return self._async_save(self._name, self._known)

    async def _async_preview(self) -> SubentryFlowResult:
        """Say first what will not work as one may think."""
        hears = writes_down(self._account, self._known.get(CONF_TRANSCRIPTION_MODEL))
        if not hears and PolicyOptions.read(self._known).asks:
            return await self.async_step_unheard()
        if retiring_models(self._account, self._known):
            return await self.async_step_retiring()
        return await self.async_step_save()

    async def _async_errors(self, model: str, voice: str | None, *, known_models: tuple[str, ...]) -> dict[str, str]:
        """What the provider refuses of a model and a voice that it was not known to have."""
        is_known = model in known_models or model == self._known.get(CONF_MODEL)
        if not is_known and await async_is_refused(self.hass, self._account, model):
            return {CONF_MODEL: "model_refused"}
        was_saved = self.source == SOURCE_RECONFIGURE and (model, voice) == tuple(
            self._known.get(key) for key in (CONF_MODEL, CONF_VOICE)
        )
        is_openais = self._account[CONF_PROVIDER] == PROVIDER_OPENAI and voice in VOICES
        if voice is None or was_saved or is_openais:
            return {}
        return {CONF_VOICE: "voice_refused"} if await async_is_mute(self.hass, self._account, model, voice) else {}

    def _other_accounts(self) -> dict[str, str]:
        """The accounts that could stand in for the agent's own, titles by entry id."""
        own = self._get_entry().entry_id
        entries = self.hass.config_entries.async_entries(DOMAIN)
        return {entry.entry_id: entry.title for entry in entries if entry.entry_id != own}

    @property
    def _account(self) -> Mapping[str, Any]:
        return self._get_entry().data

    async def _async_models(self) -> tuple[str, ...]:
        """The account's realtime models, asked for once per flow."""
        if self._models is None:
            self._models = await async_list_realtime_models(self.hass, self._account)
        return self._models

    async def _async_default_model(self) -> str:
        """The account's best model; where it lists none, what its other agents use."""
        others = (agent.data.get(CONF_MODEL) for agent in self._get_entry().get_subentries_of_type(SUBENTRY_AGENT))
        return next((model for model in (*await self._async_models(), *others) if model), PREFERRED[0].value)


def _submitted(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The options to store: a section that was not submitted keeps what is known, and emptied fields are absent."""
    kept = [key for name, keys in SECTIONS.items() if name not in user_input for key in keys]
    options = {key: known[key] for key in kept if key in known}
    submitted = flatten(user_input, SECTIONS)
    for key, value in submitted.items():
        options[key] = value.strip() if isinstance(value, str) else value
    filled = {key: value for key, value in options.items() if value not in ("", []) or key == CONF_NAME}
    return keep_secret(filled, known, CONF_PIN)


def _known_apis(chosen: list[str] | None, apis: list[llm.API]) -> list[str]:
    """The chosen APIs without those that are gone, which the form would refuse."""
    known = {api.id for api in apis}
    return [api_id for api_id in chosen or () if api_id in known]
