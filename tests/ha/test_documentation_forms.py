"""The documentation tells of every field, entity, message and price that there is, and of nothing else."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice import const
from custom_components.rtvoice.bridge.occurrences import OccurrenceType
from custom_components.rtvoice.engine.conversation.values import AgentState
from custom_components.rtvoice.engine.usage.prices import TokenRates
from custom_components.rtvoice.engine.usage.table import PRICES
from custom_components.rtvoice.flows.defaults import default_agent
from custom_components.rtvoice.flows.policy_form import suggested_rules
from custom_components.rtvoice.flows.satellite import WYOMING_FORM
from custom_components.rtvoice.flows.wyoming_form import DEFAULT_PORT

from .conftest import AGENT_ID, SATELLITE_ID
from .pages import ENTITIES, MONEY, SET_UP, TROUBLE, Page
from .test_validation import TEXTS

CONFIG = TEXTS["config"]["step"]
FORMS = {
    f"{kind} {key}": step
    for kind, steps in [("config", CONFIG), *((k, t["step"]) for k, t in TEXTS["config_subentries"].items())]
    for key, step in steps.items()
    if "data" in step
}
"""All forms by where their texts are."""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_fields_are_documented(form: Mapping[str, Any]) -> None:
    section = _section_of(form)
    documented = [first for table in section.tables if table.head[0] == "Field" for first in table.firsts]
    assert sorted(documented) == sorted(label for _, label in _labels(form))
    assert [name for name in _section_names(form) if name not in section.prose] == []


def test_what_can_be_chosen_is_documented() -> None:
    # Who speaks is chosen in automations.
    labels = [label for key, texts in TEXTS["selector"].items() if key != "who" for label in _options(texts).values()]
    steps = [
        *CONFIG.values(),
        *(step for kind in TEXTS["config_subentries"].values() for step in kind["step"].values()),
    ]
    labels += [label for step in steps for label in step.get("menu_options", {}).values()]
    assert set(labels) - SET_UP.terms == set()


@pytest.mark.parametrize(
    ("form", "defaults"),
    [
        (
            "agent init",
            suggested_rules(default_agent(const.PROVIDER_OPENAI, "model")) | {"name": const.DEFAULT_AGENT_NAME},
        ),
        ("satellite local", {"name": const.DEFAULT_SATELLITE_NAME}),
        ("satellite browser", {"name": const.DEFAULT_BROWSER_NAME}),
        ("satellite wyoming", {"name": WYOMING_FORM.name, "port": DEFAULT_PORT}),
        (
            "subagent init",
            {"max_iterations": const.DEFAULT_MAX_ITERATIONS, "timeout": const.DEFAULT_SUBAGENT_TIMEOUT},
        ),
        ("mcp_server http", {"timeout": const.DEFAULT_SERVER_TIMEOUT, "transport": const.TRANSPORT_AUTO}),
        ("mcp_server program", {"timeout": const.DEFAULT_SERVER_TIMEOUT}),
        ("config compatible", {"dialect": const.DIALECTS[0]}),
    ],
)
def test_defaults_are_documented(form: str, defaults: Mapping[str, Any]) -> None:
    labels = dict(_labels(FORMS[form]))
    tables = [table for table in _section_of(FORMS[form]).tables if table.head[:2] == ("Field", "Default")]
    documented = {first: row[1] for table in tables for first, row in zip(table.firsts, table.rows, strict=True)}
    for key, value in defaults.items():
        if (shown := _shown(key, value)) is not None:
            assert shown in documented[labels[key]], labels[key]


async def test_entities_are_documented(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    marks = {AGENT_ID: 2, SATELLITE_ID: 3}
    there = set()
    for entry in er.async_entries_for_config_entry(er.async_get(hass), setup_integration.entry_id):
        name = TEXTS["entity"][entry.domain][entry.translation_key]["name"] if entry.translation_key else None
        there.add((name, entry.domain, marks[entry.config_subentry_id or ""]))
    table = ENTITIES.table("Name")
    documented = {
        (None if row[0].startswith("*") else first, row[1].strip("`"), column)
        for first, row in zip(table.firsts, table.rows, strict=True)
        for column in marks.values()
        if row[column] == "✓"
    }
    assert documented == there


async def test_what_entities_show_is_documented(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    assert ENTITIES.table("state").firsts == [state.value for state in AgentState]
    assert ENTITIES.table("event type").firsts == [kind.value for kind in OccurrenceType]
    described = TEXTS["entity"]["sensor"].values()
    attributes = {key for entity in described for key in entity.get("state_attributes", {})}
    assert [key for key in attributes if f"`{key}`" not in ENTITIES.section("Attributes").prose] == []


@pytest.mark.parametrize(
    ("section", "texts"),
    [
        ("Repairs", [issue["title"] for issue in TEXTS["issues"].values()]),
        ("Messages of actions", [error["message"] for error in TEXTS["exceptions"].values()]),
        ("Of accounts", [*TEXTS["config"]["error"].values(), TEXTS["config"]["abort"]["already_configured"]]),
        ("Of agents", TEXTS["config_subentries"]["agent"]["error"].values()),
        ("Of satellites", TEXTS["config_subentries"]["satellite"]["error"].values()),
        ("Of subagents", TEXTS["config_subentries"]["subagent"]["error"].values()),
        ("Of MCP servers", TEXTS["config_subentries"]["mcp_server"]["error"].values()),
    ],
)
def test_messages_are_explained(section: str, texts: list[str]) -> None:
    (table,) = TROUBLE.section(section).tables
    assert sorted(table.firsts) == sorted(_beginning(text) for text in texts)


def test_system_information_is_documented() -> None:
    section = TROUBLE.section("System information").prose
    assert [text for text in TEXTS["system_health"]["info"].values() if f"*{text}*" not in section] == []


def test_prices_are_those_that_are_used() -> None:
    section = MONEY.section("Prices")
    documented = {table_row[0].strip("`"): table_row[1:] for table_row in section.table("model").rows}
    assert documented == {
        name: (_rates(price.audio), _rates(price.text), _rates(price.image), _amount(price.minute))
        for name, price in PRICES.models.items()
    }
    assert {price.as_of for price in PRICES.models.values()} == {max(price.as_of for price in PRICES.models.values())}
    assert all(f"on {price.as_of}" in section.prose for price in PRICES.models.values())


def _section_of(form: Mapping[str, Any]) -> Page:
    """The part of the page that tells of a form: its title is the heading."""
    return SET_UP.section(form["title"].replace("{name}", "the server"))


def _labels(form: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from form["data"].items()
    for section in form.get("sections", {}).values():
        yield from section["data"].items()


def _section_names(form: Mapping[str, Any]) -> Iterator[str]:
    yield from (section["name"] for section in form.get("sections", {}).values())


def _options(texts: Mapping[str, Any]) -> Mapping[str, str]:
    return texts.get("options", {})


def _shown(key: str, value: Any) -> str | None:
    """A default as people read it; None for what the page tells in other words."""
    choices = _options(TEXTS["selector"].get(key, TEXTS["selector"]["permission"] if "permission" in key else {}))
    match value:
        case bool() | list():
            return None
        case int() | float():
            return f"{value:g}"
        case _ if key in (const.CONF_INSTRUCTIONS, const.CONF_MODEL):
            return None
        case _:
            return choices.get(value, value)


def _beginning(text: str) -> str:
    """The first sentence of a message, with dots for what is filled in, and without what only quotes a reason."""
    sentence = re.sub(r"\{\w+\}", "…", text).split(". ")[0].removesuffix(".")
    return sentence.removesuffix(": …")


def _rates(rates: TokenRates) -> str:
    if rates.input is None:
        return ""
    return " / ".join(_amount(rate) or "-" for rate in (rates.input, rates.cached, rates.output))


def _amount(usd: Decimal | None) -> str:
    return "" if usd is None else f"{usd:f}"
