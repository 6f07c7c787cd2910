"""Speaking over the agent, on real audio."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np

from demo.speech import BLOCK_S, loud_blocks, read_wav, speak_to_file
from demo.talk import SATELLITE, STATUS, has_spoken
from simulator.home.answers import STORY

from .house import House

LISTEN_S = 3.0
"""How much of the story is listened to."""
GAP_S = 1.2
"""Between two sentences of a story the silence is shorter, before the answer to the next command it is longer."""
LATENCY_S = 0.15
"""What the sound server's buffers and the recording may add."""
PAUSE_S = 0.25
"""The cut may fall into a pause of the story, which looks like an earlier cut in the recording."""


async def test_the_agent_falls_silent_when_spoken_over(house: House) -> None:
    before = len(house.simulator.events())
    recording = house.folder / "barge-in.wav"
    async with house.card.recording(recording):
        session = asyncio.create_task(
            house.api.perform("rtvoice.start", response=True, within_s=120, entity_id=SATELLITE)
        )
        await house.until_state(STATUS, "listening")
        await house.speak("tell me a story")
        await house.until_state(STATUS, "speaking")
        await asyncio.sleep(LISTEN_S)
        mark = len(house.api.changes)
        await house.speak("turn on the hall light")
        await house.until_state("light.hall_light", "on")
        await house.api.until("The agent has answered", lambda: has_spoken(house.api, mark), within_s=30)
        await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
    report = await session
    events = house.simulator.events()[before:]

    (truncation,) = of(events, "client", "conversation.item.truncate")
    story_s = await check_truncation(house, truncation, recording)

    item_id = truncation["event"]["item_id"]
    began_s = next(line["t"] for line in of(events, "server", "response.output_audio.delta") if is_of(line, item_id))
    spoken_over_s = next(
        line["t"] for line in of(events, "server", "input_audio_buffer.speech_started") if line["t"] > began_s
    )
    assert story_s <= spoken_over_s - began_s + LATENCY_S
    assert story_s > LISTEN_S / 2

    told = next(
        line["event"]["transcript"]
        for line in of(events, "server", "response.output_audio_transcript.done")
        if is_of(line, item_id)
    )
    story, answer = (turn for turn in report["turns"] if turn["role"] == "assistant")
    assert story["interrupted"]
    assert not answer["interrupted"]
    assert story["text"]
    assert told.startswith(story["text"].rstrip(" .…"))
    assert len(story["text"]) < len(told) / 2
    assert [tool["ok"] for tool in report["tools"]] == [True]


async def test_the_button_silences_the_agent(house: House) -> None:
    before = len(house.simulator.events())
    recording = house.folder / "button.wav"
    async with house.card.recording(recording):
        session = asyncio.create_task(
            house.api.perform("rtvoice.start", response=True, within_s=120, entity_id=SATELLITE)
        )
        await house.until_state(STATUS, "listening")
        await house.speak("tell me a story")
        await house.until_state(STATUS, "speaking")
        await asyncio.sleep(LISTEN_S)
        await house.api.perform("button.press", entity_id="button.local_satellite_interrupt")
        await house.until_state(STATUS, "listening")
        await asyncio.sleep(GAP_S)
        await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
    report = await session
    (truncation,) = of(house.simulator.events()[before:], "client", "conversation.item.truncate")
    await check_truncation(house, truncation, recording)
    assert [turn["interrupted"] for turn in report["turns"] if turn["role"] == "assistant"] == [True]


async def check_truncation(house: House, truncation: dict[str, Any], recording: Path) -> float:
    """The model is told of as much as the speaker really played; how long the story sounded."""
    whole = house.folder / "story.wav"
    await speak_to_file(STORY, whole)
    samples, rate = read_wav(whole)
    silent_s = np.nonzero(loud_blocks(samples, rate))[0][0] * BLOCK_S
    story_s = first_sound_s(recording)
    told_s = truncation["event"]["audio_end_ms"] / 1000 - silent_s
    assert story_s - LATENCY_S <= told_s <= story_s + PAUSE_S
    return story_s


def of(events: list[dict[str, Any]], side: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in events if line["from"] == side and line["event"]["type"] == kind]


def is_of(line: dict[str, Any], item_id: str) -> bool:
    return bool(line["event"]["item_id"] == item_id)


def first_sound_s(recording: Path) -> float:
    """How long the first sound of the recording lasts, up to the first long silence."""
    samples, rate = read_wav(recording)
    (loud,) = np.nonzero(loud_blocks(samples, rate))
    assert loud.size
    (gaps,) = np.nonzero(np.diff(loud) * BLOCK_S > GAP_S)
    last = loud[gaps[0]] if gaps.size else loud[-1]
    return float((last - loud[0] + 1) * BLOCK_S)
