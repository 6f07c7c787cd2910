"""From the wake word to an answer and back, over a real socket, again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from custom_components.rtvoice.engine import (
    AgentStoppedEvent,
    AssistantInterruptedEvent,
    EndReason,
    InProcessDetector,
    OpenMicrophone,
    RealtimeAgent,
    ServerVAD,
    StandBy,
    StandByArmedEvent,
    StandByErrorEvent,
    UserTranscriptCompletedEvent,
    WakeWordDetectedEvent,
)
from simulator import Plan, Say, ScriptedBrain, Turn

from .conftest import House

STORY = "Once upon a time there was a lighthouse at the end of the world, and nobody knew who kept it lit. " * 2


CLICK = (32_767).to_bytes(2, "little") * 480
"""A wake word that cannot be mistaken for speech, which is a tone here."""


def wake(house: House, speech_s: float) -> None:
    """Say the wake word and go on in the same breath."""
    house.microphone._voice += CLICK
    if speech_s:
        house.microphone.speak(speech_s)


@asynccontextmanager
async def standing_by(house: House, **settings: object) -> AsyncIterator[StandBy]:
    microphone = OpenMicrophone(house.microphone)
    agent = RealtimeAgent(
        provider=house.provider,
        audio_input=microphone,
        audio_output=house.speaker,
        event_bus=house.agent.event_bus,
        turn_detection=ServerVAD(silence_duration_ms=200),
        **settings,
    )
    house.agent = agent
    detector = InProcessDetector(lambda: CLICK.__eq__, phrase="click", sample_rate=24_000)
    stand_by = StandBy(agent, microphone, detector, event_bus=agent.event_bus)
    running = asyncio.create_task(stand_by.run())
    try:
        yield stand_by
    finally:
        await stand_by.stop()
        await running


async def test_wake_converse_and_wake_again(house) -> None:
    answers = [Turn(text, (Plan((Say(f"You said {text}.", seconds=0.2),)),)) for text in ("one", "two", "three")]
    async with house(ScriptedBrain(*answers)) as h:
        async with standing_by(h):
            for count in (1, 2, 3):
                await h.until(lambda count=count: len(h.of(StandByArmedEvent)) == count)
                wake(h, 0.6)
                await h.until(lambda count=count: len(h.of(UserTranscriptCompletedEvent)) == count)
                await h.until(lambda: len(h.agent.turns) == 2 and h.agent.state == "listening")
                assert [turn.transcript for turn in h.agent.turns][1].startswith("You said ")
                assert h.microphone.is_active
                await h.agent.stop()
        assert not h.microphone.is_active
    assert [event.transcript for event in h.of(UserTranscriptCompletedEvent)] == ["one", "two", "three"]
    assert len(h.of(WakeWordDetectedEvent)) == len(h.simulator.connections) == 3
    assert not h.of(StandByErrorEvent)


async def test_the_wake_word_silences_an_agent_that_does_not_hear(house) -> None:
    brain = ScriptedBrain(Turn("tell me a story", (Plan((Say(STORY),)),)), Turn("stop", (Plan((Say("Fine."),)),)))
    # The provider may have noticed the user's speech, and cancelled the answer, before it is told to.
    async with house(brain, sane=False) as h, standing_by(h, half_duplex=True):
        await h.until(lambda: h.of(StandByArmedEvent))
        wake(h, 0.6)
        await h.until(lambda: h.speaker.played_samples > 12_000)
        h.microphone.speak(0.5)
        await asyncio.sleep(0.7)
        assert not h.of(AssistantInterruptedEvent), "it is closed"
        wake(h, 0.6)
        await h.until(lambda: h.of(AssistantInterruptedEvent))
        await h.until(lambda: len(h.agent.turns) == 4 and h.agent.state == "listening")
        turns = h.agent.turns
    assert [turn.transcript for turn in turns][::2] == ["tell me a story", "stop"]
    assert turns[1].interrupted
    assert STORY.startswith(turns[1].transcript)
    assert turns[3].transcript == "Fine."
    assert h.simulator.violations == []


async def test_a_session_that_ends_by_itself_leaves_it_standing_by(house) -> None:
    soon = {"inactivity_timeout_seconds": 1, "inactivity_timeout_enabled": True}
    async with house() as h, standing_by(h, **soon) as stand_by:
        for count in (1, 2):
            await h.until(lambda count=count: len(h.of(StandByArmedEvent)) == count)
            wake(h, 0)
        await h.until(lambda: len(h.of(StandByArmedEvent)) == 3)
        assert stand_by.is_running
    assert len(h.simulator.connections) == 2
    assert [event.reason for event in h.of(AgentStoppedEvent)] == [EndReason.INACTIVITY] * 2
