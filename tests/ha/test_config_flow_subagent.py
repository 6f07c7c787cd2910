"""Adding and changing a subagent, and choosing what agents have, against a real chat server."""

from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry, SubentryFlowResult
from homeassistant.const import CONF_API_KEY, CONF_DESCRIPTION, CONF_LLM_HASS_API, CONF_NAME, CONF_TIMEOUT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_FIRE_AND_FORGET,
    CONF_HOLDING,
    CONF_INSTRUCTIONS,
    CONF_MAX_ITERATIONS,
    CONF_MCP_SERVERS,
    CONF_MODEL,
    CONF_PROVIDER,
    CONF_READ_STATES,
    CONF_SUBAGENTS,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
    SUBENTRY_MCP_SERVER,
    SUBENTRY_SUBAGENT,
)
from tests.engine.mcp.rig import free_port
from tests.engine.subagents.conftest import ChatServer, completion, fault

from .conftest import AGENT_ID, API_KEY

COOK = {CONF_NAME: " Cook ", CONF_DESCRIPTION: "Plans meals.", CONF_MODEL: "tiny"}


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Open the form of a new subagent."""
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_SUBAGENT), context={"source": SOURCE_USER}
    )
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {})
    return form


async def submit(hass: HomeAssistant, form: SubentryFlowResult, user_input: dict[str, Any]) -> SubentryFlowResult:
    """Fill the form in."""
    return await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)


async def add(hass: HomeAssistant, entry: MockConfigEntry, chat: ChatServer, name: str = "Cook") -> ConfigSubentry:
    """A subagent of the account that is set up."""
    chat.script.append(completion("Ready."))
    form = await begin(hass, entry)
    filled = {**COOK, CONF_NAME: name, "endpoint": {CONF_BASE_URL: chat.url, CONF_API_KEY: "sk-cook"}}
    result = await submit(hass, form, filled)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    return list(entry.get_subentries_of_type(SUBENTRY_SUBAGENT))[-1]


def become_openai(hass: HomeAssistant, entry: MockConfigEntry, base_url: str) -> None:
    """Make the account one at OpenAI, somewhere else."""
    account = {CONF_PROVIDER: PROVIDER_OPENAI, CONF_API_KEY: API_KEY, CONF_BASE_URL: base_url}
    hass.config_entries.async_update_entry(entry, data=account)


async def test_the_chat_model_is_asked_before_a_subagent_is_saved(
    hass: HomeAssistant, mock_entry: MockConfigEntry, chat_server: ChatServer
) -> None:
    chat_server.script.append(completion("Ready."))
    form = await begin(hass, mock_entry)
    filled = {
        **COOK,
        CONF_INSTRUCTIONS: "You cook for {{ 2 }}.",
        CONF_LLM_HASS_API: ["assist"],
        "endpoint": {CONF_BASE_URL: f" {chat_server.url} ", CONF_API_KEY: " sk-cook "},
        "advanced": {CONF_HOLDING: "Hum.", CONF_FIRE_AND_FORGET: True, CONF_MAX_ITERATIONS: 4.0, CONF_TIMEOUT: 60},
    }
    result = await submit(hass, form, filled)
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Cook")
    assert result["data"] == {
        CONF_DESCRIPTION: "Plans meals.",
        CONF_INSTRUCTIONS: "You cook for {{ 2 }}.",
        CONF_MODEL: "tiny",
        CONF_LLM_HASS_API: ["assist"],
        CONF_BASE_URL: chat_server.url,
        CONF_API_KEY: "sk-cook",
        CONF_HOLDING: "Hum.",
        CONF_FIRE_AND_FORGET: True,
        CONF_MAX_ITERATIONS: 4,
        CONF_TIMEOUT: 60,
    }
    (body,) = chat_server.bodies
    assert (body["model"], body["tools"][0]["function"]["name"]) == ("tiny", "ready")
    assert chat_server.headers[0]["Authorization"] == "Bearer sk-cook"


async def test_an_account_at_openai_lends_its_address_and_its_key(
    hass: HomeAssistant, mock_entry: MockConfigEntry, chat_server: ChatServer
) -> None:
    become_openai(hass, mock_entry, chat_server.url.replace("http://", "ws://"))
    chat_server.script.append(completion("Ready."))
    result = await submit(hass, await begin(hass, mock_entry), COOK)
    assert result["data"] == {CONF_DESCRIPTION: "Plans meals.", CONF_MODEL: "tiny"}
    assert chat_server.headers[0]["Authorization"] == f"Bearer {API_KEY}"


async def test_the_accounts_key_goes_to_no_other_server(
    hass: HomeAssistant, mock_entry: MockConfigEntry, chat_server: ChatServer
) -> None:
    become_openai(hass, mock_entry, "http://127.0.0.1:1/v1")
    chat_server.script.append(completion("Ready."))
    await submit(hass, await begin(hass, mock_entry), {**COOK, "endpoint": {CONF_BASE_URL: chat_server.url}})
    assert API_KEY not in str(chat_server.headers)


async def test_other_accounts_have_no_chat_models(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await submit(hass, await begin(hass, mock_entry), COOK)
    assert form["errors"] == {"base": "address_required"}


@pytest.mark.parametrize("missing", [CONF_NAME, CONF_DESCRIPTION, CONF_MODEL])
async def test_what_is_needed_must_be_filled_in(hass: HomeAssistant, mock_entry: MockConfigEntry, missing: str) -> None:
    form = await submit(hass, await begin(hass, mock_entry), {**COOK, missing: " "})
    assert form["errors"] == {missing: "field_required"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (fault(401), "invalid_auth"),
        (fault(429, "insufficient_quota"), "quota_exceeded"),
        (fault(429), "rate_limited"),
        (fault(404, "model_not_found"), "model_refused"),
        (fault(400), "model_refused"),
        (fault(500), "cannot_connect"),
        ({"hello": "world"}, "cannot_connect"),
    ],
)
async def test_a_chat_model_that_does_not_answer_is_not_saved(
    hass: HomeAssistant, mock_entry: MockConfigEntry, chat_server: ChatServer, answer: Any, error: str
) -> None:
    chat_server.script.append(answer)
    form = await begin(hass, mock_entry)
    form = await submit(hass, form, {**COOK, "endpoint": {CONF_BASE_URL: chat_server.url, CONF_API_KEY: "sk-cook"}})
    assert form["errors"] == {"base": error}
    assert "sk-cook" not in str([marker.description for marker in form["data_schema"].schema["endpoint"].schema.schema])


async def test_addresses_that_lead_nowhere(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await begin(hass, mock_entry)
    for address, error in (
        ("homeserver", "invalid_chat_url"),
        (f"http://127.0.0.1:{free_port()}/v1", "cannot_connect"),
    ):
        form = await submit(hass, form, {**COOK, "endpoint": {CONF_BASE_URL: address}})
        assert form["errors"] == {"base": error}


async def test_a_subagent_is_changed_and_its_model_is_asked_only_if_it_is_another(
    hass: HomeAssistant, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    entry = setup_integration
    cook = await add(hass, entry, chat_server)
    form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
    result = await submit(hass, form, {**COOK, CONF_NAME: "Baker", "endpoint": {CONF_BASE_URL: chat_server.url}})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    baker = entry.subentries[cook.subentry_id]
    assert (baker.title, baker.data[CONF_API_KEY]) == ("Baker", "sk-cook")
    assert len(chat_server.bodies) == 1

    form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
    chat_server.script.append(completion("Ready."))
    await submit(hass, form, {**COOK, CONF_MODEL: "large"})
    await hass.async_block_till_done()
    assert entry.subentries[cook.subentry_id].data[CONF_BASE_URL] == chat_server.url
    assert [body["model"] for body in chat_server.bodies] == ["tiny", "large"]


async def test_a_subagent_has_no_servers_but_those_that_were_chosen(
    hass: HomeAssistant, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    entry = setup_integration
    cook = await add(hass, entry, chat_server)
    form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
    assert CONF_MCP_SERVERS not in form["data_schema"].schema
    hass.config_entries.subentries.async_abort(form["flow_id"])
    workshop, library = (
        ConfigSubentry(data=MappingProxyType({}), subentry_type=SUBENTRY_MCP_SERVER, title=title, unique_id=None)
        for title in ("Workshop", "Library")
    )
    for server in (workshop, library):
        hass.config_entries.async_add_subentry(entry, server)
        await hass.async_block_till_done(wait_background_tasks=True)

    for chosen, before in (([workshop.subentry_id], []), ([], [workshop.subentry_id])):
        form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
        (field,) = [field for field in form["data_schema"].schema if field == CONF_MCP_SERVERS]
        assert field.description["suggested_value"] == before
        options = form["data_schema"].schema[field].config["options"]
        assert [option["label"] for option in options] == ["Workshop", "Library"]
        await submit(hass, form, {**COOK, CONF_MCP_SERVERS: chosen})
        await hass.async_block_till_done(wait_background_tasks=True)
        assert entry.subentries[cook.subentry_id].data.get(CONF_MCP_SERVERS, []) == chosen


async def test_a_key_is_taken_away(
    hass: HomeAssistant, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    entry = setup_integration
    form = await begin(hass, entry)
    assert "remove_api_key" not in form["data_schema"].schema["endpoint"].schema.schema
    cook = await add(hass, entry, chat_server)
    form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
    place = {CONF_BASE_URL: chat_server.url, "remove_api_key": True}
    chat_server.script.append(fault(401))
    form = await submit(hass, form, {**COOK, "endpoint": place})
    assert form["errors"] == {"base": "invalid_auth"}
    # What was ticked stays ticked, and nothing is lost before it is saved.
    (tick,) = [key for key in form["data_schema"].schema["endpoint"].schema.schema if key == "remove_api_key"]
    assert tick.description == {"suggested_value": True}
    assert entry.subentries[cook.subentry_id].data[CONF_API_KEY] == "sk-cook"
    chat_server.script.append(completion("Ready."))
    result = await submit(hass, form, {**COOK, "endpoint": place})
    assert result["type"] is FlowResultType.ABORT
    await hass.async_block_till_done()
    assert not {CONF_API_KEY, "remove_api_key"} & set(entry.subentries[cook.subentry_id].data)
    assert [headers.get("Authorization") for headers in chat_server.headers] == ["Bearer sk-cook", None, None]
    form = await entry.start_subentry_reconfigure_flow(hass, cook.subentry_id)
    assert "remove_api_key" not in form["data_schema"].schema["endpoint"].schema.schema


async def test_an_agent_has_all_subagents_or_those_that_were_chosen(
    hass: HomeAssistant, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    entry = setup_integration
    form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
    tools = form["data_schema"].schema["tools"].schema.schema
    assert not {CONF_MCP_SERVERS, CONF_SUBAGENTS} & set(map(str, tools))
    hass.config_entries.subentries.async_abort(form["flow_id"])
    cook = await add(hass, entry, chat_server)
    gardener = await add(hass, entry, chat_server, "Gardener")
    both, ids = [cook.subentry_id, gardener.subentry_id], cook.subentry_id

    for chosen, stored, shown in (([ids], [ids], [ids]), ([], [], []), (both[::-1], None, both)):
        form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
        filled = {CONF_NAME: "Butler", CONF_MODEL: entry.subentries[AGENT_ID].data[CONF_MODEL]}
        await submit(hass, form, {**filled, "tools": {CONF_READ_STATES: True, CONF_SUBAGENTS: chosen}})
        await hass.async_block_till_done()
        assert entry.subentries[AGENT_ID].data.get(CONF_SUBAGENTS) == stored
        form = await entry.start_subentry_reconfigure_flow(hass, AGENT_ID)
        fields = form["data_schema"].schema["tools"].schema.schema
        (field,) = [field for field in fields if field == CONF_SUBAGENTS]
        assert field.description["suggested_value"] == shown
        assert fields[field].config["options"] == [
            {"value": cook.subentry_id, "label": "Cook"},
            {"value": gardener.subentry_id, "label": "Gardener"},
        ]
        hass.config_entries.subentries.async_abort(form["flow_id"])
    assert [agent.title for agent in entry.get_subentries_of_type(SUBENTRY_AGENT)] == ["Butler"]
