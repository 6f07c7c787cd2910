"""The simulator over a real socket."""

import asyncio
import base64
import json
from typing import Any, Never

import aiohttp
import pytest

from simulator import (
    Behaviour,
    Call,
    CloseSocket,
    Cut,
    Fail,
    Garbage,
    Heard,
    Incomplete,
    NoAnswer,
    Plan,
    Say,
    ScriptedBrain,
    Simulator,
    Stall,
    Turn,
    tone,
)

SPEECH = bytes(48 * 400) + tone(1.0) + bytes(48 * 900)
TOOLS = [{"type": "function", "name": "turn_on", "description": "", "parameters": {"type": "object", "properties": {}}}]


def server_vad(**more: Any) -> dict[str, Any]:
    detection = {"type": "server_vad", "silence_duration_ms": 500, **more}
    return {"input": {"turn_detection": detection, "transcription": {"model": "gpt-transcribe"}}}


async def test_a_spoken_turn_comes_in_the_canonical_order(start, connect) -> None:
    brain = ScriptedBrain(Turn("hello", (Plan((Say("Good morning to you.", seconds=0.5),)),)))
    simulator = await start(brain)
    client = await connect(simulator)
    await client.configure(audio=server_vad())
    client.events.clear()
    await client.append(SPEECH)
    await client.until("rate_limits.updated")

    order = [kind for kind in client.types() if not kind.endswith(".delta") and "transcription" not in kind]
    assert order == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    started, stopped = (
        client.of("input_audio_buffer.speech_started")[0],
        client.of("input_audio_buffer.speech_stopped")[0],
    )
    assert started["audio_start_ms"] == 100
    assert 1_900 <= stopped["audio_end_ms"] <= 1_940
    user = client.of("input_audio_buffer.committed")[0]["item_id"]
    assert started["item_id"] == stopped["item_id"] == user
    assert client.of("conversation.item.input_audio_transcription.completed")[0]["transcript"] == "hello"
    done = client.of("response.done")[0]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["transcript"] == "Good morning to you."
    assert done["usage"]["output_token_details"]["audio_tokens"] == 10
    audio = b"".join(base64.b64decode(event["delta"]) for event in client.of("response.output_audio.delta"))
    assert len(audio) == 24_000
    assert simulator.violations == []


async def test_two_calls_then_one_answer(start, connect) -> None:
    calls = Plan((Say("One moment.", phase="commentary"), Call("turn_on", {"name": "a"}), Call("turn_on", '{"name"')))
    simulator = await start(ScriptedBrain(plans=(calls, Plan((Say("Done."),)))))
    client = await connect(simulator)
    await client.configure(tools=TOOLS)
    await client.ask("both")
    done = (await client.until("response.done"))["response"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call", "function_call"]
    assert done["output"][2]["arguments"] == '{"name"'
    assert [event["output_index"] for event in client.of("response.function_call_arguments.done")] == [1, 2]
    for item in done["output"][1:]:
        output = {"type": "function_call_output", "call_id": item["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
    await client.send("response.create")
    done = (await client.until("response.done"))["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Done."
    assert simulator.violations == []
    assert simulator.errors == []


async def test_speech_cancels_a_running_response_after_a_few_late_deltas(start, connect) -> None:
    brain = ScriptedBrain(plans=(Plan((Say("A long story. " * 20, seconds=20),)), Plan((Say("Yes?"),))))
    simulator = await start(brain, speed=10)
    client = await connect(simulator)
    await client.configure(audio=server_vad())
    await client.ask("tell me a story")
    await client.until("response.output_audio.delta")
    await client.append(SPEECH[: 48 * 800])
    await client.until("input_audio_buffer.speech_started")
    client.events.clear()
    done = (await client.until("response.done"))["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"
    assert len(client.of("response.output_audio.delta")) == 2
    item_id = done["output"][0]["id"]
    await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100)
    assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == 100
    await client.append(SPEECH[48 * 800 :])
    assert (await client.until("response.done"))["response"]["output"][0]["content"][0]["transcript"] == "Yes?"
    assert simulator.violations == []


@pytest.mark.parametrize(
    ("options", "code", "close"),
    [
        ({"headers": {"Authorization": "Bearer wrong"}}, "invalid_api_key", 3000),
        ({"model": None}, "missing_model", 4000),
        ({"model": "gpt-5"}, "invalid_model", 4000),
        ({"model": "gpt-4o-realtime-preview"}, "model_not_found", 4004),
        ({"headers": {"Authorization": "Bearer k", "OpenAI-Beta": "realtime=v1"}}, "beta_api_shape_disabled", 4000),
    ],
)
async def test_a_connection_is_refused_after_the_upgrade(start, connect, options, code, close) -> None:
    simulator = await start(api_key="k")
    client = await connect(simulator, **{"headers": {"Authorization": "Bearer k"}, **options})
    assert (await client.next())["error"]["code"] == code
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (close, f"invalid_request_error.{code}")
    assert simulator.connections == []
    assert bool(simulator.violations) == (code == "beta_api_shape_disabled")


async def test_no_credit_closes_with_1013(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(refusal="insufficient_quota"))
    client = await connect(simulator)
    await client.next()
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (1013, "insufficient_quota.insufficient_quota")


async def test_models_are_listed_for_the_right_key(start) -> None:
    simulator = await start(api_key="k")
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{simulator.base_url}/models", headers={"Authorization": "Bearer x"}) as answer:
            assert answer.status == 401
            assert (await answer.json())["error"]["code"] == "invalid_api_key"
        async with http.get(f"{simulator.base_url}/models", headers={"api-key": "k"}) as answer:
            models = {model["id"]: model["shutdown_date"] for model in (await answer.json())["data"]}
            assert models["gpt-realtime"] == "2027-01-20"
            assert models["gpt-realtime-2.1"] is None


async def test_the_upgrade_itself_can_be_refused(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(handshake_status=429))
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await connect(simulator)
    assert caught.value.status == 429
    async with aiohttp.ClientSession() as http, http.get(f"{simulator.base_url}/models") as answer:
        assert answer.status == 429


async def test_a_session_expires(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(session_s=0.05))
    client = await connect(simulator)
    assert (await client.until("error"))["error"]["code"] == "session_expired"
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (1001, "Your session hit the maximum duration of 60 minutes.")


async def test_a_mute_server_says_nothing(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(mute=True))
    client = await connect(simulator)
    await client.send("session.update", session={"type": "realtime"})
    await simulator.wait_for("session.update")
    assert simulator.server_events == []


async def test_audio_that_does_not_wait_for_the_settings_is_a_violation(start, connect) -> None:
    simulator = await start()
    client = await connect(simulator)
    await client.send("session.update", session={"type": "realtime"})
    await client.append(bytes(960))
    await client.until("session.updated")
    await simulator.wait_for("input_audio_buffer.append")
    assert simulator.violations == ["audio before session.updated"]


async def test_a_client_may_leave_while_its_settings_are_taken_over(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(settle_s=5))
    client = await connect(simulator)
    await client.send("session.update", session={"type": "realtime"})
    await client.socket.close()
    await asyncio.wait_for(simulator.connections[0].closed.wait(), 4)


async def test_the_server_pings(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(ping_s=0.01))
    client = await connect(simulator)
    client.socket._autoping = False
    await client.until("session.created")
    assert (await client.socket.receive()).type is aiohttp.WSMsgType.PING


async def test_updates_can_go_unanswered(start, connect) -> None:
    simulator = await start(behaviour=Behaviour(answers_updates=False, sends_rate_limits=False, speed=0))
    client = await connect(simulator)
    await client.send("session.update", session={"type": "realtime"})
    await client.ask("hello")
    await client.until("response.done")
    await client.send("input_audio_buffer.clear")
    await client.until("input_audio_buffer.cleared")
    assert "session.updated" not in client.types()
    assert "rate_limits.updated" not in client.types()


async def test_failed_and_incomplete_responses(start, connect) -> None:
    quota = Fail("insufficient_quota", "You exceeded your current quota.", "insufficient_quota")
    plans = (
        Plan((quota,)),
        Plan((Say("Once upon a time", seconds=1, fault=Incomplete("content_filter"), fault_after_ms=400),)),
        Plan((Say("and then", seconds=0.4),), before=Fail()),
        Plan((Say("never said"),)),
    )
    client = await connect(await start(ScriptedBrain(plans=plans)))
    await client.configure()
    await client.ask("one")
    details = (await client.until("response.done"))["response"]["status_details"]
    assert details["error"]["code"] == "insufficient_quota"
    await client.ask("two")
    client.events.clear()
    done = (await client.until("response.done"))["response"]
    assert done["status_details"] == {"type": "incomplete", "reason": "content_filter"}
    assert len(client.of("response.output_audio.delta")) == 2
    await client.ask("three")
    assert (await client.until("response.done"))["response"]["status"] == "failed"


@pytest.mark.parametrize("before", [True, False])
async def test_the_socket_can_be_cut(start, connect, before) -> None:
    plan = Plan(before=Cut()) if before else Plan((Say("Once", seconds=2, fault=Cut(), fault_after_ms=1_000),))
    simulator = await start(ScriptedBrain(plans=(plan,)))
    client = await connect(simulator)
    await client.configure()
    await client.ask("go")
    with pytest.raises(ConnectionResetError):
        await client.until("response.done")
    await simulator.connections[0].closed.wait()
    assert client.close is None
    assert len(client.of("response.output_audio.delta")) == (0 if before else 5)


async def test_the_socket_can_be_closed_with_an_error(start, connect) -> None:
    error = {"type": "server_error", "code": "server_error", "message": "Restarting"}
    simulator = await start(ScriptedBrain(plans=(Plan((CloseSocket(1012, "restart", error),)),)))
    client = await connect(simulator)
    await client.configure()
    await client.ask("go")
    assert (await client.until("error"))["error"]["message"] == "Restarting"
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (1012, "restart")


async def test_garbage_a_pause_and_no_answer(start, connect) -> None:
    plans = (Plan(before=NoAnswer()), Plan((Garbage("{oops"), Stall(0.01), Say("Here."))))
    simulator = await start(ScriptedBrain(plans=plans))
    client = await connect(simulator)
    await client.configure()
    await client.ask("one")
    await client.ask("two")
    with pytest.raises(json.JSONDecodeError):
        await client.until("response.done")
    assert (await client.until("response.done"))["response"]["status"] == "completed"
    assert len(client.of("response.created")) == 1


async def test_a_stalled_response_can_be_cancelled(start, connect) -> None:
    simulator = await start(ScriptedBrain(plans=(Plan((Say("Well", seconds=0.2), Stall())),)))
    client = await connect(simulator)
    await client.configure()
    await client.ask("go")
    await client.until("response.output_item.done")
    await client.send("response.cancel")
    assert (await client.until("response.done"))["response"]["status_details"]["reason"] == "client_cancelled"


async def test_transcription_can_fail_come_late_or_never(start, connect) -> None:
    turns = (
        Turn(Heard("", error="unintelligible")),
        Turn(Heard("late", delay_s=0.05)),
        Turn(Heard("secret", written=False)),
    )
    client = await connect(await start(ScriptedBrain(*turns)))
    await client.configure(audio=server_vad(create_response=False))
    kind = "conversation.item.input_audio_transcription"
    await client.append(SPEECH)
    assert (await client.until(f"{kind}.failed"))["error"]["message"] == "unintelligible"
    await client.append(SPEECH)
    assert (await client.until(f"{kind}.completed"))["transcript"] == "late"
    await client.append(SPEECH)
    await client.send("response.create")
    await client.until("response.done")
    assert len(client.of(f"{kind}.completed")) == 1


async def test_say_exactly_uses_no_plan(start, connect) -> None:
    brain = ScriptedBrain(plans=(Plan((Say("Planned."),), delay_s=0.001),))
    client = await connect(await start(brain))
    await client.configure()
    await client.send("response.create", response={"instructions": 'Say exactly: "Hello, "friend"."'})
    done = (await client.until("response.done"))["response"]
    assert done["output"][0]["content"][0]["transcript"] == 'Hello, "friend".'
    await client.send("response.create")
    done = (await client.until("response.done"))["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Planned."


async def test_a_test_can_speak_for_the_server(start, connect) -> None:
    simulator = await start(check=False)
    client = await connect(simulator)
    await client.configure()
    link = simulator.connections[-1]
    link.send({"type": "future.event"})
    assert (await client.until("future.event"))["event_id"]
    link.send_raw(b"\x00")
    assert (await client.socket.receive()).type is aiohttp.WSMsgType.BINARY
    link.close(1011, "reason")
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (1011, "reason")
    await link.closed.wait()
    assert link.close_code == 1011


async def test_unreadable_frames_are_rejected(start, connect) -> None:
    simulator = await start()
    client = await connect(simulator)
    await client.socket.send_str("{")
    assert (await client.until("error"))["error"]["code"] == "invalid_json"
    await client.socket.send_str("[]")
    assert (await client.until("error"))["error"]["code"] == "invalid_event"
    await client.socket.send_bytes(b"1")
    assert (await client.until("error"))["error"]["code"] == "invalid_event"
    assert [event.get("raw") for event in simulator.client_events] == ["{", "[]"]
    assert simulator.violations == ["binary frame"]


async def test_everything_is_recorded_without_audio(start, connect, tmp_path) -> None:
    path = tmp_path / "record.jsonl"
    simulator = await start(record=path)
    client = await connect(simulator)
    await client.configure()
    await client.append(SPEECH[:9_600])
    await client.ask("hi")
    await client.until("response.done")
    await simulator.stop()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["from"] for line in lines} == {"client", "server"}
    audio = [line["event"]["audio"] for line in lines if line["event"]["type"] == "input_audio_buffer.append"]
    assert audio == ["<4800 bytes>"] * 2
    deltas = [line["event"]["delta"] for line in lines if line["event"]["type"] == "response.output_audio.delta"]
    assert all(delta.startswith("<") for delta in deltas)
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


async def test_waiting_says_what_it_saw_instead(start, connect) -> None:
    simulator = await start()
    client = await connect(simulator)
    await client.configure()
    with pytest.raises(TimeoutError, match=r"response\.create.*session\.update"):
        await simulator.wait_for("response.create", timeout=0.01)
    found = await simulator.wait_for_sent(lambda event: event["type"].startswith("session."), count=2)
    assert found["type"] == "session.updated"
    assert found.connection == 0


async def test_a_failing_brain_fails_the_test(socket_enabled, connect) -> None:
    def respond_with(context) -> Never:
        raise LookupError("no plan")

    simulator = await Simulator(ScriptedBrain(respond_with=respond_with)).__aenter__()
    client = await connect(simulator)
    await client.configure()
    await client.ask("go")
    await simulator.connections[0].closed.wait()
    with pytest.raises(ExceptionGroup) as caught:
        await simulator.__aexit__(None, None, None)
    assert caught.group_contains(LookupError)


async def test_stopping_ends_open_connections(start, connect) -> None:
    simulator = await start()
    client = await connect(simulator)
    await client.configure()
    await simulator.stop()
    with pytest.raises(ConnectionResetError):
        await client.next()
    assert client.close == (1001, "Server is shutting down")
    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("write", "expire")]
