"""A server that redirects: keys go to nobody but the server that they were entered for."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from homeassistant.const import CONF_HEADERS, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_AUTHORIZATION,
    CONF_BASE_URL,
    CONF_TRANSPORT,
    DOMAIN,
    SUBENTRY_MCP_SERVER,
)
from simulator import Call, Plan, Say, ScriptedBrain
from tests.engine.mcp.test_http import answering
from tests.engine.subagents.conftest import ChatServer
from tests.ha.conftest import API_KEY
from tests.ha.house import SATELLITE, loaded
from tests.ha.test_conversation import converse
from tests.ha.test_equipment import add, add_cook, outputs

SECRET = "sk-not-for-strangers"


@dataclass
class Elsewhere:
    """Whom a server redirects to."""

    url: str = ""
    requests: list[web.BaseRequest] = field(default_factory=list)

    @property
    def places(self) -> tuple[str, ...]:
        """Where a server might want to lead."""
        return (f"{self.url}/v1/models", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "//[::1]:1/")


@pytest.fixture
async def elsewhere(socket_enabled: None) -> AsyncIterator[Elsewhere]:
    """A stranger that notes who comes."""
    stranger = Elsewhere()

    async def note(request: web.BaseRequest) -> web.Response:
        stranger.requests.append(request)
        return web.json_response({"data": []})

    async with answering(note) as url:
        stranger.url = url
        yield stranger


async def test_an_account_is_not_added_and_not_used_elsewhere(
    hass: HomeAssistant, mock_entry: MockConfigEntry, elsewhere: Elsewhere
) -> None:
    goal = [""]
    listing = True
    keys: set[str] = set()
    redirected: list[str] = []

    async def redirecting(request: web.BaseRequest) -> web.Response:
        keys.add(request.headers["Authorization"])
        if listing and request.path == "/v1/models":
            return web.json_response({"data": [{"id": "gpt-realtime-2.1-mini"}]})
        redirected.append(goal[0])
        return web.Response(status=307, headers={"Location": goal[0]})

    async with answering(redirecting) as url:
        account = {**mock_entry.data, CONF_BASE_URL: url}
        hass.config_entries.async_update_entry(mock_entry, data=account)
        async with loaded(hass, mock_entry):
            for goal[0] in elsewhere.places:
                with pytest.raises(HomeAssistantError):
                    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
        assert set(redirected) == set(elsewhere.places)
        redirected.clear()
        listing = False
        for goal[0] in elsewhere.places:
            assert not await hass.config_entries.async_setup(mock_entry.entry_id)
            await hass.config_entries.async_unload(mock_entry.entry_id)
    assert set(redirected) == set(elsewhere.places)
    assert keys == {f"Bearer {API_KEY}"}
    assert elsewhere.requests == []


async def test_the_key_of_a_subagents_model_stays_with_its_server(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    chat_server: ChatServer,
    elsewhere: Elsewhere,
) -> None:
    await add_cook(hass, setup_integration, chat_server, api_key=SECRET)
    for place in elsewhere.places:
        chat_server.script.append(web.Response(status=307, headers={"Location": place}))
        brain.plans.extend((Plan((Call("Cook", {"task": "Cook"}),)), Plan((Say("Well."),))))
        await converse(hass, "Cook")
        assert json.loads(outputs(brain)[-1])["status"] == "failed"
        assert SECRET not in outputs(brain)[-1]
    # Each was asked for once, and redirected.
    assert chat_server.script == []
    assert len(chat_server.headers) == len(elsewhere.places)
    assert {headers["Authorization"] for headers in chat_server.headers} == {f"Bearer {SECRET}"}
    assert elsewhere.requests == []


async def test_the_key_of_an_mcp_server_stays_with_it(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, elsewhere: Elsewhere
) -> None:
    seen: list[str] = []
    redirected: list[str] = []
    goal = [""]

    async def redirecting(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers["Authorization"])
        redirected.append(goal[0])
        return web.Response(status=307, headers={"Location": goal[0]})

    async with answering(redirecting) as url:
        for number, goal[0] in enumerate(elsewhere.places):
            server = {CONF_TRANSPORT: "auto", CONF_URL: f"{url}/mcp", CONF_AUTHORIZATION: SECRET, CONF_HEADERS: []}
            await add(hass, setup_integration, SUBENTRY_MCP_SERVER, f"Shop{number}", server)
            await converse(hass, "Hello")
        assert set(seen) == {f"Bearer {SECRET}"}
        assert set(redirected) == set(elsewhere.places)
        assert await hass.config_entries.async_unload(setup_integration.entry_id)
    assert elsewhere.requests == []
