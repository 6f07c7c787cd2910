"""A voice device as ESPHome makes them: `esphome_program.py PORT FOLDER player|speaker`.

It is woken when there is FOLDER/woken, its microphone hears FOLDER/spoken.raw and otherwise silence, and what it plays
is added to FOLDER/heard.raw; 16-bit mono samples at 16 kHz. It tells on its standard output what happens.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aioesphomeapi import MediaPlayerFormatPurpose, VoiceAssistantEventType, VoiceAssistantFeature, api_pb2
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO

HOST = "127.0.0.1"
RATE_HZ = 16_000
CHUNK_BYTES, CHUNK_S = 1024, 0.032
BUFFER_S = 0.384
"""How far ahead of its time a speaker gets what it plays."""
NAME, MAC = "desk-device", "02:00:00:00:00:01"
EARS = VoiceAssistantFeature.VOICE_ASSISTANT | VoiceAssistantFeature.API_AUDIO
MOUTHS = {
    "speaker": VoiceAssistantFeature.SPEAKER,
    "player": VoiceAssistantFeature.ANNOUNCE | VoiceAssistantFeature.START_CONVERSATION,
}
"""Sent samples, as with a plain speaker; or an address to fetch, as with a media player."""
KINDS = {message: kind for kind, message in MESSAGE_TYPE_TO_PROTO.items()}


class Wire:
    """A connection: messages behind their lengths and kinds, unencrypted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def messages(self) -> AsyncIterator[Any]:
        """What Home Assistant sends, until it goes."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                assert await self._number() == 0, "encrypted"
                length, kind = await self._number(), await self._number()
                yield MESSAGE_TYPE_TO_PROTO[kind].FromString(await self._reader.readexactly(length))

    def send(self, message: Any) -> None:
        """Send a message."""
        data = message.SerializeToString()
        self._writer.write(b"\0" + _encoded(len(data)) + _encoded(KINDS[type(message)]) + data)

    def close(self) -> None:
        """Go."""
        self._writer.close()

    async def _number(self) -> int:
        value = shift = 0
        while True:
            (byte,) = await self._reader.readexactly(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


def _encoded(value: int) -> bytes:
    encoded = b""
    while value >= 0x80:
        encoded += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return encoded + bytes((value,))


class Device:
    """Whoever subscribes last to its voice assistant is the one that it talks to."""

    def __init__(self, folder: Path, mouth: str) -> None:
        self._folder = folder
        self._mouth = mouth
        self._wire: Wire | None = None
        self._events: asyncio.Queue[tuple[VoiceAssistantEventType, dict[str, str]]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer Home Assistant, until it goes."""
        wire = Wire(reader, writer)
        async for message in wire.messages():
            if isinstance(message, api_pb2.DisconnectRequest):
                wire.send(api_pb2.DisconnectResponse())
                break
            for answer in self._answers(message):
                wire.send(answer)
            self._obey(message, wire)
        wire.close()

    async def run(self) -> None:
        """Converse whenever it is woken."""
        woken = self._folder / "woken"
        while True:
            if self._wire is not None and woken.exists():
                woken.unlink()
                await self._converse(self._wire)
            await asyncio.sleep(0.02)

    def _answers(self, message: Any) -> list[Any]:
        match message:
            case api_pb2.HelloRequest():
                return [api_pb2.HelloResponse(api_version_major=1, api_version_minor=12, name=NAME)]
            case api_pb2.AuthenticationRequest():
                return [api_pb2.AuthenticationResponse()]
            case api_pb2.PingRequest():
                return [api_pb2.PingResponse()]
            case api_pb2.DeviceInfoRequest():
                features = EARS | MOUTHS[self._mouth]
                info = {"name": NAME, "friendly_name": "Desk device", "mac_address": MAC, "model": "Test"}
                version = {"esphome_version": "2026.10.0", "voice_assistant_feature_flags": features}
                return [api_pb2.DeviceInfoResponse(**info, **version)]
            case api_pb2.ListEntitiesRequest():
                player = [_media_player()] if self._mouth == "player" else []
                return [*player, api_pb2.ListEntitiesDoneResponse()]
            case api_pb2.SubscribeStatesRequest() if self._mouth == "player":
                return [api_pb2.MediaPlayerStateResponse(key=1, state=api_pb2.MEDIA_PLAYER_STATE_IDLE, volume=1)]
            case api_pb2.VoiceAssistantConfigurationRequest():
                return [api_pb2.VoiceAssistantConfigurationResponse(max_active_wake_words=1)]
        return []

    def _obey(self, message: Any, wire: Wire) -> None:
        match message:
            case api_pb2.SubscribeVoiceAssistantRequest():
                self._wire = wire if message.subscribe else None
                _tell("subscribed")
            case api_pb2.VoiceAssistantEventResponse():
                event = VoiceAssistantEventType(message.event_type)
                data = {one.name: one.value for one in message.data}
                _tell(event.name.removeprefix("VOICE_ASSISTANT_"), data)
                self._events.put_nowait((event, data))
            case api_pb2.VoiceAssistantAudio():
                self._hear_oneself(message.data)
            case api_pb2.VoiceAssistantAnnounceRequest():
                self._begin(self._announce(message, wire))

    def _begin(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _converse(self, wire: Wire) -> None:
        """Turn by turn, until nobody expects an answer."""
        while await self._turn(wire):
            pass
        _tell("idle")

    async def _turn(self, wire: Wire) -> bool:
        """Listen and play the answer; whether it asks for more."""
        wire.send(api_pb2.VoiceAssistantRequest(start=True, audio_settings=api_pb2.VoiceAssistantAudioSettings()))
        microphone = self._begin(self._listen(wire))
        playing: asyncio.Task[None] | None = None
        url, asks, speaks, over = "", False, False, False
        while speaks or not over:
            match await self._events.get():
                case VoiceAssistantEventType.VOICE_ASSISTANT_RUN_START, data:
                    url = data.get("url", "")
                case VoiceAssistantEventType.VOICE_ASSISTANT_STT_VAD_END, _:
                    microphone.cancel()
                case VoiceAssistantEventType.VOICE_ASSISTANT_INTENT_PROGRESS, _ if self._mouth == "player":
                    playing = playing or self._begin(self._play(url))
                case VoiceAssistantEventType.VOICE_ASSISTANT_INTENT_END, data:
                    asks = data["continue_conversation"] == "1"
                case VoiceAssistantEventType.VOICE_ASSISTANT_TTS_END, data:
                    speaks = self._mouth == "speaker"
                    playing = playing or (None if speaks else self._begin(self._play(data["url"])))
                case VoiceAssistantEventType.VOICE_ASSISTANT_TTS_STREAM_END, _:
                    await asyncio.sleep(BUFFER_S)
                    speaks = False
                case VoiceAssistantEventType.VOICE_ASSISTANT_RUN_END, _:
                    over = True
        microphone.cancel()
        if playing is not None:
            await playing
            wire.send(api_pb2.VoiceAssistantAnnounceFinished(success=True))
        return asks

    async def _listen(self, wire: Wire) -> None:
        _tell("listening")
        clock = asyncio.get_running_loop().time
        spoken, pcm, due = self._folder / "spoken.raw", b"", clock()
        while True:
            if not pcm and spoken.exists():
                pcm = spoken.read_bytes()
                spoken.unlink()
            chunk, pcm = pcm[:CHUNK_BYTES], pcm[CHUNK_BYTES:]
            wire.send(api_pb2.VoiceAssistantAudio(data=chunk.ljust(CHUNK_BYTES, b"\0")))
            due += CHUNK_S
            await asyncio.sleep(max(0, due - clock()))

    async def _announce(self, announcement: Any, wire: Wire) -> None:
        for url in filter(None, (announcement.preannounce_media_id, announcement.media_id)):
            await self._play(url)
        wire.send(api_pb2.VoiceAssistantAnnounceFinished(success=True))
        if announcement.start_conversation:
            await self._converse(wire)

    async def _play(self, url: str) -> None:
        """Fetch and decode it, and play it while it comes."""
        command = ("ffmpeg", "-loglevel", "error", "-i", url, "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1", "-")
        decoder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert decoder.stdout is not None
        clock = asyncio.get_running_loop().time
        began, played_s = 0.0, 0.0
        while pcm := await decoder.stdout.read(CHUNK_BYTES):
            if not began:
                _tell("playing")
                began = clock()
            self._hear_oneself(pcm)
            played_s += len(pcm) / 2 / RATE_HZ
        assert await decoder.wait() == 0, url
        await asyncio.sleep(max(0, began + played_s - clock()))

    def _hear_oneself(self, pcm: bytes) -> None:
        with (self._folder / "heard.raw").open("ab") as heard:
            heard.write(pcm)


def _media_player() -> Any:
    flac = api_pb2.MediaPlayerSupportedFormat(format="flac", sample_rate=48_000, num_channels=1, sample_bytes=2)
    flac.purpose = MediaPlayerFormatPurpose.ANNOUNCEMENT
    return api_pb2.ListEntitiesMediaPlayerResponse(object_id="mouth", key=1, name="Mouth", supported_formats=[flac])


def _tell(*what: object) -> None:
    print(*what, flush=True)


async def main(port: str, folder: str, mouth: str) -> None:
    """Serve until killed."""
    device = Device(Path(folder), mouth)
    async with await asyncio.start_server(device.serve, HOST, int(port)):
        _tell("ready")
        await device.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
