"""Whatever is filled into a form: it is refused, shown again with what is wrong, or saved as something that works."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import probatio
import pytest
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_API_KEY, CONF_COMMAND, CONF_HEADERS, CONF_HOST, CONF_TIMEOUT, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow, section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import selector
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice import const
from custom_components.rtvoice.const import DOMAIN
from simulator import Simulator
from tests.engine.mcp.test_http import answering
from tests.engine.subagents.conftest import ChatServer, chat_server, completion  # noqa: F401 - a fixture
from tests.ha.conftest import AGENT_ID, API_KEY
from tests.ha.house import SATELLITE
from tests.ha.test_tools_actions import pictures  # noqa: F401 - a fixture

from . import scripted
from .explore import Draw, explore_drawing
from .quiet import PIN, SECRETS, TOKEN, WORDS, quiet
from .shapes import wild
from .shown import check_shown
from .test_mcp import Server

_ENGLISH: Final = json.loads((Path(const.__file__).parent / "translations/en.json").read_text(encoding="utf-8"))

_texts: Final = st.one_of(
    st.sampled_from(
        [
            WORDS,
            "",
            " ",
            "💥",
            "\0",
            "x" * 3000,
            "nan",
            "inf",
            "-1",
            "1e999",
            "{{ 1 / 0 }}",
            "{{",
            "{% if %}",
            "../..",
            "a\nb",
        ]
    ),
    st.text(max_size=6),
)
_numbers: Final = st.one_of(
    st.integers(-2, 12),
    st.floats(-1, 5000),
    st.sampled_from(["nan", "inf", "-inf", "1", "", None, True, 1e308, 2**63, "1_0", "٣"]),
)
_ENTITIES: Final = (SATELLITE, "media_player.none", "wake_word.none", "conversation.voice_agent", "light.x", "x", "")
_times: Final = st.sampled_from(
    [
        "22:00:00",
        "06:30:00",
        "1:2",
        "24:00",
        "22:00",
        "",
        "nan",
        "22:00:00.5",
        "22:00:00+02:00",
        5,
        None,
        "2:3:4",
        "0:00",
    ]
)


def _good(base_url: str, shop_url: str) -> dict[str, Any]:
    """What leads to somebody who answers."""
    return {
        const.CONF_BASE_URL: base_url,
        # A name would be one in the internet.
        const.CONF_RESOURCE: base_url,
        CONF_URL: shop_url,
        CONF_COMMAND: sys.executable,
        const.CONF_ARGUMENTS: [scripted.__file__],
        const.CONF_ENVIRONMENT: [f"{scripted.VARIABLE}={TOKEN}"],
        const.CONF_CONFIRMED: True,
        const.CONF_AUTHORIZATION: TOKEN,
        const.CONF_INPUT: "default",
        const.CONF_OUTPUT: "default",
        const.CONF_PIN: PIN,
        const.CONF_SENSITIVE_PERMISSION: "pin",
        CONF_API_KEY: API_KEY,
        CONF_HOST: "127.0.0.1",
        CONF_HEADERS: [f"X-Key: {TOKEN}"],
        CONF_TIMEOUT: 5,
    }


def _places(base_url: str) -> dict[str, st.SearchStrategy[Any]]:
    """What leads somewhere leads nowhere but to this machine."""
    addresses = st.sampled_from(
        [
            base_url,
            f"{base_url}/",
            "http://127.0.0.1:9",
            "https://127.0.0.1:9/v1",
            "ws://127.0.0.1:9",
            "127.0.0.1:9",
            "http://",
            "http://[",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:x",
            f"http://user:{TOKEN}@127.0.0.1:9/?key={TOKEN}",
            "ftp://127.0.0.1:9",
            "http://127.0.0.1:9/\n",
            "http://127.0.0.1:9/💥",
            "",
            " ",
            "\0",
            5,
            None,
        ]
    )
    return {
        const.CONF_BASE_URL: addresses,
        const.CONF_RESOURCE: addresses.filter(
            lambda text: not isinstance(text, str) or ":" in text or not text.strip()
        ),
        CONF_URL: addresses,
        CONF_HOST: st.sampled_from(["127.0.0.1", "127.0.0.1:9", "", " ", "\0", 5]),
        CONF_COMMAND: st.sampled_from(["/nonexistent/program", "", " ", "/", "\0", "true", "false"]),
        const.CONF_INPUT: st.one_of(
            _texts.filter(lambda text: not text.strip().isdigit()),
            st.sampled_from(["file:", "file:/etc/passwd", "file:x", "file:\0", "file:/tmp"]),
        ),
        const.CONF_OUTPUT: st.one_of(
            _texts.filter(lambda text: not text.strip().isdigit()),
            st.sampled_from(["file:", "file:/etc/x", "file:x", "file:\0"]),
        ),
        const.CONF_PIN: st.sampled_from([PIN, "", "12", "abcd", "٣٣٣٣", " 1234 ", 1234]),
        const.CONF_AUTHORIZATION: st.sampled_from([TOKEN, "", "\0", "a\nb", "💥"]),
        "api_key": st.sampled_from([API_KEY, TOKEN, "", " ", "\0", "💥", "a b"]),
        "headers": st.lists(st.sampled_from([f"X-Key: {TOKEN}", "x", ":", "a: \n", "💥: x", "a: 💥", " "]), max_size=2),
        "environment": st.lists(st.sampled_from([f"KEY={TOKEN}", "x", "=", "a=\0", " "]), max_size=2),
    }


def _filled(
    schema: Any, places: dict[str, st.SearchStrategy[Any]], good: dict[str, Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """What a form may be filled in with: mostly what it asks for, but for a few fields."""
    well = _fields(schema, {key: st.just(value) for key, value in (good or {}).items()}, _sane)
    anyhow = _fields(schema, places, _value)
    odd = st.dictionaries(st.sampled_from(["more", "name", "model"]), wild, max_size=1)
    return st.one_of(
        st.fixed_dictionaries(well),
        _spoiled(well, anyhow),
        _spoiled(well, anyhow),
        st.fixed_dictionaries(anyhow),
        st.builds(lambda filled, more: {**filled, **more}, st.fixed_dictionaries({}, optional=anyhow), odd),
    )


type _Fields = dict[str, st.SearchStrategy[Any]]


def _fields(schema: Any, places: _Fields, of: Callable[[Any, _Fields], st.SearchStrategy[Any]]) -> _Fields:
    named = {str(marker): value for marker, value in schema.schema.items()}
    return {key: places[key] if key in places else of(value, places) for key, value in named.items()}


@st.composite
def _spoiled(draw: st.DrawFn, well: _Fields, anyhow: _Fields) -> dict[str, Any]:
    """A form that is filled in well but for one or two fields."""
    filled = {key: draw(value) for key, value in well.items()}
    for key in draw(st.lists(st.sampled_from(sorted(well)), min_size=1, max_size=2)) if well else ():
        if draw(st.booleans()):
            filled.pop(key, None)
        else:
            filled[key] = draw(anyhow[key])
    return filled


def _sane(value: Any, places: _Fields) -> st.SearchStrategy[Any]:
    """What a field asks for."""
    match value:
        case section():
            return st.fixed_dictionaries(_fields(value.schema, places, _sane))
        case probatio.All():
            return _sane(value.validators[0], places)
        case selector.SelectSelector():
            options = [one if isinstance(one, str) else one["value"] for one in value.config["options"]]
            one = st.sampled_from(options) if options else st.nothing()
            return st.just([]) if value.config["multiple"] else one if options else st.just(WORDS)
        case selector.NumberSelector():
            return st.sampled_from([value.config.get("min", 0), value.config.get("max", 100)])
        case selector.BooleanSelector():
            return st.booleans()
        case selector.TimeSelector():
            return st.just("22:00:00")
        case selector.EntitySelector():
            return st.just([]) if value.config["multiple"] else st.just(SATELLITE)
        case selector.TextSelector() if value.config["multiple"]:
            return st.just([])
        case _:
            return st.just(WORDS)


def _value(value: Any, places: _Fields) -> st.SearchStrategy[Any]:
    match value:
        case section():
            fields = _fields(value.schema, places, _value)
            return st.one_of(st.fixed_dictionaries(fields), st.fixed_dictionaries({}, optional=fields))
        case probatio.All():
            return _value(value.validators[0], places)
        case selector.SelectSelector():
            options = [one if isinstance(one, str) else one["value"] for one in value.config["options"]]
            known = st.sampled_from(options) if options else st.nothing()
            one = known | _texts if value.config["custom_value"] else known
            return st.lists(one, max_size=3) if value.config["multiple"] else one
        case selector.NumberSelector():
            low, high = value.config.get("min", 0), value.config.get("max", 100)
            return st.one_of(st.sampled_from([low, high]), st.floats(low, high), st.floats(low, high), _numbers)
        case selector.BooleanSelector():
            return st.booleans()
        case selector.TimeSelector():
            return _times
        case selector.EntitySelector():
            one = st.sampled_from(_ENTITIES)
            return st.lists(one, max_size=2) if value.config["multiple"] else one
        case selector.TextSelector() if value.config["multiple"]:
            return st.lists(_texts, max_size=3)
        case _:
            return _texts


def check_form(kind: str, result: Any) -> None:
    """What is wrong is said in words that there are."""
    errors = _ENGLISH["config_subentries"][kind]["error"] if kind else _ENGLISH["config"]["error"]
    for field, key in (result["errors"] or {}).items():
        assert isinstance(field, str)
        assert key in errors, f"{key} of {field} is not translated"
        assert key != "unknown"


def shown_in(schema: Any) -> str:
    """What a form is filled in with already, but for the lines of a server's headers and variables."""
    lines = (CONF_HEADERS, const.CONF_ENVIRONMENT)
    return str([(marker, marker.default, marker.description) for marker in schema.schema if str(marker) not in lines])


class Visitor:
    """Somebody who fills in forms, and uses what comes of it."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, places: _Fields, good: dict[str, Any]) -> None:
        self.hass = hass
        self.entry = entry
        self.places = places
        self.good = good
        self.saved = 0

    async def go(self, kind: str, draw: Draw) -> None:
        flows = self.hass.config_entries.subentries
        before = dict(self.entry.subentries)
        result = await flows.async_init((self.entry.entry_id, kind), context={"source": SOURCE_USER})
        flow_id = result["flow_id"]
        try:
            for _ in range(4):
                if result["type"] is FlowResultType.MENU:
                    answer: dict[str, Any] = {"next_step_id": await draw(st.sampled_from(result["menu_options"]))}
                elif result["type"] is FlowResultType.FORM:
                    check_form(kind, result)
                    answer = await self.fill(result, draw)
                else:
                    break
                try:
                    result = await flows.async_configure(flow_id, answer)
                except InvalidData:
                    # The form itself says so.
                    continue
            await self.hass.async_block_till_done()
            for subentry_id in self.entry.subentries.keys() - before:
                self.saved += 1
                await self.use(kind, subentry_id)
                await self.change(kind, subentry_id, draw)
                await self.use(kind, subentry_id)
        finally:
            with suppress(UnknownFlow):
                flows.async_abort(flow_id)
            for subentry_id in self.entry.subentries.keys() - before:
                self.hass.config_entries.async_remove_subentry(self.entry, subentry_id)
            self.hass.config_entries.async_update_subentry(
                self.entry, self.entry.subentries[AGENT_ID], data=before[AGENT_ID].data
            )
        await self.hass.async_block_till_done()

    async def fill(self, form: Any, draw: Draw) -> dict[str, Any]:
        return await draw(_filled(form["data_schema"], self.places, self.good))

    async def change(self, kind: str, subentry_id: str, draw: Draw) -> None:
        """Fill in the form of what is there already."""
        flows = self.hass.config_entries.subentries
        context = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
        result = await flows.async_init((self.entry.entry_id, kind), context=context)
        flow_id = result["flow_id"]
        try:
            for _ in range(3):
                if result["type"] is not FlowResultType.FORM:
                    break
                check_form(kind, result)
                try:
                    result = await flows.async_configure(flow_id, await self.fill(result, draw))
                except InvalidData:
                    continue
            await self.hass.async_block_till_done()
        finally:
            with suppress(UnknownFlow):
                flows.async_abort(flow_id)

    async def use(self, kind: str, subentry_id: str) -> None:
        """What was saved works, or says in words why not."""
        assert self.entry.state is ConfigEntryState.LOADED
        await check_shown(self.hass, self.entry)
        flow = await self.hass.config_entries.subentries.async_init(
            (self.entry.entry_id, kind), context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
        )
        assert flow["type"] is FlowResultType.FORM
        assert not any(secret in shown_in(flow["data_schema"]) for secret in SECRETS)
        self.hass.config_entries.subentries.async_abort(flow["flow_id"])
        if kind == const.SUBENTRY_AGENT:
            agent = entity_of_main(self.hass, "conversation", subentry_id)
            await self.start(SATELLITE, agent=agent)
        elif kind == const.SUBENTRY_SATELLITE:
            await self.start(entity_of_main(self.hass, "assist_satellite", subentry_id))
        else:
            field = const.CONF_SUBAGENTS if kind == const.SUBENTRY_SUBAGENT else const.CONF_MCP_SERVERS
            agent_entry = self.entry.subentries[AGENT_ID]
            options = {**agent_entry.data, field: [subentry_id]}
            self.hass.config_entries.async_update_subentry(self.entry, agent_entry, data=options)
            await self.hass.async_block_till_done()
            await self.start(SATELLITE)

    async def start(self, satellite: str, **fields: str) -> None:
        try:
            await self.hass.services.async_call(DOMAIN, "start", {"entity_id": satellite, **fields}, blocking=True)
        except HomeAssistantError as err:
            refusal: HomeAssistantError | None = err
        else:
            refusal = None
        assert refusal is None or refusal.translation_key not in (None, "unexpected")
        await self.hass.services.async_call(DOMAIN, "stop", {"entity_id": satellite}, blocking=True)


def entity_of_main(hass: HomeAssistant, platform: str, subentry_id: str) -> str:
    from homeassistant.helpers import entity_registry as er

    entity_id = er.async_get(hass).async_get_entity_id(platform, DOMAIN, subentry_id)
    assert entity_id is not None
    return entity_id


@pytest.mark.parametrize("kind", ["agent", "satellite", "subagent", "mcp_server"])
async def test_no_form_of_a_subentry_saves_what_does_not_work(
    hass: HomeAssistant,
    house: HomeAssistant,
    pictures: None,  # noqa: F811
    simulator: Simulator,
    chat_server: ChatServer,  # noqa: F811
    setup_integration: MockConfigEntry,
    kind: str,
) -> None:
    chat_server.script.extend([completion("Ready.")] * 10_000)
    async with answering(Server().serve) as shop_url:
        good = _good(chat_server.url if kind == "subagent" else simulator.base_url, f"{shop_url}/mcp")
        visitor = Visitor(hass, setup_integration, _places(simulator.base_url), good)

        async def attempt(draw: Draw) -> None:
            with quiet():
                await visitor.go(kind, draw)

        await explore_drawing({"agent": 10, "satellite": 8, "subagent": 6, "mcp_server": 10}[kind], attempt)
    assert visitor.saved > 1, "a form that is hardly ever saved shows nothing"


async def test_no_form_of_an_account_fails_without_words(
    hass: HomeAssistant, house: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    places, good = _places(simulator.base_url), _good(simulator.base_url, "")
    flows = hass.config_entries.flow

    async def attempt(draw: Draw) -> None:
        with quiet():
            result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
            try:
                provider = await draw(st.sampled_from(["compatible", "compatible", "azure_openai"]))
                result = await flows.async_configure(result["flow_id"], {"next_step_id": provider})
                for _ in range(3):
                    if result["type"] is not FlowResultType.FORM:
                        break
                    check_form("", result)
                    try:
                        result = await flows.async_configure(
                            result["flow_id"], await draw(_filled(result["data_schema"], places, good))
                        )
                    except InvalidData:
                        continue
                await hass.async_block_till_done()
            finally:
                with suppress(UnknownFlow):
                    flows.async_abort(result["flow_id"])
                for entry in hass.config_entries.async_entries(DOMAIN):
                    if entry is not setup_integration:
                        assert entry.state is ConfigEntryState.LOADED
                        await check_shown(hass, entry)
                        await hass.config_entries.async_remove(entry.entry_id)

    await explore_drawing(15, attempt)


@pytest.mark.parametrize("source", [SOURCE_RECONFIGURE, SOURCE_REAUTH])
async def test_no_change_of_an_account_fails_without_words(
    hass: HomeAssistant, house: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, source: str
) -> None:
    entry, before = setup_integration, dict(setup_integration.data)
    places, good = _places(simulator.base_url), _good(simulator.base_url, "")
    changed = 0

    async def attempt(draw: Draw) -> None:
        nonlocal changed
        with quiet():
            context = {"source": source, "entry_id": entry.entry_id}
            result = await hass.config_entries.flow.async_init(DOMAIN, context=context, data=before)
            try:
                for _ in range(3):
                    if result["type"] is not FlowResultType.FORM:
                        break
                    check_form("", result)
                    assert not any(secret in shown_in(result["data_schema"]) for secret in SECRETS)
                    try:
                        result = await hass.config_entries.flow.async_configure(
                            result["flow_id"], await draw(_filled(result["data_schema"], places, good))
                        )
                    except InvalidData:
                        continue
                await hass.async_block_till_done()
                changed += result["type"] is FlowResultType.ABORT
                assert entry.state is ConfigEntryState.LOADED
                await check_shown(hass, entry)
            finally:
                with suppress(UnknownFlow):
                    hass.config_entries.flow.async_abort(result["flow_id"])
                hass.config_entries.async_update_entry(entry, data=before)
                await hass.async_block_till_done()

    await explore_drawing(10, attempt)
    assert changed
