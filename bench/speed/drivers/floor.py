"""The floor: a loop over a websocket that does base64, JSON and nothing else."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from bench.speed.harness import Place, beside, main
from bench.speed.work import INSTRUCTIONS, TOOL, Microphone, Speaker

_SESSION = {
    "type": "realtime",
    "instructions": INSTRUCTIONS,
    "output_modalities": ["audio"],
    "audio": {
        "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    },
    "tools": [{"type": "function", "name": TOOL, "description": "Turn it on.", "parameters": {"type": "object"}}],
}


@asynccontextmanager
async def session(place: Place) -> AsyncIterator[None]:
    """Hear and speak."""
    headers = {"Authorization": f"Bearer {place.api_key}"}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{place.url}/realtime?model={place.model}", headers=headers, max_msg_size=0) as socket,
    ):
        await socket.send_str(orjson.dumps({"type": "session.update", "session": _SESSION}).decode())
        while (await socket.receive_json())["type"] != "session.updated":
            pass
        async with beside(_hear(socket, place.microphone), _speak(socket, place.speaker)):
            yield


async def _hear(socket: aiohttp.ClientWebSocketResponse, microphone: Microphone) -> None:
    async for frame in microphone.frames():
        event = {"type": "input_audio_buffer.append", "audio": b64encode(frame).decode()}
        await socket.send_str(orjson.dumps(event).decode())


async def _speak(socket: aiohttp.ClientWebSocketResponse, speaker: Speaker) -> None:
    async for message in socket:
        event = orjson.loads(message.data)
        match event["type"]:
            case "response.output_audio.delta":
                speaker.take(b64decode(event["delta"]))
            case "input_audio_buffer.speech_started":
                speaker.silence()
            case "response.done":
                await _answer_calls(socket, event["response"])


async def _answer_calls(socket: aiohttp.ClientWebSocketResponse, response: dict[str, Any]) -> None:
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    for call in calls:
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await socket.send_str(orjson.dumps({"type": "conversation.item.create", "item": item}).decode())
    if calls:
        await socket.send_str('{"type":"response.create"}')


if __name__ == "__main__":
    main(session)
