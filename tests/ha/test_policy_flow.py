"""The rules of an agent in its form."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import AGENT_ID
from .test_config_flow_agent import add, submit, suggested


@pytest.mark.parametrize(
    ("rules", "errors"),
    [
        ({"policy": {"sensitive_permission": "pin"}}, {"pin": "pin_missing"}),
        ({"policy": {"quiet_permission": "pin"}}, {"pin": "pin_missing"}),
        ({"policy": {"pin": "123"}}, {"pin": "pin_digits"}),
        ({"policy": {"pin": "12three4"}}, {"pin": "pin_digits"}),
        ({"policy": {"quiet_start": "22:00:00"}}, {"quiet_end": "quiet_incomplete"}),
        ({"tools": {"actions": ["homeassistant.restart"]}}, {"actions": "dangerous_action"}),
    ],
)
async def test_rules_that_make_no_sense(
    hass: HomeAssistant, mock_entry: MockConfigEntry, rules: dict[str, Any], errors: dict[str, str]
) -> None:
    form = await submit(hass, await add(hass, mock_entry), rules)
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, errors)


async def test_the_usual_rules_are_shown(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    shown = suggested(await add(hass, mock_entry))
    assert shown["tools"] == {"read_states": True}
    assert shown["policy"]["sensitive_permission"] == "confirm"
    assert "lock" in shown["policy"]["sensitive"]


async def test_a_pin_is_kept_and_never_shown(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    for rules in ({"pin": "4711", "sensitive_permission": "pin"}, {"sensitive_permission": "pin"}, {"pin": ""}):
        form = await setup_integration.start_subentry_reconfigure_flow(hass, AGENT_ID)
        assert "pin" not in suggested(form)["policy"]
        result = await submit(hass, form, {"policy": rules})
        assert result["type"] is FlowResultType.ABORT
        await hass.async_block_till_done()
        assert setup_integration.subentries[AGENT_ID].data["pin"] == "4711"
    form = await setup_integration.start_subentry_reconfigure_flow(hass, AGENT_ID)
    await submit(hass, form, {"policy": {"pin": "1234"}})
    assert setup_integration.subentries[AGENT_ID].data["pin"] == "1234"


async def test_harmless_and_dangerous_actions_are_offered_apart(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    async def nothing(call: object) -> None:
        """Do nothing."""

    for domain, name in (("lock", "unlock"), ("light", "turn_on"), ("light", "reload"), ("rtvoice", "start")):
        hass.services.async_register(domain, name, nothing)
    form = await add(hass, mock_entry)
    fields = form["data_schema"].schema["tools"].schema.schema
    harmless, dangerous = (fields[key].config["options"] for key in ("actions", "dangerous_actions"))
    assert "light.turn_on" in harmless
    assert {"lock.unlock", "light.reload", "homeassistant.restart"} <= set(dangerous)
    assert not {"lock.unlock", "rtvoice.start"} & set(harmless)
