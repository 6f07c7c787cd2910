"""The documentation tells of every action, trigger and condition that there is, and its links and examples work."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint, BlueprintInputs
from homeassistant.components.logger import CONFIG_SCHEMA as LOGGER_SCHEMA
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers import condition, script, trigger
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import DOMAIN
from custom_components.rtvoice.engine.errors import EndReason

from .house import SATELLITE
from .pages import ACTIONS, AUTOMATIONS, CARD, DOCS, PAGES, ROOT, Page, leads_somewhere
from .test_validation import CONDITIONS, SERVICES, TRIGGERS

BLUEPRINTS = ROOT / "blueprints" / "automation"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_links_and_images_lead_somewhere(page: Page) -> None:
    assert [link for link in page.links if not leads_somewhere(page, link)] == []


def test_every_page_is_in_the_index() -> None:
    index = Page.load(DOCS / "README.md")
    assert set(index.links) == {page.path.name for page in PAGES if page.path.parent == DOCS} - {"README.md"}


async def test_examples_are_valid(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    examples = [example for page in PAGES for example in page.examples]
    assert len(examples) > 10
    for example in examples:
        await _async_check(hass, example)


def test_all_actions_are_listed() -> None:
    assert sorted(ACTIONS.table("action").firsts) == sorted(f"{DOMAIN}.{name}" for name in SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_actions_are_documented(name: str) -> None:
    section = ACTIONS.section(f"{DOMAIN}.{name}")
    fields = SERVICES[name].get("fields", {})
    rows = [row for table in section.tables if table.head[0] == "field" for row in table.rows]
    assert [row[0].strip("`") for row in rows] == list(fields)
    required = {row[0].strip("`") for row in rows if row[1].endswith("; required")}
    assert required == {key for key, field in fields.items() if field.get("required")}
    assert any(step["action"] == f"{DOMAIN}.{name}" for example in section.examples for step in _actions_in(example))


async def test_the_response_of_a_session_is_documented(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    call = {"entity_id": SATELLITE, "inactivity_timeout": 0.1}
    response = await hass.services.async_call(DOMAIN, "start", call, blocking=True, return_response=True)
    start = ACTIONS.section(f"{DOMAIN}.start")
    assert start.table("response").firsts == list(response or ())
    assert start.table("`end_reason`").firsts == [reason.value for reason in EndReason]


@pytest.mark.parametrize(("kind", "described"), [("trigger", TRIGGERS), ("condition", CONDITIONS)])
def test_triggers_and_conditions_are_documented(kind: str, described: Mapping[str, Mapping[str, Any]]) -> None:
    section = AUTOMATIONS.section(f"{kind.capitalize()}s")
    assert set(section.table(kind).firsts) == {f"{DOMAIN}.{key}" for key in described}
    for description in described.values():
        for field, settings in description["fields"].items():
            ((selector, config),) = settings["selector"].items()
            options = ("any", "all") if selector == "automation_behavior" else (config or {}).get("options", ())
            assert [word for word in (field, *options) if f"`{word}`" not in section.prose] == []


def test_blueprints_are_documented() -> None:
    links = AUTOMATIONS.section("Blueprints").links
    assert {urlsplit(link).path.rpartition("/")[2] for link in links} == {path.name for path in BLUEPRINTS.rglob("*.*")}


async def _async_check(hass: HomeAssistant, example: Mapping[str, Any]) -> None:
    """What Home Assistant does with it before it runs. Raises whatever is wrong."""
    if example.get("type") == "custom:rtvoice-card":
        assert set(example) - {"type"} <= {option.strip("`") for option in CARD.table("option").firsts}
        return
    for key, value in example.items():
        match key:
            case "actions":
                await script.async_validate_actions_config(hass, cv.SCRIPT_SCHEMA(value))
                _check_calls(hass, value)
            case "triggers":
                await trigger.async_validate_trigger_config(hass, cv.TRIGGER_SCHEMA(value))
            case "conditions":
                await condition.async_validate_conditions_config(hass, cv.CONDITIONS_SCHEMA(value))
            case "automation":
                for automation in value:
                    await hass.async_add_executor_job(_check_blueprint, automation)
            case "logger":
                LOGGER_SCHEMA(example)
            case _:
                pytest.fail(f"Nobody knows what {key} is an example of")


def _check_calls(hass: HomeAssistant, steps: Sequence[Mapping[str, Any]]) -> None:
    registered = hass.services.async_services_for_domain(DOMAIN)
    for step in _calls_in(steps):
        domain, _, name = step["action"].partition(".")
        if domain == DOMAIN:
            registered[name].schema({**step["target"], **step.get("data", {})})
            needs_variable = registered[name].supports_response is SupportsResponse.ONLY
            assert not needs_variable or "response_variable" in step


def _check_blueprint(automation: dict[str, Any]) -> None:
    used = automation["use_blueprint"]
    data = load_yaml(BLUEPRINTS / used["path"])
    blueprint = Blueprint(data, expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA)
    BlueprintInputs(blueprint, automation).validate()
    assert set(used["input"]) <= set(blueprint.inputs)


def _actions_in(example: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _calls_in(example.get("actions", ()))


def _calls_in(node: object) -> Iterator[Mapping[str, Any]]:
    """All calls of actions, in branches too."""
    match node:
        case {"action": str()}:
            yield node
        case Mapping():
            for inside in node.values():
                yield from _calls_in(inside)
        case list():
            for inside in node:
                yield from _calls_in(inside)
