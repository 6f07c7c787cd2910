"""MCP servers that the simulated server runs for its clients."""

import json

import pytest

from simulator import Behaviour, Call, Plan, RemoteCall, Say, ScriptedBrain

DOCS = {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp", "require_approval": "never"}
SEARCH = RemoteCall("search", "docs", {"q": "x"}, output="found")


def able() -> Behaviour:
    return Behaviour(speed=0, mcp_tools={"docs": ("search", "delete")})


@pytest.fixture
async def link(start, connect):
    async def made(*steps, behaviour=None, **tool):
        brain = ScriptedBrain(plans=[Plan(steps), Plan((Say("Here it is."),))])
        simulator = await start(brain, behaviour=behaviour or able())
        client = await connect(simulator)
        await client.configure(tools=[{**DOCS, **tool}])
        return simulator, client

    return made


def answer(request_id: str, approve: bool) -> dict:
    return {"type": "mcp_approval_response", "id": "a1", "approval_request_id": request_id, "approve": approve}


async def test_a_server_is_listed(link):
    _, client = await link(allowed_tools=["search"])
    await client.until("mcp_list_tools.completed")
    (added,), (done,) = client.of("conversation.item.added"), client.of("conversation.item.done")
    assert (added["item"]["type"], added["item"]["tools"]) == ("mcp_list_tools", [])
    assert [tool["name"] for tool in done["item"]["tools"]] == ["search"]
    assert client.types()[-4:] == [
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "conversation.item.done",
        "mcp_list_tools.completed",
    ]


async def test_a_server_that_cannot_be_reached(link):
    _, client = await link(server_label="other")
    await client.until("mcp_list_tools.failed")


async def test_a_call_outlives_its_response_and_nobody_speaks_about_it_unasked(link):
    simulator, client = await link(SEARCH)
    await client.until("mcp_list_tools.completed")
    await client.ask("search")
    await client.until("response.output_item.done")
    types = client.types()[client.types().index("response.created") :]
    assert [kind for kind in types if "mcp" in kind or kind == "response.done"] == [
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
    ]
    result = client.of("conversation.item.done")[-1]["item"]
    assert (result["name"], json.loads(result["arguments"]), result["output"]) == ("search", {"q": "x"}, "found")
    assert len(client.of("response.created")) == 1
    await client.send("response.create")
    await client.until("response.done")
    assert simulator.violations == []


async def test_a_call_that_fails(link):
    _, client = await link(RemoteCall("search", "docs", "{}", error="No such page"))
    await client.ask("search")
    await client.until("response.mcp_call.failed")
    done = await client.until("conversation.item.done")
    assert done["item"]["error"] == {"type": "tool_execution_error", "message": "No such page"}
    assert done["item"]["output"] is None


@pytest.mark.parametrize("policy", ["always", {"never": {"tool_names": ["delete"]}}])
async def test_a_call_that_needs_approval_waits_for_it(link, policy):
    _, client = await link(SEARCH, require_approval=policy)
    await client.ask("search")
    await client.until("response.done")
    (request,) = [event["item"] for event in client.of("response.output_item.done")]
    assert (request["type"], request["server_label"], request["name"]) == ("mcp_approval_request", "docs", "search")
    assert not client.of("response.mcp_call.in_progress")
    await client.send("conversation.item.create", item=answer(request["id"], approve=True))
    await client.until("response.mcp_call.completed")
    done = await client.until("conversation.item.done")
    assert (done["item"]["output"], done["item"]["approval_request_id"]) == ("found", request["id"])


async def test_a_trusted_tool_needs_none(link):
    _, client = await link(SEARCH, require_approval={"never": {"tool_names": ["search"]}})
    await client.ask("search")
    await client.until("response.mcp_call.completed")


async def test_a_refused_call_is_not_made_and_cannot_be_allowed_any_more(link):
    _, client = await link(SEARCH, require_approval="always")
    await client.ask("search")
    await client.until("response.done")
    request = client.of("response.output_item.done")[0]["item"]
    await client.send("conversation.item.create", item=answer(request["id"], approve=False))
    await client.until("conversation.item.done")
    await client.send("conversation.item.create", item={**answer(request["id"], approve=True), "id": "a2"})
    error = (await client.until("error"))["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "item.approval_request_id")
    assert not client.of("response.mcp_call.in_progress")


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"server_label": "1st"}, "session.tools[0].server_label"),
        ({"connector_id": "connector_gmail"}, "session.tools[0]"),
        ({"require_approval": "sometimes"}, "session.tools[0].require_approval"),
        ({"headers": {"X-Key": 7}}, "session.tools[0].headers.X-Key"),
        ({"headers": []}, "session.tools[0].headers"),
        ({"allowed_tools": {"names": []}}, "session.tools[0].allowed_tools.names"),
        ({"name": "x"}, "session.tools[0].name"),
    ],
)
async def test_what_cannot_be_a_server_is_rejected(start, connect, tool, param):
    client = await connect(await start())
    await client.until("session.created")
    await client.send("session.update", session={"type": "realtime", "tools": [{**DOCS, **tool}]})
    assert (await client.until("error"))["error"]["param"] == param


def test_a_script_may_hold_such_calls(tmp_path):
    path = tmp_path / "script.json"
    step = {"remote_call": "search", "server": "docs", "output": "found"}
    path.write_text(json.dumps([{"heard": "x", "plans": [{"steps": [step, {"call": "turn_on"}]}]}]))
    assert ScriptedBrain.from_file(path).plans[0].steps == (
        RemoteCall("search", "docs", output="found"),
        Call("turn_on"),
    )
