"""The simulator's part of the same work at a tenth of its cost, for more sessions than it can serve beside a client.

`python -m bench.speed.lean --out FILE` prints `listening on URL`, serves until SIGTERM, then writes FILE, all as
`bench.speed.server` does. It sends what the simulator sends, in the same order and at the same pace, and checks
nothing: it hears speech where a frame is not silent, reads only the marks of audio, and prepares all it says.
"""

import argparse
import asyncio
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha1
from itertools import count
from pathlib import Path
from typing import Any, Final, override

import orjson

from .serving import Book, serve
from .work import (
    ANSWERS_S,
    BURST_MS,
    CALLS,
    DELTA_MS,
    MARK_BYTES,
    RATE_HZ,
    SENT_FASTER,
    SPEECH_S,
    TOOL,
    marked,
    marks_in,
)

_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_WHOLE, _TEXT, _CLOSE, _PING, _PONG = 0x80, 1, 8, 9, 10
_APPEND: Final = b'"input_audio_buffer.append"'
_AUDIO: Final = b'"audio":"'
_MARK_CHARS: Final = MARK_BYTES * 4 // 3
_SPEECH_AT: Final = slice(_MARK_CHARS + 200, _MARK_CHARS + 300)
"""Characters in the middle of a frame that are all alike where it is silent."""
_SILENCE: Final = b"A" * 100
_HANG_OVER_S: Final = SPEECH_S + 0.44
_WORDS: Final = "The light in the kitchen is on now. "
_VOICE: Final = b64encode(bytes(RATE_HZ * DELTA_MS // 1000 * 2)[MARK_BYTES:])
_FORMAT: Final = {"type": "audio/pcm", "rate": RATE_HZ}


class Session(asyncio.Protocol):
    """One connection: a websocket, and the conversation on it."""

    def __init__(self, number: int, book: Book, deltas: Iterator[int]) -> None:
        self._number = number
        self._session = {"type": "realtime", "object": "realtime.session", "id": f"sess_{number}"}
        self._book = book
        self._deltas = deltas
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._open = False
        self._turn = -1
        self._items = 0
        self._responses = 0
        self._last_item: str | None = None
        self._quiet = True
        self._response: dict[str, Any] | None = None
        self._said: dict[str, Any] | None = None
        self._deltas_left = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._called: str | None = None

    # --- the wire -----------------------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_timers()

    @override
    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._open:
            end = self._unread.find(b"\r\n\r\n")
            if end < 0:
                return
            self._greet(bytes(self._unread[:end]))
            del self._unread[: end + 4]
        at = 0
        while (frame := _frame(self._unread, at)) is not None:
            kind, payload, at = frame
            self._take(kind, payload)
        del self._unread[:at]

    def _greet(self, request: bytes) -> None:
        assert self._transport is not None
        fields = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:])
        key = next(value for name, value in fields.items() if name.lower() == b"sec-websocket-key")
        accept = b64encode(sha1(key + _ACCEPT).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._open = True
        self._send("session.created", session=self._session)

    def _take(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        if kind == _TEXT:
            at = payload.find(_AUDIO)
            if at >= 0 and _APPEND in payload:
                self._hear(payload, at + len(_AUDIO))
            else:
                self._answer(orjson.loads(payload))
        elif kind == _PING:
            self._transport.write(_framed(payload, _PONG))
        elif kind == _CLOSE:
            self._transport.write(_framed(payload[:2], _CLOSE))
            self._transport.close()

    def _send(self, kind: str, **fields: Any) -> None:
        if self._transport is not None:
            self._transport.write(_framed(orjson.dumps({"type": kind, "event_id": "event", **fields})))

    # --- the conversation ---------------------------------------------------------------------------------------------

    def _hear(self, payload: bytes, at: int) -> None:
        now_s = time.monotonic()
        for captured_ns in marks_in(b64decode(payload[at : at + _MARK_CHARS])):
            self._book.frame(captured_ns, now_s)
        middle = payload[at + _SPEECH_AT.start : at + _SPEECH_AT.stop]
        quiet = middle == _SILENCE
        if self._quiet and not quiet:
            self._speech_begins()
        self._quiet = quiet

    def _answer(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._send("session.updated", session={**self._session, **event["session"]})
            case "conversation.item.create":
                if (call_id := event["item"].get("call_id")) is not None:
                    self._book.called(call_id, time.monotonic())
                    self._called = call_id
                item = {"object": "realtime.item", "id": self._new_item(), **event["item"], "status": "completed"}
                self._add_item(item)
            case "response.create":
                if self._called is not None:
                    self._book.called(self._called, time.monotonic())
                    self._called = None
                self._respond(event.get("response", {}).get("metadata"), calls=False)
            case "conversation.item.truncate":
                self._send(
                    "conversation.item.truncated",
                    **{key: event[key] for key in ("item_id", "content_index", "audio_end_ms")},
                )

    def _speech_begins(self) -> None:
        self._turn += 1
        item_id = self._new_item()
        self._book.speech(self._number, time.monotonic())
        self._send("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        if self._response is not None:
            self._stop_timers()
            self._end_answer("cancelled", {"type": "cancelled", "reason": "turn_detected"})
        self._later(_HANG_OVER_S, partial(self._speech_ends, item_id))

    def _speech_ends(self, item_id: str) -> None:
        self._send("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=0)
        self._send("input_audio_buffer.committed", item_id=item_id, previous_item_id=self._last_item)
        self._add_item(_message(item_id, "user", "completed", [{"type": "input_audio", "transcript": None}]))
        words = {"item_id": item_id, "content_index": 0}
        self._respond(None, calls=CALLS[self._turn % len(CALLS)], heard=words)

    def _respond(self, metadata: Any, *, calls: bool, heard: dict[str, Any] | None = None) -> None:
        self._responses += 1
        self._response = {
            "object": "realtime.response",
            "id": f"resp_{self._number}_{self._responses}",
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "output_modalities": ["audio"],
            "audio": {"output": {"format": _FORMAT, "voice": "marin"}},
            "metadata": metadata,
            "usage": None,
        }
        self._send("response.created", response=self._response)
        if heard is not None:
            kind = "conversation.item.input_audio_transcription"
            self._send(f"{kind}.delta", **heard, delta="Turn on the light")
            usage = {"type": "duration", "seconds": 1.4}
            self._send(f"{kind}.completed", **heard, transcript="Turn on the light", usage=usage)
        if calls:
            self._call()
        else:
            self._say()

    def _call(self) -> None:
        assert self._response is not None
        item_id = self._new_item()
        call = {"type": "function_call", "name": TOOL, "call_id": f"call_{item_id}"}
        item = {"id": item_id, "object": "realtime.item", **call, "status": "in_progress", "arguments": ""}
        about = {"response_id": self._response["id"], "item_id": item_id, "output_index": 0, "call_id": call["call_id"]}
        self._send("response.output_item.added", response_id=self._response["id"], output_index=0, item=item)
        self._send("conversation.item.added", previous_item_id=self._last_item, item=item)
        self._send("response.function_call_arguments.delta", **about, delta="{}")
        self._send("response.function_call_arguments.done", **about, name=TOOL, arguments="{}")
        item = {**item, "status": "completed", "arguments": "{}"}
        self._send("conversation.item.done", previous_item_id=self._last_item, item=item)
        self._send("response.output_item.done", response_id=self._response["id"], output_index=0, item=item)
        self._last_item = item_id
        self._book.called(str(call["call_id"]), time.monotonic())
        self._finish("completed", None, [item])

    def _say(self) -> None:
        assert self._response is not None
        item_id = self._new_item()
        item = _message(item_id, "assistant", "in_progress", [])
        self._said = {"response_id": self._response["id"], "item_id": item_id, "output_index": 0, "content_index": 0}
        self._send("response.output_item.added", response_id=self._response["id"], output_index=0, item=item)
        self._send("conversation.item.added", previous_item_id=self._last_item, item=item)
        self._send("response.content_part.added", **self._said, part={"type": "audio", "transcript": ""})
        self._last_item = item_id
        self._deltas_left = round(ANSWERS_S[self._turn % len(ANSWERS_S)] * 1000) // DELTA_MS
        self._burst()

    def _burst(self) -> None:
        if self._transport is None or self._said is None:
            return
        for _ in range(min(self._deltas_left, BURST_MS // DELTA_MS)):
            self._deltas_left -= 1
            self._send("response.output_audio_transcript.delta", **self._said, delta=_WORDS[:8])
            number = next(self._deltas)
            head = orjson.dumps({"type": "response.output_audio.delta", "event_id": "event", **self._said})[:-1]
            audio = b64encode(marked(b"", number)) + _VOICE
            self._book.sent(number, self._number, time.monotonic())
            self._transport.write(_framed(head + b',"delta":"' + audio + b'"}'))
        if self._deltas_left:
            self._later(BURST_MS / 1000 / SENT_FASTER, self._burst)
        else:
            self._end_answer("completed", None)

    def _end_answer(self, status: str, details: Any) -> None:
        if (said := self._said) is None or self._response is None:
            return
        self._said = None
        part = {"type": "audio", "transcript": _WORDS}
        done = "completed" if status == "completed" else "incomplete"
        content = [{"type": "output_audio", "transcript": _WORDS}]
        item = _message(said["item_id"], "assistant", done, content)
        self._send("response.output_audio.done", **said)
        self._send("response.output_audio_transcript.done", **said, transcript=_WORDS)
        self._send("response.content_part.done", **said, part=part)
        self._send("conversation.item.done", previous_item_id=None, item=item)
        self._send("response.output_item.done", response_id=said["response_id"], output_index=0, item=item)
        self._finish(status, details, [item])

    def _finish(self, status: str, details: Any, output: list[dict[str, Any]]) -> None:
        counts = {"text_tokens": 10, "audio_tokens": 200, "image_tokens": 0, "cached_tokens": 0}
        usage = {
            "total_tokens": 420,
            "input_tokens": 210,
            "output_tokens": 210,
            "input_token_details": counts,
            "output_token_details": {"text_tokens": 10, "audio_tokens": 200},
        }
        done = {**(self._response or {}), "status": status, "status_details": details, "output": output, "usage": usage}
        self._response = None
        self._send("response.done", response=done)

    def _add_item(self, item: dict[str, Any]) -> None:
        for kind in ("added", "done"):
            self._send(f"conversation.item.{kind}", previous_item_id=self._last_item, item=item)
        self._last_item = item["id"]

    def _new_item(self) -> str:
        self._items += 1
        return f"item_{self._number}_{self._items}"

    def _later(self, after_s: float, act: Callable[[], None]) -> None:
        self._timers = [
            timer
            for timer in self._timers
            if not timer.cancelled() and timer.when() > asyncio.get_running_loop().time()
        ]
        self._timers.append(asyncio.get_running_loop().call_later(after_s, act))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def _message(item_id: str, role: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    about = {"id": item_id, "object": "realtime.item", "type": "message"}
    return {**about, "status": status, "role": role, "content": content}


def _frame(data: bytearray, at: int) -> tuple[int, bytes, int] | None:
    """The kind and the payload of the frame of a client that begins here, and where the next begins."""
    if len(data) < at + 6:
        return None
    kind, size = data[at] & 0x0F, data[at + 1] & 0x7F
    begin = at + 2
    if size == 126:
        size, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
    elif size == 127:
        size, begin = int.from_bytes(data[begin : begin + 8]), begin + 8
    end = begin + 4 + size
    if len(data) < end:
        return None
    mask = bytes(data[begin : begin + 4]) * (size // 4 + 1)
    payload = int.from_bytes(data[begin + 4 : end]) ^ int.from_bytes(mask[:size])
    return kind, payload.to_bytes(size), end


def _framed(payload: bytes, kind: int = _TEXT) -> bytes:
    size = len(payload)
    head = bytes((_WHOLE | kind,))
    if size < 126:
        return head + bytes((size,)) + payload
    if size < 65_536:
        return head + b"\x7e" + size.to_bytes(2) + payload
    return head + b"\x7f" + size.to_bytes(8) + payload


@asynccontextmanager
async def _serving(book: Book) -> AsyncIterator[str]:
    numbers, deltas = count(1), count(1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(next(numbers), book, deltas), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close_clients()
        server.close()


async def _serve(out: Path) -> None:
    book = Book()
    await serve(out, _serving(book), lambda: {**book.report(), "violations": []})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    asyncio.run(_serve(parser.parse_args().out))
