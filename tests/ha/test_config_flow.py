"""Adding, renewing and changing an account, against a real server on loopback."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_API_KEY, CONF_LLM_HASS_API
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_DIALECT,
    CONF_INSTRUCTIONS,
    CONF_KIND,
    CONF_MODEL,
    CONF_PROVIDER,
    CONF_VOICE,
    DEFAULT_AGENT_NAME,
    DEFAULT_SATELLITE_NAME,
    DOMAIN,
    KIND_LOCAL,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_COMPATIBLE,
    PROVIDER_OPENAI,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from simulator import Simulator

from .conftest import AGENT_ID, API_KEY


class ListlessServer(Simulator):
    """A server that keeps no list of its models."""

    async def _list_models(self, request: web.Request) -> web.Response:
        return web.Response(status=404)


async def open_form(hass: HomeAssistant, provider: str) -> ConfigFlowResult:
    """Choose a provider in the menu."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == [PROVIDER_OPENAI, PROVIDER_AZURE_OPENAI, PROVIDER_COMPATIBLE]
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": provider})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, provider, {})
    return form


async def submit(hass: HomeAssistant, form: ConfigFlowResult, user_input: dict[str, Any]) -> ConfigFlowResult:
    """Fill a form in, and wait for what follows from it."""
    result = await hass.config_entries.flow.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


def compatible(simulator: Simulator, key: str | None = API_KEY) -> dict[str, Any]:
    """The form of another server, filled in."""
    return {CONF_BASE_URL: simulator.base_url, **({CONF_API_KEY: key} if key else {})}


def openai_at(simulator: Simulator, key: str = API_KEY) -> dict[str, Any]:
    """The form of OpenAI, filled in with the address of the simulator."""
    return {CONF_API_KEY: key, "advanced": {CONF_BASE_URL: simulator.base_url}}


async def unload(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Leave nothing of an entry behind."""
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_key_and_submit_is_enough(hass: HomeAssistant, simulator: Simulator) -> None:
    form = await open_form(hass, PROVIDER_OPENAI)
    result = await submit(hass, form, openai_at(simulator, f"  {API_KEY}\n"))

    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "OpenAI")
    entry = result["result"]
    assert dict(entry.data) == {
        CONF_PROVIDER: PROVIDER_OPENAI,
        CONF_API_KEY: API_KEY,
        CONF_BASE_URL: simulator.base_url,
    }
    assert entry.unique_id
    assert API_KEY not in entry.unique_id
    [agent] = entry.get_subentries_of_type(SUBENTRY_AGENT)
    assert agent.title == DEFAULT_AGENT_NAME
    assert agent.data[CONF_MODEL] == "gpt-realtime-2.1-mini"
    assert agent.data[CONF_LLM_HASS_API] == ["assist"]
    assert agent.data[CONF_VOICE] == "marin"
    assert agent.data[CONF_INSTRUCTIONS]
    assert entry.get_subentries_of_type(SUBENTRY_SATELLITE) == []
    assert [request["path"] for request in simulator.requests[:2]] == ["/v1/models", "/v1/realtime"]
    await unload(hass, entry)


async def test_a_satellite_comes_with_a_sound_card(hass: HomeAssistant, simulator: Simulator, sound_card: None) -> None:
    result = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(simulator))

    [satellite] = result["result"].get_subentries_of_type(SUBENTRY_SATELLITE)
    assert satellite.title == DEFAULT_SATELLITE_NAME
    assert dict(satellite.data) == {CONF_KIND: KIND_LOCAL}
    await unload(hass, result["result"])


async def test_other_servers_need_an_address_only(hass: HomeAssistant, simulator: Simulator) -> None:
    simulator.api_key = None
    form = await open_form(hass, PROVIDER_COMPATIBLE)
    result = await submit(hass, form, {CONF_BASE_URL: f"{simulator.base_url}/"})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert f"http://{result['title']}/v1" == simulator.base_url
    assert dict(result["result"].data) == {
        CONF_PROVIDER: PROVIDER_COMPATIBLE,
        CONF_BASE_URL: simulator.base_url,
        CONF_DIALECT: "auto",
    }
    [agent] = result["result"].get_subentries_of_type(SUBENTRY_AGENT)
    assert CONF_VOICE not in agent.data
    await unload(hass, result["result"])


@pytest.mark.parametrize("provider", [PROVIDER_OPENAI, PROVIDER_COMPATIBLE])
@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ({"refusal": "invalid_api_key"}, "invalid_auth"),
        ({"refusal": "insufficient_permissions"}, "invalid_auth"),
        ({"refusal": "insufficient_quota"}, "quota_exceeded"),
        ({"refusal": "credit_balance_exhausted"}, "quota_exceeded"),
        ({"refusal": "server_error"}, "cannot_connect"),
        ({"handshake_status": 503}, "cannot_connect"),
    ],
)
async def test_an_error_is_shown_and_the_form_can_be_sent_again(
    hass: HomeAssistant, simulator: Simulator, provider: str, trouble: dict[str, Any], error: str
) -> None:
    filled = openai_at(simulator) if provider == PROVIDER_OPENAI else compatible(simulator)
    for name, value in trouble.items():
        setattr(simulator.behaviour, name, value)
    form = await submit(hass, await open_form(hass, provider), filled)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, provider, {"base": error})

    for name in trouble:
        setattr(simulator.behaviour, name, None)
    result = await submit(hass, form, filled)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await unload(hass, result["result"])


@pytest.mark.parametrize(
    ("status", "error"),
    [(302, "cannot_connect"), (401, "invalid_auth"), (429, "rate_limited"), (500, "cannot_connect")],
)
async def test_what_a_gateway_answers_is_told(
    hass: HomeAssistant, socket_enabled: None, aiohttp_server: Callable[..., Any], status: int, error: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text="<h1>No</h1>")

    gateway = web.Application()
    gateway.router.add_route("*", "/{path:.*}", answer)
    server = await aiohttp_server(gateway)
    form = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), {CONF_BASE_URL: str(server.make_url("/v1"))})
    assert form["errors"] == {"base": error}


async def test_a_wrong_key_is_told(hass: HomeAssistant, simulator: Simulator) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(simulator, "sk-wrong"))
    assert form["errors"] == {"base": "invalid_auth"}


async def test_what_cannot_be_a_key_is_refused_without_asking(hass: HomeAssistant) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_OPENAI), {CONF_API_KEY: "ключ"})
    assert form["errors"] == {"base": "invalid_auth"}


async def test_an_empty_key_is_refused_without_asking(hass: HomeAssistant) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_OPENAI), {CONF_API_KEY: "  "})
    assert form["errors"] == {"base": "key_required"}


async def test_an_account_without_realtime_models_is_refused(hass: HomeAssistant, simulator: Simulator) -> None:
    simulator.models = ("gpt-4o", "gpt-realtime-whisper")
    form = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(simulator))
    assert form["errors"] == {"base": "no_realtime_model"}


async def test_a_gateway_need_not_list_the_models_of_openai(hass: HomeAssistant, socket_enabled: None) -> None:
    async with ListlessServer(api_key=API_KEY, models=("gpt-realtime-2.1",)) as gateway:
        result = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(gateway))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        [agent] = result["result"].get_subentries_of_type(SUBENTRY_AGENT)
        assert agent.data[CONF_MODEL] == "gpt-realtime-2.1"
        await unload(hass, result["result"])


async def test_an_account_whose_models_are_all_refused_is_refused(hass: HomeAssistant, simulator: Simulator) -> None:
    # The list is only the server's word; the handshake is the truth.
    simulator.behaviour.refusal = "model_not_found"
    form = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(simulator))
    assert form["errors"] == {"base": "no_realtime_model"}
    tried = [request["query"]["model"] for request in simulator.requests if request["path"] == "/v1/realtime"]
    assert tried == ["gpt-realtime-2.1-mini", "gpt-realtime-2.1", "gpt-realtime-2"]


@pytest.mark.parametrize("address", ["", " "])
async def test_an_address_is_needed(hass: HomeAssistant, address: str) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), {CONF_BASE_URL: address})
    assert form["errors"] == {CONF_BASE_URL: "field_required"}


@pytest.mark.parametrize("address", ["nonsense", "ftp://server/v1", "http://", "http://user:word@server/v1"])
async def test_what_is_no_address_is_told(hass: HomeAssistant, address: str) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), {CONF_BASE_URL: address})
    assert form["errors"] == {"base": "invalid_url"}


async def test_an_unreachable_server_is_told(hass: HomeAssistant, simulator: Simulator) -> None:
    form = await open_form(hass, PROVIDER_COMPATIBLE)
    await simulator.stop()
    form = await submit(hass, form, compatible(simulator))
    assert form["errors"] == {"base": "cannot_connect"}


async def test_an_unexpected_error_is_told_and_logged(
    hass: HomeAssistant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("out of luck")

    form = await open_form(hass, PROVIDER_COMPATIBLE)
    with monkeypatch.context() as patched:
        patched.setattr(aiohttp.ClientSession, "get", broken)
        form = await submit(hass, form, compatible(simulator))
    assert form["errors"] == {"base": "unknown"}
    assert "out of luck" in caplog.text
    assert API_KEY not in caplog.text


async def test_the_model_is_asked_for_where_none_looks_realtime(hass: HomeAssistant, simulator: Simulator) -> None:
    simulator.models = ("whisper-large", "house-voice")
    form = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), compatible(simulator))
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "model", {})
    [model] = form["data_schema"].schema.values()
    assert model.config["options"] == ["whisper-large", "house-voice"]

    form = await submit(hass, form, {CONF_MODEL: "no-such-model"})
    assert (form["step_id"], form["errors"]) == ("model", {"base": "no_realtime_model"})

    simulator.behaviour.refusal = "insufficient_quota"
    form = await submit(hass, form, {CONF_MODEL: "house-voice"})
    assert (form["step_id"], form["errors"]) == ("model", {"base": "quota_exceeded"})

    simulator.behaviour.refusal = None
    result = await submit(hass, form, {CONF_MODEL: " house-voice "})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    [agent] = result["result"].get_subentries_of_type(SUBENTRY_AGENT)
    assert agent.data[CONF_MODEL] == "house-voice"
    await unload(hass, result["result"])


async def test_a_typed_model_is_not_replaced_by_a_listed_one(hass: HomeAssistant, simulator: Simulator) -> None:
    form = await open_form(hass, PROVIDER_COMPATIBLE)
    simulator.behaviour.refusal = "model_not_found"
    form = await submit(hass, form, compatible(simulator))
    assert form["step_id"] == "model"

    simulator.behaviour.refusal = None
    form = await submit(hass, form, {CONF_MODEL: "no-such-model"})
    assert form["errors"] == {"base": "no_realtime_model"}


async def test_the_same_account_is_not_added_twice(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    result = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), compatible(simulator))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert simulator.requests == []


async def test_an_account_added_meanwhile_is_not_added_twice(hass: HomeAssistant, simulator: Simulator) -> None:
    simulator.models = ("house-voice",)
    first = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), compatible(simulator))
    second = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), compatible(simulator))
    result = await submit(hass, first, {CONF_MODEL: "house-voice"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert second["flow_id"] not in [flow["flow_id"] for flow in hass.config_entries.flow.async_progress()]
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1
    await unload(hass, result["result"])


async def test_a_new_key_replaces_a_refused_one(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    simulator.api_key = "sk-new"
    before = mock_entry.unique_id
    form = await mock_entry.start_reauth_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reauth_confirm")

    form = await submit(hass, form, {CONF_API_KEY: "sk-wrong"})
    assert (form["step_id"], form["errors"]) == ("reauth_confirm", {"base": "invalid_auth"})
    assert mock_entry.data[CONF_API_KEY] == API_KEY

    result = await submit(hass, form, {CONF_API_KEY: " sk-new "})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert mock_entry.data[CONF_API_KEY] == "sk-new"
    assert mock_entry.unique_id != before
    assert AGENT_ID in mock_entry.subentries
    await unload(hass, mock_entry)


async def test_a_key_works_although_the_agents_model_is_gone(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    simulator.models = ("gpt-realtime-2",)
    result = await submit(hass, await mock_entry.start_reauth_flow(hass), {CONF_API_KEY: API_KEY})
    assert result["reason"] == "reauth_successful"
    await unload(hass, mock_entry)


async def test_the_key_stays_where_none_is_given(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    form = await mock_entry.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure")
    suggested = {str(key): key.description for key in form["data_schema"].schema}
    assert suggested[CONF_BASE_URL] == {"suggested_value": simulator.base_url}
    assert suggested[CONF_API_KEY] is None

    result = await submit(hass, form, {CONF_BASE_URL: simulator.base_url, CONF_DIALECT: "ga"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert mock_entry.data[CONF_API_KEY] == API_KEY
    assert mock_entry.data[CONF_DIALECT] == "ga"
    await unload(hass, mock_entry)


async def test_a_key_is_taken_away_where_none_is_needed(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    changes = {CONF_BASE_URL: simulator.base_url, CONF_DIALECT: "ga", "remove_api_key": True}
    form = await submit(hass, await mock_entry.start_reconfigure_flow(hass), changes)
    assert (form["step_id"], form["errors"]) == ("reconfigure", {"base": "invalid_auth"})
    assert mock_entry.data[CONF_API_KEY] == API_KEY
    simulator.api_key = None
    result = await submit(hass, form, changes)
    assert result["reason"] == "reconfigure_successful"
    assert not {CONF_API_KEY, "remove_api_key"} & set(mock_entry.data)
    form = await mock_entry.start_reconfigure_flow(hass)
    assert "remove_api_key" not in form["data_schema"].schema
    await unload(hass, mock_entry)


async def test_a_key_never_moves_to_another_address(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    async with Simulator(api_key="sk-other") as other:
        form = await mock_entry.start_reconfigure_flow(hass)
        form = await submit(hass, form, {CONF_BASE_URL: other.base_url, CONF_DIALECT: "auto"})
        assert (form["step_id"], form["errors"]) == ("reconfigure", {"base": "invalid_auth"})
        assert all("Authorization" not in request["headers"] for request in other.requests)

        result = await submit(
            hass, form, {CONF_BASE_URL: other.base_url, CONF_API_KEY: "sk-other", CONF_DIALECT: "auto"}
        )
        assert result["reason"] == "reconfigure_successful"
        assert mock_entry.data[CONF_BASE_URL] == other.base_url
        await unload(hass, mock_entry)


async def test_openai_needs_its_key_again_at_another_address(hass: HomeAssistant, simulator: Simulator) -> None:
    created = await submit(hass, await open_form(hass, PROVIDER_OPENAI), openai_at(simulator))
    entry = created["result"]
    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    form = await submit(hass, form, {})
    assert (form["step_id"], form["errors"]) == ("reconfigure", {"base": "key_required"})

    result = await submit(hass, form, {CONF_BASE_URL: simulator.base_url})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_API_KEY] == API_KEY
    await unload(hass, entry)


async def test_an_account_cannot_become_another_one(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    simulator.api_key = None
    created = await submit(hass, await open_form(hass, PROVIDER_COMPATIBLE), compatible(simulator, "sk-second"))
    assert created["type"] is FlowResultType.CREATE_ENTRY
    result = await submit(hass, await mock_entry.start_reconfigure_flow(hass), compatible(simulator, "sk-second"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert mock_entry.data[CONF_API_KEY] == API_KEY
    await unload(hass, created["result"])
