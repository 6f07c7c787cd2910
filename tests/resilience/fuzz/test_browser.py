"""Whatever a page or another client of the card sends: it is answered or dismissed, and the next page is served."""

import asyncio
import contextlib
import json
from typing import Any, Final

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from hypothesis import strategies as st

from custom_components.rtvoice.const import DOMAIN
from simulator import Plan, Say, ScriptedBrain, Turn
from tests.ha.browser import TABLET, Commands, Page

from .explore import explore
from .quiet import WORDS, quiet
from .shapes import mutated, wild
from .shown import check_shown

_COMMANDS: Final = (
    "satellites",
    "session/subscribe",
    "session/start",
    "session/stop",
    "session/interrupt",
    "session/send_message",
    "session/set_muted",
    "browser/connect",
)

_CODES: Final = {None, 1000, 1001, 1002, 1006, 1007, 1008, 1009, 4001}
"""With which the server may close; 1006 is what is left of a connection that was cut."""

_counts: Final = st.one_of(
    st.sampled_from([0, 1, -1, 480, 24_000, 2**31, 2**32, 2**63 - 1, -(2**63), 10**30, 1.5, True, None, "5"]),
    st.integers(0, 50_000),
)
_rates: Final = st.sampled_from(
    [24_000, 24_000, 24_000, 48_000, 8_000, 44_100, 7_999, 48_001, 0, -1, 24_000.0, "24000", None, True]
)
_hello: Final = st.fixed_dictionaries(
    {
        "type": st.just("hello"),
        "protocol": st.sampled_from([1, 1, 1, 1, 2, 0, "1", None]),
        "input_rate_hz": _rates,
        "output_rate_hz": _rates,
    }
)
_good_hello: Final = st.just({"type": "hello", "protocol": 1, "input_rate_hz": 24_000, "output_rate_hz": 24_000})
_said: Final = st.one_of(
    st.fixed_dictionaries({"type": st.just("played"), "epoch": _counts, "samples": _counts}),
    st.fixed_dictionaries({"type": st.just("played"), "epoch": st.integers(0, 30), "samples": _counts}),
    st.fixed_dictionaries(
        {
            "type": st.just("microphone_failed"),
            "reason": st.sampled_from(["denied", "missing", "insecure", "lost", "", "x", 5]),
        }
    ),
    st.just({"type": "pong"}),
    st.fixed_dictionaries({"type": st.sampled_from(["ready", "later", "", "clear", "replaced"]), "epoch": wild}),
)
_audio: Final = st.one_of(
    st.integers(1, 100).map(lambda ms: bytes(ms * 48)),
    st.just(b"\x40\x20" * 480),
    st.binary(max_size=5),
    st.sampled_from([4800, 4801, 4802, 65_535, 65_536]).map(bytes),
)
_raw: Final = st.sampled_from(
    ["", "{", "[]", "null", "5", "[" * 3000, '{"type": NaN}', '{"type": ' + "9" * 500 + "}", "\ud7ff\0", "x" * 60_000]
)
_steps: Final = st.one_of(
    _said.map(json.dumps),
    _said.map(json.dumps),
    _audio,
    _audio,
    mutated(st.one_of(_said, _hello)).map(json.dumps),
    _raw,
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.02, 0.1])),
    st.tuples(st.just("flood"), st.one_of(_said.map(json.dumps), _audio), st.integers(2, 200)),
    st.tuples(st.just("do"), st.sampled_from(_COMMANDS[1:])),
    st.just("ping"),
    st.just("abort"),
)
scripts: Final = st.tuples(
    st.one_of(_good_hello, _good_hello, _hello, mutated(_hello)).map(json.dumps),
    st.booleans(),
    st.lists(_steps, max_size=12),
)


_FIELDS: Final = {
    "session/start": {"prompt": WORDS},
    "session/send_message": {"text": WORDS},
    "session/set_muted": {"muted": False},
}


class Visitor:
    """A page that does as the script says."""

    def __init__(self, commands: Commands, web: TestClient) -> None:
        self.commands = commands
        self.web = web

    async def visit(self, script: tuple[str, bool, list[Any]]) -> None:
        hello, in_session, steps = script
        url = (await self.commands.result("browser/connect", entity_id=TABLET))["url"]
        socket = await self.web.ws_connect(url, max_msg_size=0)
        reading = asyncio.create_task(self._read(socket))
        await self._say(socket, hello)
        if in_session:
            await self.commands.ask("session/start", entity_id=TABLET, message=WORDS)
        for step in steps:
            await self._step(socket, step)
        await asyncio.sleep(0)
        await socket.close()
        assert await reading in _CODES

    async def _step(self, socket: ClientWebSocketResponse, step: Any) -> None:
        match step:
            case ("wait", seconds):
                await asyncio.sleep(seconds)
            case ("flood", what, count):
                for _ in range(count):
                    await self._say(socket, what)
            case ("do", command):
                await self.commands.ask(command, entity_id=TABLET, **_FIELDS.get(command, {}))
            case "ping" if not socket.closed:
                with contextlib.suppress(ConnectionError):
                    await socket.ping(b"x")
            case "abort" if socket._conn is not None and socket._conn.transport is not None:
                socket._conn.transport.abort()
            case str() | bytes():
                await self._say(socket, step)

    async def _say(self, socket: ClientWebSocketResponse, what: str | bytes) -> None:
        if socket.closed:
            return
        try:
            await (socket.send_bytes(what) if isinstance(what, bytes) else socket.send_str(what))
        except ConnectionError:
            # It was dismissed, which is as it should be.
            return

    async def _read(self, socket: ClientWebSocketResponse) -> int | None:
        epoch = -1
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                assert len(message.data) > 4
                assert len(message.data) % 2 == 0
                assert int.from_bytes(message.data[:4], "little") >= epoch
            elif message.type is WSMsgType.TEXT:
                told = message.json()
                assert told["type"] in {"ready", "microphone", "clear", "ping", "replaced", "error"}
                epoch = told["epoch"] if told["type"] == "clear" else epoch
        return socket.close_code


@pytest.fixture
def talkative(brain: ScriptedBrain) -> ScriptedBrain:
    """An agent that always has something to say."""
    for _ in range(3000):
        brain.add(Turn("", (Plan((Say(f"{WORDS} and so on.", seconds=2),)),)))
    return brain


async def test_no_page_breaks_a_satellite(
    house: HomeAssistant, talkative: ScriptedBrain, commands: Commands, web: TestClient
) -> None:
    visitor = Visitor(commands, web)

    async def attempt(script: Any) -> None:
        with quiet():
            await visitor.visit(script)
            await commands.ask("session/stop", entity_id=TABLET)
            # Whatever came before, a sane page can be talked with.
            url = (await commands.result("browser/connect", entity_id=TABLET))["url"]
            page = await Page.open(web, url)
            await page.leave()
            await check_shown(house, account)

    (account,) = house.config_entries.async_entries(DOMAIN)
    await explore(scripts, 25, attempt)
    assert await house.config_entries.async_reload(account.entry_id)


_entities: Final = st.sampled_from(
    [
        TABLET,
        TABLET,
        "assist_satellite.local_satellite",
        "assist_satellite.none",
        "light.x",
        "",
        "x",
        "💥.x",
        5,
        None,
        [TABLET],
    ]
)
_fields: Final = st.fixed_dictionaries(
    {},
    optional={
        "entity_id": _entities,
        "message": st.one_of(wild, st.just(WORDS)),
        "prompt": st.one_of(wild, st.just(WORDS)),
        "text": st.one_of(wild, st.just(WORDS)),
        "agent": st.one_of(_entities, st.sampled_from(["conversation.voice_agent", "conversation.none"])),
        "muted": wild,
        "more": wild,
    },
)
_ERRORS: Final = {
    "invalid_format",
    "not_found",
    "not_allowed",
    "unauthorized",
    "home_assistant_error",
    "service_validation_error",
    "unknown_command",
}


def commands_of(hass: HomeAssistant) -> set[str]:
    """Those that Home Assistant has of us."""
    return {kind.partition("/")[2] for kind in hass.data["websocket_api"] if kind.startswith(f"{DOMAIN}/")}


async def test_no_command_breaks_the_websocket_api(
    house: HomeAssistant, talkative: ScriptedBrain, commands: Commands, page: Page
) -> None:
    async def attempt(asked: list[tuple[str, dict[str, Any]]]) -> None:
        with quiet():
            for kind, fields in asked:
                answer = await commands.ask(kind, **fields)
                assert answer["success"] or answer["error"]["code"] in _ERRORS, answer
            await check_shown(house, account)

    (account,) = house.config_entries.async_entries(DOMAIN)
    assert set(_COMMANDS) == commands_of(house)
    await explore(
        st.lists(
            st.tuples(
                st.sampled_from([*_COMMANDS, "none"]),
                st.one_of(_fields, _fields.map(lambda fields: {"entity_id": TABLET, **fields})),
            ),
            max_size=6,
        ),
        30,
        attempt,
    )
    await commands.ask("session/stop", entity_id=TABLET)


_tickets: Final = st.one_of(
    st.text(max_size=40), st.sampled_from(["..", "../..", "%00", "a" * 5000, "💥", "?authSig=x", "/"])
)


async def test_no_address_opens_a_socket(house: HomeAssistant, commands: Commands, web: TestClient) -> None:
    good = (await commands.result("browser/connect", entity_id=TABLET))["url"]

    async def attempt(asked: tuple[str, str, bool]) -> None:
        ticket, signature, signed = asked
        path, _, query = good.partition("?")
        url = f"{path.rpartition('/')[0]}/{ticket}?{query if signed else f'authSig={signature}'}"
        with quiet(), pytest.raises((WSServerHandshakeError, ValueError)) as refused:
            await web.ws_connect(url)
        if isinstance(refused.value, WSServerHandshakeError):
            assert refused.value.status in {400, 401, 403, 404}

    await explore(st.tuples(_tickets, st.text(max_size=30), st.booleans()), 25, attempt)
