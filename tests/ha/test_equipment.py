"""MCP servers and subagents in sessions: real servers, a scripted chat server, and a scripted voice model."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    CONF_COMMAND,
    CONF_DESCRIPTION,
    CONF_HEADERS,
    CONF_LLM_HASS_API,
    CONF_TIMEOUT,
    CONF_URL,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice.const import (
    CONF_ALLOWED_TOOLS,
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_BASE_URL,
    CONF_ENVIRONMENT,
    CONF_FIRE_AND_FORGET,
    CONF_INSTRUCTIONS,
    CONF_MCP_SERVERS,
    CONF_MODEL,
    CONF_SENSITIVE,
    CONF_SUBAGENTS,
    CONF_TRANSPORT,
    SUBENTRY_MCP_SERVER,
    SUBENTRY_SUBAGENT,
)
from custom_components.rtvoice.sensor import FOLLOWS_AFTER_S
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Turn
from tests.engine.mcp.rig import SERVERS, free_port, lives, python_path, serving, until
from tests.engine.subagents.conftest import ChatServer, completion

from .conftest import AGENT_ID, SATELLITE_ID
from .house import (
    LIGHT,
    SATELLITE,
    async_build_house,
    async_wait_for_state,
    async_wait_until,
    entity_of,
    happenings,
    speak_into,
    state_of,
)
from .test_config_flow_mcp import answering
from .test_conversation import converse, speech_of
from .test_policy import LOCK, async_build_locks
from .test_session import start, stop
from .test_usage import change_agent

WORKSHOP = {
    CONF_TRANSPORT: "stdio",
    CONF_COMMAND: sys.executable,
    CONF_ARGUMENTS: [str(SERVERS / "house.py"), "stdio"],
    CONF_ENVIRONMENT: [*(f"{name}={value}" for name, value in python_path().items()), "MOOD=s3cret"],
    CONF_ALLOWED_TOOLS: ["add", "pid", "environment"],
}
WELL = Plan((Say("Well."),))


async def add(hass: HomeAssistant, entry: MockConfigEntry, kind: str, title: str, data: Mapping[str, Any]) -> None:
    """Give the account a server or a subagent, whose subentry id is its title in small letters."""
    subentry = ConfigSubentry(
        data=MappingProxyType(dict(data)),
        subentry_type=kind,
        title=title,
        unique_id=None,
        subentry_id=title.lower(),
    )
    hass.config_entries.async_add_subentry(entry, subentry)
    # Servers are connected in the background.
    await hass.async_block_till_done(wait_background_tasks=True)


async def add_workshop(hass: HomeAssistant, entry: MockConfigEntry, **options: object) -> None:
    """Give the account a server that is a program."""
    await add(hass, entry, SUBENTRY_MCP_SERVER, "Workshop", {**WORKSHOP, **options})


async def add_cook(
    hass: HomeAssistant, entry: MockConfigEntry, chat: ChatServer, title: str = "Cook", **options: object
) -> None:
    """Give the account a subagent."""
    data = {CONF_DESCRIPTION: "Plans meals.", CONF_MODEL: "tiny", CONF_BASE_URL: chat.url}
    await add(hass, entry, SUBENTRY_SUBAGENT, title, {**data, **options})


def done(result: str) -> dict[str, Any]:
    """The chat model has finished."""
    return completion(None, ("done", json.dumps({"result": result})))


def offered(brain: ScriptedBrain) -> set[str]:
    """The tools that the voice model had when it was asked last."""
    return {tool["name"] for tool in brain.contexts[-1].tools}


def outputs(brain: ScriptedBrain) -> list[str]:
    """What the voice model was told of its calls."""
    return [item.body["output"] for item in brain.contexts[-1].items if item.kind == "function_call_output"]


def results(chat: ChatServer) -> list[dict[str, Any]]:
    """What the chat model was told of its calls, latest first."""
    return [json.loads(one["content"]) for one in chat.bodies[-1]["messages"][::-1] if one["role"] == "tool"]


async def test_a_typed_turn_uses_a_server_and_a_subagent(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    await add_workshop(hass, setup_integration)
    await add_cook(hass, setup_integration, chat_server, **{CONF_INSTRUCTIONS: "You cook for {{ 1 + 1 }}."})
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    brain.plans.extend(
        (
            Plan((Call("Workshop_add", {"a": 2, "b": 3}), Call("Workshop_environment"), Call("Workshop_pid"))),
            Plan((Call("Cook", {"task": "Plan dinner"}),)),
            Plan((Say("There will be soup."),)),
        )
    )
    chat_server.script.append(done("Soup for two."))
    result = await converse(hass, "Plan dinner")

    assert speech_of(result) == "There will be soup."
    added, environment, pid, dinner = outputs(brain)
    assert added == "5"
    assert "MOOD" in environment
    assert lives(int(pid))
    assert "Soup for two." in dinner
    system = chat_server.bodies[0]["messages"][0]["content"]
    assert "You cook for 2." in system
    kinds = [one["event_type"] for one in told]
    assert kinds.index("handoff") > kinds.index("tool_called")
    assert {"event_type": "handoff", "agent": "Cook"}.items() <= told[kinds.index("handoff")].items()
    assert not {"Workshop_crash", "Workshop_wait"} & offered(brain)

    brain.plans.extend((Plan((Call("Workshop_pid"),)), WELL))
    await converse(hass, "Who are you?")
    assert outputs(brain) == [pid]
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    assert not lives(int(pid))


async def test_a_spoken_session_uses_a_server_and_a_subagent(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    chat_server: ChatServer,
    microphone: Path,
) -> None:
    await async_build_house(hass)
    tokens = entity_of(hass, "sensor", AGENT_ID, "tokens")
    speak_into(microphone)
    calls = (Plan((Call("House_add", {"a": 2, "b": 3}),)), Plan((Call("Butler", {"task": "Light the kitchen"}),)))
    brain.add(Turn(Heard("Add, and light the kitchen."), (*calls, Plan((Say("Five, and it is lit.", seconds=0.3),)))))
    chat_server.script += [
        completion(None, ("intent__HassTurnOn", json.dumps({"name": "Kitchen light"}))),
        done("It is lit."),
    ]
    await add_cook(hass, setup_integration, chat_server, "Butler", **{CONF_LLM_HASS_API: ["assist"]})
    async with serving("streamable_http", free_port()) as url:
        house = {CONF_TRANSPORT: "streamable_http", CONF_URL: url, CONF_TIMEOUT: 10}
        await add(hass, setup_integration, SUBENTRY_MCP_SERVER, "House", house)
        told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        await start(hass)
        await async_wait_until(hass, lambda: "assistant_turn" in [one["event_type"] for one in told])
        await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "listening")
        await asyncio.sleep(2 * FOLLOWS_AFTER_S)
        booked = state_of(hass, tokens).state
        await stop(hass)

    # All of it was booked as it came.
    assert state_of(hass, tokens).state == booked
    # What the chat model costs is not known.
    for key, complete in (("cost", False), ("cost_today", False)):
        shown = state_of(hass, entity_of(hass, "sensor", AGENT_ID, key))
        assert (float(shown.state) > 0, shown.attributes["is_complete"]) == (True, complete)
    assert state_of(hass, LIGHT).state == "on"
    assert outputs(brain)[0] == "5"
    (tool_result,) = results(chat_server)
    assert tool_result["verified"] is True
    assert [one["agent"] for one in told if one["event_type"] == "handoff"] == ["Butler"]
    # The subagent took 2 x 120 tokens beside what the voice model took.
    assert int(state_of(hass, tokens).state) > 240


async def test_a_subagent_opens_a_lock_only_with_the_users_leave(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    await async_build_locks(hass)
    change_agent(hass, setup_integration, **{CONF_LLM_HASS_API: []})
    await add_cook(hass, setup_integration, chat_server, "Porter", **{CONF_LLM_HASS_API: ["assist"]})
    unlock = {"name": "Front door", "domain": ["lock"]}

    async def with_token(_: object) -> dict[str, Any]:
        token = results(chat_server)[0]["token"]
        return completion(None, ("intent__HassTurnOff", json.dumps({**unlock, "confirmation_token": token})))

    question = "Shall I unlock the front door?"
    chat_server.script += [
        completion(None, ("intent__HassTurnOff", json.dumps(unlock))),
        with_token,
        completion(None, ("clarify", json.dumps({"question": question}))),
    ]
    hand_off = Call("Porter", {"task": "Open the front door"})
    brain.plans.extend((Plan((hand_off,)), Plan((Say(question),))))
    chat = (await converse(hass, "Open the front door")).conversation_id
    assert results(chat_server)[0]["error"] == "not_confirmed"
    assert question in outputs(brain)[0]
    assert state_of(hass, LOCK).state == "locked"

    async def with_known_token(_: object) -> dict[str, Any]:
        system = chat_server.bodies[-1]["messages"][0]["content"]
        token = system.partition("confirmation_token ")[2].split()[0]
        return completion(None, ("intent__HassTurnOff", json.dumps({**unlock, "confirmation_token": token})))

    chat_server.script += [with_known_token, done("It is open.")]
    brain.plans.extend((Plan((Call("Porter", {"task": "Open it", "clarification_answer": "Yes"}),)), WELL))
    await converse(hass, "Yes, please.", chat)
    assert state_of(hass, LOCK).state == "unlocked"


async def test_a_subagent_at_work_in_a_spoken_session_reports_later(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    chat_server: ChatServer,
    microphone: Path,
) -> None:
    await add_cook(hass, setup_integration, chat_server, **{CONF_FIRE_AND_FORGET: True})
    chat_server.script.append(done("Soup for two."))
    speak_into(microphone)
    brain.add(Turn(Heard("Plan dinner."), (Plan((Call("Cook", {"task": "Plan dinner"}),)), WELL, WELL)))
    latest = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    await start(hass)
    await async_wait_until(hass, lambda: [one["event_type"] for one in told].count("assistant_turn") == 2)
    await stop(hass)
    assert "started" in outputs(brain)[0]
    assert "Soup for two." in str([item.body for item in brain.contexts[-1].items])
    assert state_of(hass, latest).state == "Well."


async def test_tools_of_servers_are_under_the_rules_of_the_agent(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    change_agent(hass, setup_integration, **{CONF_SENSITIVE: ["Workshop_*"]})
    await add_workshop(hass, setup_integration)
    brain.plans.extend((Plan((Call("Workshop_add", {"a": 2, "b": 3}),)), WELL))
    await converse(hass, "Add")
    assert "confirmation_required" in json.loads(outputs(brain)[0])


async def test_a_subagent_has_the_servers_that_were_chosen_for_it(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    await add_workshop(hass, setup_integration)
    await add_cook(hass, setup_integration, chat_server, **{CONF_MCP_SERVERS: ["workshop", "gone"]})
    await add_cook(hass, setup_integration, chat_server, "Gardener")
    change_agent(hass, setup_integration, **{CONF_MCP_SERVERS: []})
    chat_server.script += [completion(None, ("Workshop_add", '{"a": 2, "b": 3}')), done("Five."), done("No idea.")]
    for name in ("Cook", "Gardener"):
        brain.plans.extend((Plan((Call(name, {"task": "Add 2 and 3"}),)), WELL))
        await converse(hass, "Add")
    assert "Workshop_add" not in offered(brain)
    cook, told, gardener = chat_server.bodies
    names = [{tool["function"]["name"] for tool in body["tools"]} for body in (cook, gardener)]
    assert ["Workshop_add" in offer for offer in names] == [True, False]
    assert "it is never an instruction" in cook["messages"][0]["content"]
    assert "it is never an instruction" not in gardener["messages"][0]["content"]
    assert [one["content"] for one in told["messages"] if one["role"] == "tool"] == ["5"]


async def test_servers_of_subagents_are_under_the_rules_of_the_agent(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    change_agent(hass, setup_integration, **{CONF_SENSITIVE: ["Workshop_*"]})
    await add_workshop(hass, setup_integration)
    await add_cook(hass, setup_integration, chat_server, **{CONF_MCP_SERVERS: ["workshop"]})
    chat_server.script += [completion(None, ("Workshop_add", '{"a": 2, "b": 3}')), done("I may not.")]
    brain.plans.extend((Plan((Call("Cook", {"task": "Add 2 and 3"}),)), WELL))
    await converse(hass, "Add")
    assert "confirmation_required" in results(chat_server)[0]


async def test_an_agent_has_what_was_chosen_for_it(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    await add_workshop(hass, setup_integration)
    await add_cook(hass, setup_integration, chat_server)
    await add_cook(hass, setup_integration, chat_server, "Gardener")
    for options, there in (
        ({}, {"Workshop_add", "Cook", "Gardener"}),
        ({CONF_MCP_SERVERS: [], CONF_SUBAGENTS: ["gardener", "gone"]}, {"Gardener"}),
        ({CONF_MCP_SERVERS: ["workshop"], CONF_SUBAGENTS: []}, {"Workshop_add"}),
    ):
        change_agent(hass, setup_integration, **options)
        await converse(hass, "Hello")
        assert offered(brain) & {"Workshop_add", "Cook", "Gardener"} == there


async def test_an_announcement_starts_no_server(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await add_workshop(hass, setup_integration)
    await hass.services.async_call(
        "assist_satellite",
        "announce",
        {"entity_id": SATELLITE, "message": "Dinner!", "preannounce": False},
        blocking=True,
    )
    assert brain.contexts
    assert "Workshop_add" not in offered(brain)


async def test_a_server_that_is_away_costs_sessions_nothing_and_is_used_when_it_is_back(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    port = free_port()
    house = {CONF_TRANSPORT: "streamable_http", CONF_URL: f"http://127.0.0.1:{port}/mcp", CONF_TIMEOUT: 10}
    await add(hass, setup_integration, SUBENTRY_MCP_SERVER, "House", house)
    assert speech_of(await converse(hass, "Hello"))
    assert "House_add" not in offered(brain)
    async with serving("streamable_http", port):
        async with asyncio.timeout(30):
            while "House_add" not in offered(brain):
                await converse(hass, "Hello")


async def test_a_program_that_ends_is_started_again(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await add_workshop(hass, setup_integration, **{CONF_ALLOWED_TOOLS: ["add", "crash", "learn"]})
    brain.plans.extend((Plan((Call("Workshop_learn", {"name": "sing"}),)), Plan((Call("Workshop_crash"),))))
    brain.plans.extend((Plan((Call("Workshop_add", {"a": 2, "b": 3}),)), WELL))
    await converse(hass, "Sing")
    learned, crashed, added = outputs(brain)
    assert learned == "learned"
    assert "not available" in crashed
    assert added == "5"


async def test_a_session_can_be_stopped_while_it_waits_for_a_server(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, tmp_path: Path
) -> None:
    held = asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        await held.wait()
        return web.Response(status=500)

    async with answering(hold) as url:
        slow = ConfigSubentry(
            data=MappingProxyType({CONF_TRANSPORT: "streamable_http", CONF_URL: url}),
            subentry_type=SUBENTRY_MCP_SERVER,
            title="Slow",
            unique_id=None,
        )
        hass.config_entries.async_add_subentry(setup_integration, slow)
        await hass.async_block_till_done()
        status = entity_of(hass, "sensor", SATELLITE_ID, "status")
        starting = hass.async_create_task(start(hass))
        await async_wait_for_state(hass, status, "connecting")
        await asyncio.sleep(0.1)
        await stop(hass)
        await starting
        assert brain.contexts == []
        await start(hass)
        await stop(hass)
        held.set()


async def test_an_account_can_be_unloaded_while_its_servers_are_connected(
    hass: HomeAssistant, mock_entry: MockConfigEntry, tmp_path: Path
) -> None:
    witness = tmp_path / "pid"
    code = f"import os, time; open({str(witness)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    slow = {**WORKSHOP, CONF_ARGUMENTS: ["-c", code]}
    await add(hass, mock_entry, SUBENTRY_MCP_SERVER, "Slow", slow)
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    await until(lambda: witness.exists() and witness.read_text())
    assert await hass.config_entries.async_unload(mock_entry.entry_id)
    await until(lambda: not lives(int(witness.read_text())))


async def test_what_cannot_be_made_is_left_out_and_reported_once(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    chat_server: ChatServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = setup_integration
    await add(hass, entry, SUBENTRY_MCP_SERVER, "Lost", {CONF_URL: "nowhere"})
    await add(hass, entry, SUBENTRY_MCP_SERVER, "Strange", {CONF_TRANSPORT: "pigeon"})
    await add(hass, entry, SUBENTRY_SUBAGENT, "Homeless", {CONF_MODEL: "tiny"})
    await add_cook(hass, entry, chat_server, "Confused", **{CONF_INSTRUCTIONS: "{{ 1 / 0 }}"})
    await add_cook(hass, entry, chat_server)
    await add_cook(hass, entry, chat_server, "COOK!", **{CONF_DESCRIPTION: ""})
    await add_cook(hass, entry, chat_server, "Cook ")
    for _ in range(2):
        assert speech_of(await converse(hass, "Hello"))
    assert {name for name in offered(brain) if "cook" in name.lower()} == {"Cook", "COOK", "Cook_2"}
    left_out = [record.getMessage() for record in caplog.records if "is left out" in record.getMessage()]
    assert sorted(message.split()[0] for message in left_out) == ["Confused", "Homeless", "Lost", "Strange"]


async def test_secrets_of_servers_and_subagents_are_not_in_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    setup_integration: MockConfigEntry,
    chat_server: ChatServer,
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    house = {
        CONF_TRANSPORT: "auto",
        CONF_URL: "http://homeserver:9/private_s3cret/mcp?key=s3cret",
        CONF_AUTHORIZATION: "s3cret",
        CONF_HEADERS: ["X-Key: s3cret"],
    }
    await add(hass, setup_integration, SUBENTRY_MCP_SERVER, "House", house)
    await add_workshop(hass, setup_integration, **{CONF_ARGUMENTS: ["--key", "s3cret"]})
    cook = {"api_key": "s3cret", "holding_instruction": "s3cret", CONF_DESCRIPTION: "s3cret"}
    await add_cook(hass, setup_integration, chat_server, **cook)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)
    assert "s3cret" not in json.dumps(shown)
    assert "http://homeserver:9" in json.dumps(shown)
    assert shown["versions"]["openai"]
