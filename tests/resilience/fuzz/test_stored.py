"""Whatever is stored of an account, by an older version or by a broken one: it works, or says in words why not."""

import random
from contextlib import suppress
from itertools import count
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.const import CONF_API_KEY, CONF_COMMAND, CONF_HEADERS, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice import const
from custom_components.rtvoice.const import DOMAIN
from tests.ha.conftest import AGENT_ID

from .explore import explore
from .quiet import PIN, TOKEN, WORDS, quiet
from .shapes import mutated, wild
from .shown import check_shown

_MORE: Final = {
    "cook": (
        const.SUBENTRY_SUBAGENT,
        {"description": WORDS, "model": "tiny", const.CONF_BASE_URL: "http://127.0.0.1:9", CONF_API_KEY: TOKEN},
    ),
    "shop": (
        const.SUBENTRY_MCP_SERVER,
        {
            const.CONF_TRANSPORT: "auto",
            CONF_URL: f"http://127.0.0.1:9/{TOKEN}",
            const.CONF_AUTHORIZATION: TOKEN,
            CONF_HEADERS: [f"X-Key: {TOKEN}"],
        },
    ),
    "program": (
        const.SUBENTRY_MCP_SERVER,
        {const.CONF_TRANSPORT: "stdio", CONF_COMMAND: "/nonexistent", const.CONF_ENVIRONMENT: [f"KEY={TOKEN}"]},
    ),
    "tablet": (const.SUBENTRY_SATELLITE, {const.CONF_KIND: "browser"}),
    "hall": (const.SUBENTRY_SATELLITE, {const.CONF_KIND: "wyoming", "host": "127.0.0.1", "port": 9}),
}
_ANYTHING: Final = st.one_of(
    wild,
    st.sampled_from([None, "", "x", 5, 0, -1.5, True, [], ["x"], {}, {"x": None}, WORDS, "http://[", "http://x:y"]),
)


@st.composite
def _aged(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """Options of another version: some are missing, some are new, some say what nobody knows any more."""
    aged = dict(data)
    for key in draw(st.lists(st.sampled_from(sorted(data)), max_size=3)):
        match aged.pop(key, None), draw(st.booleans()):
            case _, True:
                continue
            case bool(value), _:
                aged[key] = not value
            case (int() | float()) as value, _:
                aged[key] = draw(st.sampled_from([0, -1, 1e9, value + 0.5, str(value)]))
            case str(), _:
                aged[key] = draw(st.sampled_from(["", "x", WORDS, AGENT_ID, "http://[", "file:x"]))
            case list(), _:
                aged[key] = draw(st.sampled_from([[], ["x"], [""]]))
    return aged | draw(st.dictionaries(st.sampled_from(["more", "x"]), _ANYTHING, max_size=1))


@st.composite
def _stored(draw: st.DrawFn, sane: dict[str, Any]) -> dict[str, Any]:
    """All of an account; what stands in it itself may be broken in any way."""
    account = sane["data"]
    subentries = {
        name: [draw(st.sampled_from([kind] * 9 + ["x"])), draw(_aged(data)) if draw(st.booleans()) else data]
        for name, (kind, data) in sane["subentries"].items()
        if draw(st.integers(0, 5))
    }
    return {
        "data": draw(mutated(st.just(account), _ANYTHING)) if draw(st.booleans()) else account,
        "options": draw(st.dictionaries(st.sampled_from(["more", "x"]), _ANYTHING, max_size=1)),
        "minor_version": draw(st.sampled_from([0, 1, 1, 7])),
        "subentries": subentries,
    }


async def test_nothing_that_is_stored_breaks_home_assistant(
    hass: HomeAssistant, house: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    sane = {
        "data": dict(mock_entry.data),
        "subentries": {
            subentry.subentry_id: [subentry.subentry_type, dict(subentry.data)]
            for subentry in mock_entry.subentries.values()
        }
        | {name: list(more) for name, more in _MORE.items()},
    }
    sane["subentries"][AGENT_ID][1] |= {const.CONF_PIN: PIN, const.CONF_INSTRUCTIONS: WORDS}
    await hass.config_entries.async_remove(mock_entry.entry_id)
    loaded, numbers = 0, count()

    async def attempt(stored: dict[str, Any]) -> None:
        nonlocal loaded
        # Hypothesis lets chance begin anew with each example, and Home Assistant would give its ids twice.
        random.seed(next(numbers))
        entry = entry_of(stored)
        entry.add_to_hass(hass)
        with quiet():
            try:
                await hass.config_entries.async_setup(entry.entry_id)
                await hass.async_block_till_done()
                assert entry.state in (
                    ConfigEntryState.LOADED,
                    ConfigEntryState.SETUP_ERROR,
                    ConfigEntryState.SETUP_RETRY,
                    ConfigEntryState.MIGRATION_ERROR,
                )
                await check_shown(hass, entry)
                if entry.state is ConfigEntryState.LOADED:
                    loaded += 1
                    for satellite in hass.states.async_entity_ids("assist_satellite"):
                        for action in ("start", "stop"):
                            with suppress(HomeAssistantError):
                                await hass.services.async_call(DOMAIN, action, {"entity_id": satellite}, blocking=True)
                    await check_shown(hass, entry)
            finally:
                await hass.config_entries.async_remove(entry.entry_id)
                await hass.async_block_till_done(wait_background_tasks=True)

    await explore(_stored(sane), 25, attempt)
    assert loaded > 5


def entry_of(stored: dict[str, Any]) -> MockConfigEntry:
    kept = [
        ConfigSubentryDataWithId(subentry_id=name, subentry_type=kind, title=name, data=data, unique_id=None)
        for name, (kind, data) in stored["subentries"].items()
    ]
    more = {key: stored[key] for key in ("data", "options", "minor_version")}
    return MockConfigEntry(domain=DOMAIN, title="Stored", unique_id="stored", subentries_data=kept, **more)
