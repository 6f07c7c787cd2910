"""Adding and changing a deployment at Azure OpenAI, against a real server on loopback."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_DEPLOYMENT,
    CONF_DIALECT,
    CONF_MODEL,
    CONF_PROVIDER,
    CONF_RESOURCE,
    CONF_TRANSCRIPTION_DEPLOYMENT,
    DOMAIN,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_COMPATIBLE,
    SUBENTRY_AGENT,
)
from simulator import ScriptedBrain, Simulator

from .conftest import API_KEY
from .test_config_flow import compatible, open_form, submit, unload

KEY = "0123456789abcdef0123456789abcdef"
DEPLOYMENT = "my-voice"


class Azure(Simulator):
    """The simulator where Azure has it: another path, another header for the key, and no list of deployments."""

    resource = ""

    async def realtime(self, request: web.Request) -> web.StreamResponse:
        """Open a session."""
        if request.headers.get("api-key") != KEY:
            return web.json_response({"error": {"code": "401", "message": "Access denied"}}, status=401)
        if request.query["model"] != DEPLOYMENT:
            return web.json_response({"error": {"code": "DeploymentNotFound", "message": "No such"}}, status=404)
        return await self._realtime(request)

    async def list(self, request: web.Request) -> web.Response:
        """The models of the region, whether they are deployed or not."""
        if request.headers.get("api-key") != KEY:
            return web.json_response({"error": {"code": "401", "message": "Access denied"}}, status=401)
        return web.json_response({"data": [{"id": "gpt-realtime-2.1", "object": "model"}]})


@pytest.fixture
async def azure(socket_enabled: None, brain: ScriptedBrain) -> AsyncGenerator[Azure]:
    """A resource at Azure."""
    async with Azure(brain, models=(DEPLOYMENT,)) as simulator:
        app = web.Application()
        app.router.add_get("/openai/v1/realtime", simulator.realtime)
        app.router.add_get("/openai/v1/models", simulator.list)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        simulator.resource = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield simulator
        await runner.cleanup()


def filled(azure: Azure, **changes: str) -> dict[str, Any]:
    """The form, filled in."""
    return {CONF_RESOURCE: azure.resource, CONF_DEPLOYMENT: DEPLOYMENT, CONF_API_KEY: KEY} | changes


async def add(hass: HomeAssistant, azure: Azure) -> ConfigFlowResult:
    """Add the deployment."""
    return await submit(hass, await open_form(hass, PROVIDER_AZURE_OPENAI), filled(azure))


async def test_a_deployment_is_tested_by_a_session(hass: HomeAssistant, azure: Azure) -> None:
    form = await open_form(hass, PROVIDER_AZURE_OPENAI)
    result = await submit(hass, form, filled(azure, deployment=f" {DEPLOYMENT} "))
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Azure OpenAI (my-voice)")
    entry = result["result"]
    assert dict(entry.data) == {
        CONF_PROVIDER: PROVIDER_AZURE_OPENAI,
        CONF_RESOURCE: azure.resource,
        CONF_DEPLOYMENT: DEPLOYMENT,
        CONF_API_KEY: KEY,
    }
    assert [session.session.violations for session in azure.connections] == [[]]
    [agent] = entry.get_subentries_of_type(SUBENTRY_AGENT)
    assert agent.data[CONF_MODEL] == DEPLOYMENT
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_AGENT), context={"source": SOURCE_USER}
    )
    assert form["data_schema"].schema[CONF_MODEL].config["options"] == [DEPLOYMENT]
    await unload(hass, entry)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({CONF_DEPLOYMENT: "another"}, {"base": "no_realtime_model"}),
        ({CONF_API_KEY: "f" * 32}, {"base": "invalid_auth"}),
        ({CONF_API_KEY: " "}, {"base": "key_required"}),
        ({CONF_DEPLOYMENT: " "}, {CONF_DEPLOYMENT: "field_required"}),
        ({CONF_RESOURCE: "my resource"}, {"base": "invalid_resource"}),
        ({CONF_RESOURCE: "server.example.com"}, {"base": "invalid_resource"}),
    ],
)
async def test_what_is_wrong_is_told(
    hass: HomeAssistant, azure: Azure, changes: dict[str, str], errors: dict[str, str]
) -> None:
    form = await submit(hass, await open_form(hass, PROVIDER_AZURE_OPENAI), filled(azure, **changes))
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, PROVIDER_AZURE_OPENAI)
    assert form["errors"] == errors
    placeholders = form["description_placeholders"]
    assert placeholders is not None
    assert placeholders["example_resource"].startswith("https://")


async def test_each_deployment_is_an_account(hass: HomeAssistant, azure: Azure) -> None:
    first = await add(hass, azure)
    again = await add(hass, azure)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")
    other = filled(azure, deployment="other")
    form = await submit(hass, await open_form(hass, PROVIDER_AZURE_OPENAI), other)
    assert form["errors"] == {"base": "no_realtime_model"}
    await unload(hass, first["result"])


async def test_a_new_key_and_another_deployment(hass: HomeAssistant, azure: Azure) -> None:
    entry = (await add(hass, azure))["result"]
    reauth = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reauth", "entry_id": entry.entry_id}, data=entry.data
    )
    form = await submit(hass, reauth, {CONF_API_KEY: "f" * 32})
    assert form["errors"] == {"base": "invalid_auth"}
    result = await submit(hass, form, {CONF_API_KEY: KEY})
    assert result["reason"] == "reauth_successful"

    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    fields = [CONF_RESOURCE, CONF_DEPLOYMENT, CONF_TRANSCRIPTION_DEPLOYMENT, CONF_API_KEY]
    assert [str(key) for key in form["data_schema"].schema] == fields
    form = await submit(hass, form, {CONF_RESOURCE: azure.resource, CONF_DEPLOYMENT: "another"})
    assert form["errors"] == {"base": "no_realtime_model"}
    form = await submit(hass, form, {CONF_RESOURCE: "another-resource", CONF_DEPLOYMENT: DEPLOYMENT})
    # A key never moves to another address.
    assert form["errors"] == {"base": "key_required"}
    result = await submit(hass, form, {CONF_RESOURCE: f"{azure.resource}/", CONF_DEPLOYMENT: DEPLOYMENT})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_API_KEY] == KEY
    await unload(hass, entry)


async def test_what_writes_down_is_a_deployment_too(hass: HomeAssistant, azure: Azure) -> None:
    form = await open_form(hass, PROVIDER_AZURE_OPENAI)
    form = await submit(hass, form, filled(azure, transcription_deployment="my-ears"))
    assert form["errors"] == {"base": "transcription_refused"}
    result = await submit(hass, form, filled(azure, transcription_deployment=" whisper-1 "))
    entry = result["result"]
    assert entry.data[CONF_TRANSCRIPTION_DEPLOYMENT] == "whisper-1"
    sent = [event["session"]["audio"]["input"] for event in azure.client_events if event["type"] == "session.update"]
    assert [heard["transcription"] for heard in sent] == [None, {"model": "my-ears"}, None, {"model": "whisper-1"}]

    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    changes = {CONF_RESOURCE: azure.resource, CONF_DEPLOYMENT: DEPLOYMENT}
    form = await submit(hass, form, changes | {CONF_TRANSCRIPTION_DEPLOYMENT: "my-ears"})
    assert form["errors"] == {"base": "transcription_refused"}
    result = await submit(hass, form, changes)
    assert result["reason"] == "reconfigure_successful"
    assert CONF_TRANSCRIPTION_DEPLOYMENT not in entry.data
    await unload(hass, entry)


@pytest.mark.parametrize("dialect", ["beta", "xai"])
async def test_other_servers_may_speak_another_dialect(hass: HomeAssistant, socket_enabled: None, dialect: str) -> None:
    # The simulator speaks OpenAI's present dialect only: what is sent to it is wrong there, and it says so.
    async with Simulator(api_key=API_KEY) as server:
        form = await open_form(hass, PROVIDER_COMPATIBLE)
        form = await submit(hass, form, compatible(server) | {CONF_DIALECT: dialect})
        assert form["type"] is FlowResultType.FORM
        assert form["step_id"] in {PROVIDER_COMPATIBLE, "model"}
        sent = [event for event in server.client_events if event["type"] == "session.update"]
        assert sent
        assert all("type" not in event["session"] for event in sent)


async def test_an_entry_of_azure_is_set_up(hass: HomeAssistant, azure: Azure) -> None:
    account = {CONF_PROVIDER: PROVIDER_AZURE_OPENAI, **filled(azure)}
    entry = MockConfigEntry(domain=DOMAIN, title="Azure", data=account)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await unload(hass, entry)
