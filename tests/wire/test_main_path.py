from custom_components.rtvoice.engine import (
    AssistantInterruptedEvent,
    EndReason,
    PushToTalk,
    ResponseLatencyEvent,
    ToolExecutedEvent,
    Tools,
    UserStartedSpeakingEvent,
    UserTranscriptCompletedEvent,
)
from simulator import Call, Plan, Say, ScriptedBrain, Turn

STORY = "Once upon a time there was a lighthouse at the end of the world, and nobody knew who kept it lit. " * 2


def lamp() -> tuple[Tools, list[str]]:
    tools, lit = Tools(), []

    @tools.action("Turn a lamp on")
    async def turn_on(name: str) -> str:
        lit.append(name)
        return f"{name} is on"

    return tools, lit


async def test_speech_in_action_speech_out(house) -> None:
    tools, lit = lamp()
    brain = ScriptedBrain(
        Turn("turn on the kitchen light", (Plan((Call("turn_on", {"name": "kitchen"}),)), Plan((Say("It is on."),))))
    )
    async with house(brain, tools=tools) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.agent.turns) == 2 and h.agent.state == "listening" and h.speaker.played_samples)
        result = await h.stop()
    assert lit == ["kitchen"]
    assert [(turn.role, turn.transcript) for turn in result.turns] == [
        ("user", "turn on the kitchen light"),
        ("assistant", "It is on."),
    ]
    assert result.usage.total > 0
    assert h.of(ResponseLatencyEvent)[0].latency_s > 0
    assert len(h.client("response.create")) == 1


async def test_two_calls_in_one_response_are_answered_once(house) -> None:
    tools, lit = lamp()
    calls = Plan((Call("turn_on", {"name": "kitchen"}), Call("turn_on", {"name": "hall"})))
    async with house(ScriptedBrain(Turn("both", (calls, Plan((Say("Both are on."),))))), tools=tools) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.server("response.done")) == 2)
        await h.stop()
    assert sorted(lit) == ["hall", "kitchen"]
    assert len(h.client("response.create")) == 1
    outputs = [event["item"]["output"] for event in h.client("conversation.item.create")]
    assert sorted(outputs) == ["hall is on", "kitchen is on"]


async def test_preamble_is_spoken_while_the_tool_runs(house) -> None:
    tools, lit = lamp()
    plan = Plan((Say("One moment.", phase="commentary"), Call("turn_on", {"name": "kitchen"})))
    async with house(ScriptedBrain(Turn("x", (plan, Plan((Say("Done."),))))), tools=tools) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.agent.turns) == 3 and h.agent.state == "listening")
        result = await h.stop()
    assert [turn.transcript for turn in result.turns] == ["x", "One moment.", "Done."]
    assert lit == ["kitchen"]


async def test_barge_in_on_a_real_socket(house) -> None:
    async with house(ScriptedBrain(Turn("tell me a story", (Plan((Say(STORY),)),)), Turn("stop"))) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: h.speaker.played_samples > 24_000)
        h.microphone.speak()
        await h.until(lambda: h.of(AssistantInterruptedEvent))
        played_ms = h.speaker.played_samples / 24
        await h.until(lambda: h.client("conversation.item.truncate"))
        (truncation,) = h.client("conversation.item.truncate")
        assert played_ms - 40 <= truncation["audio_end_ms"] <= played_ms
        assert not h.client("response.cancel")
        await h.until(lambda: len(h.server("response.done")) == 2)
        result = await h.stop()
    story = result.turns[1]
    assert story.interrupted
    assert STORY.startswith(story.transcript)
    assert 0 < len(story.transcript) < len(STORY) / 2


async def test_say_send_message_and_interrupt(house) -> None:
    async with house(ScriptedBrain(plans=(Plan((Say("Hello Anna."),)), Plan((Say(STORY),))))) as h:
        await h.start()
        await h.agent.say("Dinner is served.")
        await h.until(lambda: len(h.agent.turns) == 1 and h.agent.state == "listening")
        await h.agent.send_message("I am Anna.")
        await h.until(lambda: len(h.agent.turns) == 3 and h.agent.state == "listening")
        await h.agent.send_message("Tell me a story.")
        await h.until(lambda: h.agent.state == "speaking")
        await h.agent.interrupt()
        await h.until(lambda: h.agent.state == "listening" and len(h.server("response.done")) == 3)
        result = await h.stop()
    assert [turn.transcript for turn in result.turns[:4]] == [
        "Dinner is served.",
        "I am Anna.",
        "Hello Anna.",
        "Tell me a story.",
    ]
    assert result.turns[4].interrupted if len(result.turns) == 5 else True


async def test_speed_changes_between_responses(house) -> None:
    async with house() as h:
        await h.start()
        await h.agent.set_speech_speed(1.4)
        await h.until(lambda: len(h.server("session.updated")) == 2)
        assert h.server("session.updated")[-1]["session"]["audio"]["output"]["speed"] == 1.4
        await h.stop()


async def test_muted_microphone_is_not_heard(house) -> None:
    async with house() as h:
        await h.start()
        await h.agent.set_muted(True)
        h.microphone.speak(0.4)
        await h.until(lambda: not h.microphone._voice)
        await h.agent.set_muted(False)
        h.microphone.speak(0.4)
        await h.until(lambda: h.of(UserTranscriptCompletedEvent) or len(h.server("response.done")) == 1)
        assert len(h.of(UserStartedSpeakingEvent)) == 1
        await h.stop()


async def test_push_to_talk(house) -> None:
    brain = ScriptedBrain(Turn("hello", (Plan((Say("Hi."),)),)))
    async with house(brain, turn_detection=PushToTalk()) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: not h.microphone._voice)
        await h.agent.commit_turn()
        await h.until(lambda: len(h.agent.turns) == 2 and h.agent.state == "listening")
        result = await h.stop()
    assert [turn.transcript for turn in result.turns] == ["hello", "Hi."]


async def test_tools_that_go_wrong_are_answered(house) -> None:
    tools = Tools()

    @tools.action("Breaks")
    async def broken() -> str:
        raise RuntimeError("secret detail")

    calls = Plan((Call("broken"), Call("unknown"), Call("broken", "{not json")))
    async with house(ScriptedBrain(Turn("x", (calls, Plan((Say("Sorry."),))))), tools=tools) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: len(h.server("response.done")) == 2)
        await h.stop()
    outputs = [event["item"]["output"] for event in h.client("conversation.item.create")]
    assert len(outputs) == 3
    assert "secret detail" not in "".join(outputs)
    assert [event.ok for event in h.of(ToolExecutedEvent)] == [False, False, False]


async def test_inactivity_ends_it(house) -> None:
    async with house(inactivity_timeout_seconds=1, inactivity_timeout_enabled=True) as h:
        task = await h.start()
        assert (await task).end_reason is EndReason.INACTIVITY


async def test_a_long_conversation_is_kept_small(house) -> None:
    brain = ScriptedBrain(plans=[Plan((Say(f"Answer {n}.", seconds=0.1),)) for n in range(7)])
    async with house(brain, compact_above_tokens=1) as h:
        await h.start()
        for n in range(7):
            await h.agent.send_message(f"Question {n}.")
            await h.until(lambda n=n: len(h.agent.turns) == 2 * n + 2 and h.agent.state == "listening")
        await h.until(lambda: h.client("conversation.item.delete"))
        await h.until(lambda: len(h.server("conversation.item.deleted")) >= 6)
        items = h.simulator.connections[-1].session.conversation.items
        result = await h.stop()
    assert len(items) < 14
    assert "Question 0." in str(items[0])
    assert len(result.turns) == 14
