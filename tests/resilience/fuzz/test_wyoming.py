"""Whatever speaks at a Wyoming satellite's address: the link lives on, and hears the satellite once it is sane."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import orjson
from hypothesis import given
from hypothesis import strategies as st
from wyoming.audio import AudioChunk
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe

from custom_components.rtvoice.bridge.wyoming.audio import PIECE_BYTES
from custom_components.rtvoice.bridge.wyoming.link import BACKLOG_CHUNKS, LinkState, WyomingLink
from custom_components.rtvoice.bridge.wyoming.probe import Finding, async_probe
from tests.engine.virtual_time import run
from tests.ha.wyoming_rig import INFO

from .profile import examples
from .quiet import KEY, WORDS, fail_loudly, quiet
from .shapes import mutated, wild

_rates: Final = st.sampled_from([16_000, 16_000, 16_000, 8_000, 22_050, 44_100, 48_000, 1, 0, -1, 7, 2**31, 2**63 - 1])
_widths: Final = st.sampled_from([2, 2, 2, 1, 3, 4, 0, -2, 5, 2**40])
_channels: Final = st.sampled_from([1, 1, 1, 2, 0, -1, 3, 2**40])
_names: Final = st.sampled_from(["okay_nabu", "", "x" * 5000, "💥", KEY, WORDS])
"""A satellite is told neither; what it says must not be in the log even so."""
_stages: Final = st.sampled_from(["wake", "asr", "intent", "handle", "tts", "nothing"])
_payloads: Final = st.one_of(
    st.binary(max_size=9),
    st.just(bytes(2048)),
    st.builds(lambda: bytes(1024 * 1024)),
    st.builds(lambda: b"\x01" * 99_999),
)


def _event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "data": st.fixed_dictionaries(fields)})


_info: Final = st.just({"type": "info", "data": INFO.event().data})
_heads: Final = st.one_of(
    _event("audio-chunk", rate=_rates, width=_widths, channels=_channels),
    _event("audio-chunk", rate=_rates, width=_widths, channels=_channels),
    _event("run-pipeline", start_stage=_stages, end_stage=_stages, wake_word_name=_names, restart_on_end=st.booleans()),
    _event("detection", name=_names, timestamp=st.integers(0, 9)),
    _event("ping", text=_names),
    _info,
    _event("info", satellite=wild, asr=wild, mic=st.lists(wild, max_size=2)),
    _event("error", text=_names, code=_names),
    _event("transcript", text=_names),
    _event("synthesize", text=_names, voice=st.one_of(_names, wild)),
    _event("audio-start"),
    _event("unheard-of", x=wild),
)


@st.composite
def _framed(draw: st.DrawFn) -> bytes:
    """An event on the wire: well, or with lengths that are not those of what follows."""
    head = draw(st.one_of(_heads, _heads, mutated(_heads)))
    if not isinstance(head, dict):
        return orjson.dumps(head)
    payload = draw(_payloads) if head.get("type") == "audio-chunk" or draw(st.booleans()) else b""
    if draw(st.integers(0, 2)) == 0 and isinstance(head.get("data"), dict):
        data = orjson.dumps(head.pop("data"))
        head, payload = {**head, "data_length": len(data)}, data + payload
        size = len(payload) - len(data)
    else:
        size = len(payload)
    head["payload_length"] = draw(st.sampled_from([size, size, size, size, size + 1, max(size - 1, 0)]))
    if draw(st.integers(0, 9)) == 0:
        key = draw(st.sampled_from(["payload_length", "data_length"]))
        head[key] = draw(st.sampled_from([-1, 2**40, 1.5, "7", None, True, [], 1024 * 1024]))
    return orjson.dumps(head) + b"\n" + payload


_raw: Final = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [b"\n", b"{}\n", b"[]\n", b"null\n", b'{"type": 5}\n', b'{"type": "ping", "data": 5}\n', b"[" * 5000 + b"\n"]
    ),
    st.sampled_from([KEY, WORDS, f'"{KEY}"', f'{{"type": "{KEY}"}}', f'{{"type": "{WORDS}"}}', f'{{"{KEY}": 1']).map(
        lambda text: text.encode() + b"\n"
    ),
    st.builds(lambda: b"x" * 200_000),
)
_steps: Final = st.one_of(
    _framed(),
    _framed(),
    _framed(),
    _framed(),
    _raw,
    st.tuples(st.just("wait"), st.floats(0, 12)),
    st.tuples(st.just("hear"), st.booleans()),
    st.tuples(st.just("split"), _framed(), st.integers(1, 30)),
    st.tuples(st.just("flood"), _framed(), st.integers(2, 300)),
    st.just("hang up"),
)
scripts: Final = st.lists(_steps, min_size=2, max_size=15)


class Satellite:
    """Whoever answers: once by the script, perhaps after saying who it is, and then as a satellite does."""

    def __init__(self, script: list[Any], *, introduced: bool) -> None:
        self.script = script
        self.introduced = introduced
        self.act: Callable[[Any], Awaitable[None]] | None = None
        self.done = asyncio.Event()
        self.port = 0
        self._serving: set[asyncio.Task[Any]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Satellite]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with contextlib.suppress(ConnectionError):
            if not self.done.is_set():
                if self.introduced:
                    await async_write_event(INFO.event(), writer)
                    await async_write_event(INFO.event(), writer)
                    await asyncio.sleep(0.01)
                await self._play(writer)
            else:
                while (event := await async_read_event(reader)) is not None:
                    if Describe.is_type(event.type):
                        await async_write_event(INFO.event(), writer)
                        await async_write_event(
                            Event("audio-chunk", {"rate": 16_000, "width": 2, "channels": 1}, b"\1\0"), writer
                        )
        writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        try:
            for step in self.script:
                match step:
                    case bytes():
                        writer.write(step)
                    case ("wait", seconds):
                        await asyncio.sleep(seconds)
                    case ("split", framed, size):
                        for start in range(0, min(len(framed), 600), size):
                            writer.write(framed[start : start + size])
                            await asyncio.sleep(0)
                    case ("flood", framed, count):
                        for _ in range(count if len(framed) < 5000 else 3):
                            writer.write(framed)
                            await writer.drain()
                    case "hang up":
                        return
                    case _:
                        assert self.act is not None
                        await self.act(step)
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            self.done.set()


class Ear:
    """What hears through the link, and what is told of it."""

    def __init__(self, link: WyomingLink) -> None:
        self.link = link
        self.heard = bytearray()
        self.lost = 0

    def hear(self, pcm: bytes) -> None:
        assert len(pcm) % 2 == 0, "half a sample"
        assert 0 < len(pcm) <= PIECE_BYTES
        self.heard = bytearray(pcm)

    def lose(self) -> None:
        self.lost += 1

    async def act(self, step: Any) -> None:
        if step[1]:
            self.link.hear(self.hear, self.lose)
        else:
            self.link.ignore(self.hear)
            self.link.rearm()
        assert len(self.link._backlog) <= BACKLOG_CHUNKS


def note_word(words: list[str | None], word: str | None) -> None:
    assert word is None or isinstance(word, str)
    words.append(word)


async def stay_connected(script: list[Any], *, introduced: bool) -> None:
    failures: list[dict[str, Any]] = []
    fail_loudly(asyncio.get_running_loop(), failures)
    words: list[str | None] = []
    async with Satellite(script, introduced=introduced).serving() as satellite:
        link = WyomingLink("127.0.0.1", satellite.port, woken=lambda word: note_word(words, word), changed=lambda: None)
        ear = Ear(link)
        satellite.act = ear.act
        running = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(600):
                await satellite.done.wait()
                # What was sent last may be in the way of a sane satellite, until the link notices that it is gone.
                await asyncio.sleep(15)
                while link.state is not LinkState.READY:
                    assert not running.done(), running
                    await asyncio.sleep(1)
                link.hear(ear.hear, ear.lose)
                ear.heard.clear()
                while not ear.heard:
                    assert not running.done(), running
                    await asyncio.sleep(1)
        finally:
            running.cancel()
            outcome = (await asyncio.gather(running, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError), outcome
    assert not failures, failures


@given(scripts, st.booleans())
@examples(60)
def test_the_link_to_a_satellite_lives_on(socket_enabled, script, introduced) -> None:
    with quiet():
        run(stay_connected(script, introduced=introduced))


async def probe(script: list[Any]) -> None:
    async with Satellite(script, introduced=False).serving() as satellite:
        satellite.act = lambda _: asyncio.sleep(0)
        assert await async_probe("127.0.0.1", satellite.port) in Finding


@given(scripts)
@examples(30)
def test_whoever_is_at_an_address_is_asked_in_peace(socket_enabled, script) -> None:
    with quiet():
        run(probe(script))


def test_a_chunk_is_what_the_rig_takes_it_for() -> None:
    """The one that is heard at the end."""
    assert (
        AudioChunk.from_event(Event("audio-chunk", {"rate": 16_000, "width": 2, "channels": 1}, b"\1\0")).samples == 1
    )
