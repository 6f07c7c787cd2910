import asyncio

import pytest

from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    AgentStoppedEvent,
    AuthenticationError,
    CompatibleProvider,
    ConfigurationError,
    ConnectionFailedError,
    EndReason,
    QuotaExceededError,
)
from custom_components.rtvoice.engine.session import supervisor
from simulator import Behaviour, CloseSocket, Cut, Fail, Garbage, NoAnswer, Plan, Say, ScriptedBrain, Stall, Turn

LONG = "This answer is long enough to break in its middle."


def answering(**fault) -> ScriptedBrain:
    return ScriptedBrain(Turn("x", (Plan((Say(LONG, fault_after_ms=400, **fault),)),)))


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("invalid_api_key", AuthenticationError),
        ("insufficient_permissions", AuthenticationError),
        ("insufficient_quota", QuotaExceededError),
        ("credit_balance_exhausted", QuotaExceededError),
        ("model_not_found", ConfigurationError),
        ("server_error", ConnectionFailedError),
    ],
)
async def test_refusals_have_their_class(house, refusal, error) -> None:
    async with house(behaviour=Behaviour(refusal=refusal), sane=False) as h:
        with pytest.raises(error):
            await asyncio.wait_for(h.agent.run(), 5)
        assert not h.microphone.is_active


async def test_wrong_key(house) -> None:
    async with house(sane=False) as other:
        provider = CompatibleProvider(other.simulator.base_url, api_key="wrong-key-123456")
        async with house(provider=provider, sane=False) as h:
            with pytest.raises(AuthenticationError) as caught:
                await h.agent.run()
        await provider.close()
    assert "wrong-key" not in str(caught.value)


async def test_nobody_listens(house) -> None:
    provider = CompatibleProvider("http://127.0.0.1:9/v1")
    async with house(provider=provider) as h:
        with pytest.raises(ConnectionFailedError):
            await asyncio.wait_for(h.agent.run(), 5)
    await provider.close()


@pytest.mark.parametrize("fault", [Cut(), CloseSocket(1011, "gone"), CloseSocket(1012, "restart")])
async def test_link_lost_in_the_middle_of_an_answer_is_made_anew(house, fault) -> None:
    brain = answering(fault=fault)
    brain.add(Turn("", (Plan((Say("And it goes on."),)),)))
    async with house(brain, sane=False) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.simulator.connections) == 2)
        await h.until(lambda: len(h.agent.turns) == 3 and h.agent.state == "listening")
        result = await h.stop()
    first, second = h.simulator.connections
    assert [item["item"]["role"] for item in second.client_events if item["type"] == "conversation.item.create"] == [
        "user",
        "assistant",
    ]
    assert [turn.transcript for turn in result.turns][::2] == ["x", "And it goes on."]
    assert LONG.startswith(result.turns[1].transcript)
    assert "Go on from there" in str(second.client_events)
    assert first.closed


async def test_a_long_turn_that_the_link_broke_in_is_heard_from_its_beginning(house) -> None:
    async with house(ScriptedBrain(Turn("x", (Plan((Say("Yes."),)),))), sane=False) as h:
        await h.start()
        h.microphone.faster = 10
        for _ in range(30):
            h.microphone.speak(0.3)
            h.microphone.pause(0.1)
        await h.until(lambda: h.server("input_audio_buffer.speech_started"))
        await asyncio.sleep(0.8)
        h.simulator.connections[0].cut()
        await h.until(lambda: len(h.agent.turns) == 2)
        await h.stop()
    (heard, _), *_ = h.brain.turns_heard
    assert len(heard) >= 12 * 48_000


async def test_provider_gone_for_good_ends_the_session(house, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT_S", 0.01)
    async with house(answering(fault=Cut()), sane=False) as h:
        task = await h.start()
        h.simulator.behaviour.refusal = "server_error"
        h.microphone.speak()
        result = await asyncio.wait_for(task, 20)
        assert result.end_reason is EndReason.CONNECTION_LOST
        assert result.turns[0].transcript == "x"
        assert not h.microphone.is_active
        assert h.of(AgentErrorEvent)
        assert h.events[-1] == AgentStoppedEvent(EndReason.CONNECTION_LOST)


async def test_expired_session_is_made_anew(house) -> None:
    async with house(behaviour=Behaviour(session_s=1.5), sane=False) as h:
        await h.start()
        await h.until(lambda: len(h.simulator.connections) == 2)
        h.simulator.behaviour.session_s = 3600
        await h.until(lambda: h.agent.state == "listening")
        assert (await h.stop()).end_reason is EndReason.STOPPED
        assert not h.of(AgentErrorEvent)


async def test_quota_that_runs_out_in_the_middle_ends_the_session(house) -> None:
    brain = answering(fault=Fail("insufficient_quota", "You exceeded your current quota.", "insufficient_quota"))
    async with house(brain, sane=False) as h:
        task = await h.start()
        h.microphone.speak()
        assert (await asyncio.wait_for(task, 10)).end_reason is EndReason.QUOTA_EXCEEDED


async def test_failed_response_is_told_and_the_session_lives(house) -> None:
    async with house(answering(fault=Fail())) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: h.of(AgentErrorEvent))
        await h.until(lambda: h.agent.state == "listening")
        assert (await h.stop()).end_reason is EndReason.STOPPED


@pytest.mark.parametrize(
    "frame", ["{not json", "[]", '{"type": 5}', '{"type":"response.audio.delta"}', b"\x00\x01", ""]
)
async def test_garbage_is_dropped(house, frame) -> None:
    async with house(answering(fault=Garbage(frame))) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.agent.turns) == 2 and h.agent.state == "listening" and h.server("response.done"))
        assert (await h.stop()).turns[1].transcript == LONG


async def test_turn_without_an_answer_does_not_hang(house) -> None:
    async with house(ScriptedBrain(Turn("x", (Plan(before=NoAnswer()),)))) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: h.agent.state == "thinking")
        assert (await h.stop()).end_reason is EndReason.STOPPED


async def test_stop_in_the_middle_of_a_stalled_answer(house) -> None:
    async with house(answering(fault=Stall())) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: h.speaker.played_samples > 0)
        assert (await asyncio.wait_for(h.stop(), 3)).end_reason is EndReason.STOPPED


async def test_microphone_unplugged(house) -> None:
    async with house() as h:
        task = await h.start()
        h.microphone.broken = True
        assert (await asyncio.wait_for(task, 3)).end_reason is EndReason.DEVICE_FAILED
