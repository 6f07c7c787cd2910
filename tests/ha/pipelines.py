"""Assist pipelines in the tests: satellites that bring a stream and play what comes back."""

import asyncio
import io
import struct
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from homeassistant.components import stt, tts
from homeassistant.components.assist_pipeline import (
    AudioSettings,
    Pipeline,
    PipelineEvent,
    PipelineEventType,
    async_get_pipelines,
    async_pipeline_from_audio_stream,
)
from homeassistant.components.assist_pipeline.models import PipelineStage
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import chat_session

from simulator import tone

STT = "stt.voice_agent_speech_to_text"
TTS = "tts.voice_agent_text_to_speech"
CREATE = "button.voice_agent_create_voice_assistant"
CHUNK = 640
"""20 ms of what pipelines bring."""


def speech(seconds: float = 0.4) -> bytes:
    """Somebody speaks: 16-bit mono PCM at 16 kHz."""
    samples = struct.unpack(f"<{round(seconds * 24_000)}h", tone(seconds))
    return struct.pack(f"<{len(samples[::3]) * 2}h", *(one for three in samples[::3] for one in (three, three)))


async def microphone(pcm: bytes) -> AsyncIterator[bytes]:
    """A stream of it, faster than it was spoken."""
    for at in range(0, len(pcm), CHUNK):
        yield pcm[at : at + CHUNK]
        await asyncio.sleep(0)


async def async_create(hass: HomeAssistant) -> Pipeline:
    """Press the button; the pipeline that it makes."""
    await hass.services.async_call("button", "press", {"entity_id": CREATE}, blocking=True)
    return next(pipeline for pipeline in async_get_pipelines(hass) if pipeline.name == "Voice agent")


@dataclass
class Satellite:
    """Runs pipelines as a satellite does: one conversation, the voice is fetched as soon as it may be."""

    hass: HomeAssistant
    pipeline: Pipeline
    device_id: str | None = None
    satellite_id: str | None = None
    audio: dict[str, Any] | str | None = field(default_factory=lambda: {"preferred_format": "wav"})
    context: Context = field(default_factory=Context)
    end_stage: PipelineStage = PipelineStage.TTS
    conversation_id: str | None = None
    extra: str | None = None
    wake_word: str | None = None
    """What has woken it, where it has heard that by itself."""
    events: list[PipelineEvent] = field(default_factory=list)
    heard: bytes = b""
    first_s: float | None = None
    first_cpu_s: float = 0.0
    """When the first sample was there: by the clock, and in processor time."""
    _playing: asyncio.Task[None] | None = None

    async def run(self, pcm: bytes | AsyncIterator[bytes] | None = None) -> None:
        """One run, from the stream to the end of the voice."""
        await self.ask(pcm)
        await self.listen()

    async def ask(self, pcm: bytes | AsyncIterator[bytes] | None = None) -> None:
        """One run; the voice may go on after it."""
        self.events, self.heard, self._playing, self.first_s = [], b"", None, None
        stream = microphone(speech() if pcm is None else pcm) if not hasattr(pcm, "__aiter__") else pcm
        with chat_session.async_get_chat_session(self.hass, self.conversation_id) as session:
            self.conversation_id = session.conversation_id
            await async_pipeline_from_audio_stream(
                self.hass,
                context=self.context,
                event_callback=self._receive,
                stt_metadata=stt.SpeechMetadata(
                    language="",
                    format=stt.AudioFormats.WAV,
                    codec=stt.AudioCodecs.PCM,
                    bit_rate=stt.AudioBitRates.BITRATE_16,
                    sample_rate=stt.AudioSampleRates.SAMPLERATE_16000,
                    channel=stt.AudioChannels.CHANNEL_MONO,
                ),
                stt_stream=stream,
                pipeline_id=self.pipeline.id,
                conversation_id=session.conversation_id,
                device_id=self.device_id,
                satellite_id=self.satellite_id,
                tts_audio_output=self.audio,
                wake_word_phrase=self.wake_word,
                audio_settings=AudioSettings(is_vad_enabled=False),
                conversation_extra_system_prompt=self.extra,
                end_stage=self.end_stage,
            )

    async def listen(self) -> None:
        """Wait until the voice is silent."""
        if self._playing is not None:
            async with asyncio.timeout(20):
                await self._playing

    def of(self, kind: PipelineEventType) -> list[dict[str, Any]]:
        """The data of all events of a kind."""
        return [event.data or {} for event in self.events if event.type is kind]

    @property
    def text(self) -> str:
        """What was understood."""
        return self.of(PipelineEventType.STT_END)[0]["stt_output"]["text"]

    @property
    def answer(self) -> str:
        """What the satellite would show."""
        return self.of(PipelineEventType.INTENT_END)[0]["intent_output"]["response"]["speech"]["plain"]["speech"]

    @property
    def errors(self) -> list[str]:
        """Codes of what went wrong."""
        return [data["code"] for data in self.of(PipelineEventType.ERROR)]

    @property
    def streamed(self) -> bool:
        """Whether the satellite could begin before the answer was complete."""
        return any(data.get("tts_start_streaming") for data in self.of(PipelineEventType.INTENT_PROGRESS))

    def wav(self) -> tuple[int, int, bytes]:
        """Rate, channels and samples of what was heard."""
        with wave.open(io.BytesIO(self.heard)) as file:
            return file.getframerate(), file.getnchannels(), file.readframes(file.getnframes())

    @callback
    def _receive(self, event: PipelineEvent) -> None:
        self.events.append(event)
        starts = event.type is PipelineEventType.INTENT_PROGRESS and (event.data or {}).get("tts_start_streaming")
        if (starts or event.type is PipelineEventType.TTS_END) and self._playing is None:
            token = self.of(PipelineEventType.RUN_START)[0]["tts_output"]["token"]
            self._playing = self.hass.async_create_background_task(self._play(token), "playing")

    async def _play(self, token: str) -> None:
        stream = tts.async_get_stream(self.hass, token)
        assert stream is not None
        async for chunk in stream.async_stream_result():
            if self.first_s is None and len(chunk) > 44:
                self.first_s, self.first_cpu_s = self.hass.loop.time(), time.process_time()
            self.heard += chunk
