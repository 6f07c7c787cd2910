"""The rules of an agent in its form."""

from typing import Any

import pytest
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_PROVIDER,
    CONF_TRANSCRIPTION_DEPLOYMENT,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_OPENAI,
)

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


@pytest.mark.parametrize(
    ("rules", "warned"),
    [
        ({}, True),
        ({"sensitive_permission": "pin", "pin": "4711"}, True),
        ({"sensitive_permission": "deny"}, False),
        ({"sensitive_permission": "allow", "quiet_permission": "confirm"}, False),
        (
            {
                "sensitive_permission": "allow",
                "quiet_start": "22:00:00",
                "quiet_end": "06:00:00",
                "quiet_permission": "confirm",
            },
            True,
        ),
    ],
)
async def test_leave_that_nobody_can_give_is_told(
    hass: HomeAssistant, mock_entry: MockConfigEntry, rules: dict[str, Any], warned: bool
) -> None:
    unwritten = {"listening": {"transcription_model": ""}, "policy": rules}
    result = await submit(hass, await add(hass, mock_entry), unwritten)
    if warned:
        assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "unheard")
        assert result["menu_options"] == ["init", "save"]
        form = await submit(hass, result, {"next_step_id": "init"})
        assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "init")
        result = await submit(hass, await submit(hass, form, unwritten), {"next_step_id": "save"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "transcription_model" not in result["data"]


async def test_azure_needs_a_deployment_to_know_a_yes(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    account = {CONF_PROVIDER: PROVIDER_AZURE_OPENAI, "resource": "http://127.0.0.1:9", "deployment": "my-voice"}
    hass.config_entries.async_update_entry(mock_entry, data={**account, CONF_API_KEY: "key"})
    result = await submit(hass, await add(hass, mock_entry), {})
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "unheard")
    hass.config_entries.async_update_entry(
        mock_entry, data={**mock_entry.data, CONF_TRANSCRIPTION_DEPLOYMENT: "my-ears"}
    )
    result = await submit(hass, await add(hass, mock_entry), {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_model_that_retires_is_told_as_well(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, CONF_PROVIDER: PROVIDER_OPENAI})
    old = {"model": "gpt-realtime", "speaking": {}, "listening": {"transcription_model": ""}}
    result = await submit(hass, await add(hass, mock_entry), old)
    assert (result["step_id"], result["menu_options"]) == ("unheard", ["init", "retiring"])
    result = await submit(hass, result, {"next_step_id": "retiring"})
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "retiring")
    result = await submit(hass, result, {"next_step_id": "save"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


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
    await hass.async_block_till_done()
    assert setup_integration.subentries[AGENT_ID].data["pin"] == "1234"


async def test_a_pin_is_taken_away(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    entry = setup_integration
    form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    assert "remove_pin" not in form["data_schema"].schema["policy"].schema.schema
    await submit(hass, form, {"policy": {"pin": "4711", "sensitive_permission": "pin"}})
    await hass.async_block_till_done()
    form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    form = await submit(hass, form, {"policy": {"remove_pin": True, "sensitive_permission": "pin"}})
    assert form["errors"] == {"pin": "pin_missing"}
    # What was ticked stays ticked, and nothing is lost before it is saved.
    assert suggested(form)["policy"]["remove_pin"] is True
    assert "4711" not in str(suggested(form))
    assert entry.subentries[AGENT_ID].data["pin"] == "4711"
    result = await submit(hass, form, {"policy": {"remove_pin": True, "sensitive_permission": "confirm"}})
    assert result["type"] is FlowResultType.ABORT
    await hass.async_block_till_done()
    assert not {"pin", "remove_pin"} & set(entry.subentries[AGENT_ID].data)
    form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    assert "remove_pin" not in form["data_schema"].schema["policy"].schema.schema


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
