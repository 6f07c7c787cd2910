"""What a session records is what was sent to the model and what was heard, at the time it happened."""

import asyncio
import wave
from array import array
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import TruncateItem
from custom_components.rtvoice.engine.conversation.user_commands import StopAsked
from custom_components.rtvoice.engine.conversation.values import Capabilities, ToolCall, ToolDefinition, ToolOutcome
from custom_components.rtvoice.engine.events import AgentErrorEvent, SessionEvent
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.session.session import Session
from tests.engine.fakes import FakeMicrophone, FakeProvider, FakeSpeaker
from tests.engine.session.virtual_time import run_virtually

RATE_HZ = 24_000


class NoTools:
    def definitions(self) -> tuple[ToolDefinition, ...]:
        return ()

    async def run(self, call: ToolCall) -> ToolOutcome:
        raise AssertionError("there are no tools")


def session(path: Path, provider: FakeProvider, speaker: FakeSpeaker, events: list[SessionEvent]) -> Session:
    return Session(
        providers=[provider],
        options=SessionOptions(),
        source=FakeMicrophone(),
        sink=speaker,
        tools=NoTools(),
        publish=events.append,
        recording_path=path,
    )


def says(response_id: str, item_id: str, level: int, samples: int) -> list[f.ModelEvent]:
    pieces = [array("h", [level] * (samples // 10)).tobytes()] * 10
    return [f.ResponseStarted(response_id), *(f.AudioDelta(response_id, item_id, 0, piece) for piece in pieces)]


def spoken(channel: array[int], sign: int) -> tuple[int, int]:
    """First and last sample of one answer."""
    loud = [index for index, value in enumerate(channel) if value * sign > 2000]
    return loud[0], loud[-1]


@pytest.mark.parametrize(
    ("input_hz", "output_hz", "sink_hz"), [(24_000, 24_000, 24_000), (16_000, 24_000, 48_000), (24_000, 24_000, 44_100)]
)
def test_interrupted_audio_stops_where_it_was_cut(tmp_path: Path, input_hz: int, output_hz: int, sink_hz: int) -> None:
    """B24: each answer is where it was heard, as far as it was heard, and the user is heard throughout."""

    async def main() -> None:
        provider = FakeProvider(capabilities=Capabilities(input_rate_hz=input_hz, output_rate_hz=output_hz))
        speaker = FakeSpeaker()
        speaker.sample_rate = sink_hz
        path = tmp_path / "new" / "talk.wav"
        recorded = session(path, provider, speaker, [])
        running = asyncio.create_task(recorded.run())
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(2.0)
        link = provider.connection
        link.feed(*says("r1", "i1", 3000, 3 * output_hz))
        await asyncio.sleep(1.5)
        link.feed(f.SpeechStarted("u1"))
        await asyncio.sleep(1.0)
        link.feed(f.SpeechStopped("u1"), f.TurnCommitted("u1"), *says("r2", "i2", -3000, output_hz))
        await asyncio.sleep(2.0)
        total_s = asyncio.get_running_loop().time() - began_s
        recorded.post(StopAsked())
        end = await running
        assert end.recording == path
        with wave.open(str(path), "rb") as file:
            assert file.getframerate() == RATE_HZ
            both = array("h", file.readframes(file.getnframes()))
        first, last = spoken(both[1::2], 1)
        (cut,) = link.sent(TruncateItem)
        assert (last - first) * 1000 / RATE_HZ == pytest.approx(cut.audio_end_ms, abs=3)
        assert first / RATE_HZ == pytest.approx(2.0, abs=0.1)
        first, last = spoken(both[1::2], -1)
        assert (last - first) / RATE_HZ == pytest.approx(1.0, abs=0.003)
        assert first / RATE_HZ == pytest.approx(4.5, abs=0.1)
        assert len(both) / 2 / RATE_HZ == pytest.approx(total_s, abs=0.05)
        assert sum(map(bool, both[0::2])) / RATE_HZ == pytest.approx(total_s, abs=0.05)

    run_virtually(main())


def test_a_recording_that_fails_ends_alone(tmp_path: Path) -> None:
    async def main() -> None:
        events: list[SessionEvent] = []
        (tmp_path / "file").touch()
        recorded = session(tmp_path / "file" / "talk.wav", FakeProvider(), FakeSpeaker(), events)
        running = asyncio.create_task(recorded.run())
        await asyncio.sleep(3.0)
        assert not running.done()
        recorded.post(StopAsked())
        end = await running
        await asyncio.sleep(0)
        assert (end.recording, end.error) == (None, None)
        assert [event.error.type for event in events if isinstance(event, AgentErrorEvent)] == ["recording_failed"]

    run_virtually(main())
