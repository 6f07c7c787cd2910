"""LiveKit Agents, with its plug-in for the Realtime API and without a room: its sessions take any input and output.

The provider finds the turns. What has nothing to do here is off: local voice activity, recording, the first seconds of
speech in which nobody may interrupt (until an echo is cancelled), taking up what was interrupted for nothing, and the
user's being away.
"""

import time
from asyncio import TimerHandle, get_running_loop
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from livekit import rtc
from livekit.agents import Agent, AgentSession, InterruptionOptions, TurnHandlingOptions, function_tool
from livekit.agents.voice import io
from livekit.plugins.openai.realtime import RealtimeModel
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad

from bench.speed.harness import Place, main
from bench.speed.work import FRAME_BYTES, INSTRUCTIONS, RATE_HZ, TOOL, Microphone, Speaker


class Input(io.AudioInput):
    """The microphone as LiveKit knows one."""

    def __init__(self, microphone: Microphone) -> None:
        super().__init__(label="microphone")
        self._frames = microphone.frames()

    async def __anext__(self) -> rtc.AudioFrame:
        """What it hears next."""
        return rtc.AudioFrame(await anext(self._frames), RATE_HZ, 1, FRAME_BYTES // 2)


class Output(io.AudioOutput):
    """The speaker as LiveKit knows one: it says when the audio from a first frame to a flush was played."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE_HZ)
        self._speaker = speaker
        self._samples = 0
        self._played_before = 0
        self._finishing: TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Play it."""
        await super().capture_frame(frame)
        if not self._samples:
            self._played_before = self._speaker.played_samples
            self.on_playback_started(created_at=time.time())
        self._samples += frame.samples_per_channel
        self._speaker.take(frame.data.cast("B"))

    def flush(self) -> None:
        """Say when all of it was played."""
        super().flush()
        if self._samples and not self._finishing:
            left = self._samples - self._played
            self._finishing = get_running_loop().call_later(left / RATE_HZ, self._finish, False)

    def clear_buffer(self) -> None:
        """Be silent, and say how much was played."""
        self._speaker.silence()
        if self._samples:
            self._finish(interrupted=True)

    @property
    def _played(self) -> int:
        return min(self._samples, self._speaker.played_samples - self._played_before)

    def _finish(self, interrupted: bool) -> None:
        if self._finishing:
            self._finishing.cancel()
        played = self._played if interrupted else self._samples
        self._samples, self._finishing = 0, None
        self.on_playback_finished(playback_position=played / RATE_HZ, interrupted=interrupted)


@function_tool(name=TOOL)
async def turn_on() -> str:
    """Turn it on."""
    return "{}"


@asynccontextmanager
async def session(place: Place, kind: type[RealtimeModel] = RealtimeModel) -> AsyncIterator[None]:
    """Hear and speak."""
    model = kind(
        model=place.model,
        voice="marin",
        modalities=["audio"],
        input_audio_transcription=None,
        turn_detection=ServerVad(type="server_vad"),
        base_url=place.url,
        api_key=place.api_key,
    )
    opened = AgentSession(
        llm=model,
        vad=None,
        turn_handling=TurnHandlingOptions(
            turn_detection="realtime_llm", interruption=InterruptionOptions(resume_false_interruption=False)
        ),
        aec_warmup_duration=None,
        user_away_timeout=None,
    )
    opened.input.audio = Input(place.microphone)
    opened.output.audio = Output(place.speaker)
    async with aclosing(model), aclosing(opened):
        await opened.start(Agent(instructions=INSTRUCTIONS, tools=[turn_on]), record=False)
        yield


if __name__ == "__main__":
    main(session)
