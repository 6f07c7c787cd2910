"""Adding and changing a satellite."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, SubentryFlowResult
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_AGENT,
    CONF_ECHO,
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    CONF_SPEAKER,
    CONF_WAKE_CUES,
    CONF_WAKE_ENGINE,
    CONF_WAKE_INTERRUPTS,
    CONF_WAKE_WORD,
    DEFAULT_AGENT_NAME,
    DEFAULT_SATELLITE_NAME,
    KIND_BROWSER,
    KIND_LOCAL,
    KIND_WYOMING,
    SUBENTRY_SATELLITE,
)
from custom_components.rtvoice.flows.wyoming_form import read_wyoming

from .conftest import AGENT_ID, SATELLITE_ID
from .wake_rig import ENGINE, hearing
from .wyoming_rig import NO_SATELLITE, RigSatellite


async def add(hass: HomeAssistant, entry: MockConfigEntry, kind: str = KIND_LOCAL) -> SubentryFlowResult:
    """Open the form of a new satellite of a kind."""
    menu = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_SATELLITE), context={"source": SOURCE_USER}
    )
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "user")
    form = await submit(hass, menu, {"next_step_id": kind})
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, kind, {})
    return form


async def submit(hass: HomeAssistant, form: SubentryFlowResult, user_input: dict[str, Any]) -> SubentryFlowResult:
    """Fill the form in."""
    return await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)


def suggested(form: SubentryFlowResult) -> dict[str, Any]:
    """What the form shows as values."""
    markers = form["data_schema"].schema
    return {marker.schema: marker.description["suggested_value"] for marker in markers if marker.description}


async def test_the_systems_devices_and_the_first_agent_are_taken_unless_told(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await add(hass, mock_entry)
    name = f"{DEFAULT_SATELLITE_NAME} 2"
    assert suggested(form) == {CONF_NAME: name}
    result = await submit(hass, form, {CONF_INPUT: " ", CONF_OUTPUT: ""})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, name)
    assert result["data"] == {CONF_KIND: KIND_LOCAL}
    assert suggested(await add(hass, mock_entry)) == {CONF_NAME: f"{DEFAULT_SATELLITE_NAME} 3"}


async def test_devices_and_agents_are_offered(
    hass: HomeAssistant, mock_entry: MockConfigEntry, sound_card: None
) -> None:
    form = await add(hass, mock_entry)
    fields = form["data_schema"].schema
    assert fields[CONF_INPUT].config["options"] == ["Desk microphone"]
    assert fields[CONF_OUTPUT].config["options"] == ["Desk speaker"]
    assert fields[CONF_AGENT].config["options"] == [{"value": AGENT_ID, "label": DEFAULT_AGENT_NAME}]

    filled = {CONF_NAME: "Desk", CONF_INPUT: "Desk microphone", CONF_OUTPUT: "Other speaker", CONF_AGENT: AGENT_ID}
    result = await submit(hass, form, filled)
    assert result["title"] == "Desk"
    assert result["data"] == {
        CONF_KIND: KIND_LOCAL,
        CONF_INPUT: "Desk microphone",
        CONF_OUTPUT: "Other speaker",
        CONF_AGENT: AGENT_ID,
    }


async def test_only_agents_of_the_account_can_be_chosen(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await add(hass, mock_entry)
    with pytest.raises(InvalidData):
        await submit(hass, form, {CONF_AGENT: "nobody"})


async def test_files_in_allowed_folders_are_devices_too(
    hass: HomeAssistant, mock_entry: MockConfigEntry, microphone: Path, speaker: Path
) -> None:
    files = {CONF_INPUT: f"file:{microphone}", CONF_OUTPUT: f"file:{speaker}"}
    result = await submit(hass, await add(hass, mock_entry), files)
    assert result["data"] == {CONF_KIND: KIND_LOCAL, **files}


@pytest.mark.parametrize(
    ("field", "path", "error"),
    [
        (CONF_INPUT, "/etc/passwd", "path_not_allowed"),
        (CONF_OUTPUT, "/etc/passwd", "path_not_allowed"),
        (CONF_OUTPUT, "{folder}/../answer.wav", "path_not_allowed"),
        (CONF_OUTPUT, "answer.wav", "path_not_allowed"),
        (CONF_OUTPUT, "", "path_not_allowed"),
        (CONF_OUTPUT, "{folder}/missing/answer.wav", "file_not_found"),
        (CONF_INPUT, "{folder}/missing.wav", "file_not_found"),
        (CONF_INPUT, "{folder}", "file_not_found"),
        (CONF_OUTPUT, "{folder}", "file_not_found"),
    ],
)
async def test_other_files_are_refused_and_nothing_is_lost(
    hass: HomeAssistant, mock_entry: MockConfigEntry, tmp_path: Path, field: str, path: str, error: str
) -> None:
    filled = {CONF_NAME: "Desk", field: f"file:{path.format(folder=tmp_path)}"}
    form = await submit(hass, await add(hass, mock_entry), filled)
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {field: error})
    assert suggested(form) == filled

    result = await submit(hass, form, {CONF_NAME: "Desk"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_changed_satellite_keeps_its_identity(
    hass: HomeAssistant, setup_integration: MockConfigEntry, microphone: Path, speaker: Path
) -> None:
    form = await setup_integration.start_subentry_reconfigure_flow(hass, SATELLITE_ID)
    assert suggested(form) == {
        CONF_NAME: DEFAULT_SATELLITE_NAME,
        CONF_INPUT: f"file:{microphone}",
        CONF_OUTPUT: f"file:{speaker}",
    }
    result = await submit(hass, form, {**suggested(form), CONF_NAME: "Kitchen", CONF_AGENT: AGENT_ID})
    await hass.async_block_till_done()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    satellite = setup_integration.subentries[SATELLITE_ID]
    assert satellite.title == "Kitchen"
    assert satellite.data[CONF_AGENT] == AGENT_ID


async def test_an_agent_that_is_gone_is_not_shown(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    satellite = mock_entry.subentries[SATELLITE_ID]
    hass.config_entries.async_update_subentry(mock_entry, satellite, data={CONF_KIND: KIND_LOCAL, CONF_AGENT: "gone"})
    form = await mock_entry.start_subentry_reconfigure_flow(hass, SATELLITE_ID)
    assert suggested(form) == {CONF_NAME: DEFAULT_SATELLITE_NAME}


@pytest.mark.parametrize("echo", ["cancel", "half_duplex", "off"])
async def test_what_is_done_about_the_echo(hass: HomeAssistant, mock_entry: MockConfigEntry, echo: str) -> None:
    form = await add(hass, mock_entry)
    assert set(form["data_schema"].schema[CONF_ECHO].config["options"]) == {"cancel", "half_duplex", "off"}
    result = await submit(hass, form, {CONF_ECHO: echo})
    assert result["data"] == {CONF_KIND: KIND_LOCAL, CONF_ECHO: echo}


async def test_a_satellite_of_the_first_days_is_local(
    hass: HomeAssistant, mock_entry: MockConfigEntry, microphone: Path, speaker: Path
) -> None:
    satellite = mock_entry.subentries[SATELLITE_ID]
    data = {key: value for key, value in satellite.data.items() if key != CONF_KIND}
    hass.config_entries.async_update_subentry(mock_entry, satellite, data=data)
    form = await mock_entry.start_subentry_reconfigure_flow(hass, SATELLITE_ID)
    assert form["step_id"] == KIND_LOCAL


async def test_a_satellite_of_a_kind_that_is_not_known_is_left_out(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    satellite = mock_entry.subentries[SATELLITE_ID]
    hass.config_entries.async_update_subentry(mock_entry, satellite, data={CONF_KIND: "telepathy"})
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    await hass.async_block_till_done()
    assert mock_entry.runtime_data.satellites == {}
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_a_wyoming_satellite_is_asked_who_it_is_before_it_is_saved(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await add(hass, mock_entry, KIND_WYOMING)
    async with RigSatellite().serving() as rig, RigSatellite(info=NO_SATELLITE).serving() as other:
        address = {CONF_NAME: "Hall", CONF_HOST: " 127.0.0.1 "}
        result = await submit(hass, form, {**address, CONF_PORT: other.port})
        assert result["errors"] == {CONF_HOST: "no_satellite"}
        assert suggested(result)[CONF_PORT] == other.port, "what was filled in stays"
        result = await submit(hass, result, {**address, CONF_PORT: rig.port})
        assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Hall")
        assert result["data"] == {CONF_KIND: KIND_WYOMING, CONF_HOST: "127.0.0.1", CONF_PORT: rig.port}
        assert not rig.running.is_set(), "asking disturbs nobody"


async def test_a_wyoming_satellite_that_does_not_answer_is_not_saved(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    form = await add(hass, mock_entry, KIND_WYOMING)
    async with RigSatellite().serving() as rig:
        port = rig.port
    result = await submit(hass, form, {CONF_HOST: "127.0.0.1", CONF_PORT: port})
    assert result["errors"] == {CONF_HOST: "satellite_unreachable"}
    result = await submit(hass, result, {CONF_HOST: " ", CONF_PORT: port})
    assert result["errors"] == {CONF_HOST: "field_required"}


async def test_what_answers_but_speaks_no_wyoming_is_no_satellite(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    form = await add(hass, mock_entry, KIND_WYOMING)
    async with await asyncio.start_server(greet, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        result = await submit(hass, form, {CONF_HOST: "127.0.0.1", CONF_PORT: port})
    assert result["errors"] == {CONF_HOST: "no_satellite"}


async def test_the_wake_words_of_all_engines_are_offered(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    async with hearing(hass):
        form = await add(hass, mock_entry)
        assert form["data_schema"].schema[CONF_WAKE_WORD].config["options"] == [
            {"value": "okay_nabu", "label": "okay nabu"},
            {"value": "hey_jarvis", "label": "Hey Jarvis"},
        ]
        chosen = {CONF_WAKE_ENGINE: ENGINE, CONF_WAKE_WORD: "hey_jarvis", CONF_WAKE_INTERRUPTS: False}
        result = await submit(hass, form, chosen)
        assert result["data"] == {CONF_KIND: KIND_LOCAL, CONF_WAKE_CUES: True, **chosen}


async def test_a_wake_word_that_the_engine_does_not_know(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    async with hearing(hass) as (ears, _):
        unknown = {CONF_WAKE_ENGINE: ENGINE, CONF_WAKE_WORD: "open_sesame"}
        form = await submit(hass, await add(hass, mock_entry), unknown)
        assert form["errors"] == {CONF_WAKE_WORD: "unknown_wake_word"}
        assert suggested(form)[CONF_WAKE_WORD] == "open_sesame"
        # An engine that does not tell what it knows is taken at its word.
        ears.words = []
        result = await submit(hass, form, unknown)
        assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_engine_that_does_not_answer_keeps_nobody_from_the_form(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    async with hearing(hass) as (ears, _):
        ears.words = None
        form = await add(hass, mock_entry)
        assert form["data_schema"].schema[CONF_WAKE_WORD].config["options"] == []


async def test_without_an_engine_there_is_nothing_about_wake_words(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    filled = {CONF_WAKE_WORD: "okay_nabu", CONF_WAKE_INTERRUPTS: False, CONF_WAKE_CUES: False}
    result = await submit(hass, await add(hass, mock_entry), filled)
    assert result["data"] == {CONF_KIND: KIND_LOCAL}


async def test_an_engine_that_is_not_there_now_may_be_chosen(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    chosen = {CONF_WAKE_ENGINE: "wake_word.away", CONF_WAKE_WORD: "okay_nabu"}
    result = await submit(hass, await add(hass, mock_entry), chosen)
    assert result["data"][CONF_WAKE_ENGINE] == "wake_word.away"


async def test_a_satellite_in_a_browser(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    form = await add(hass, mock_entry, KIND_BROWSER)
    assert [str(field) for field in form["data_schema"].schema] == [CONF_NAME, CONF_AGENT, CONF_SPEAKER, CONF_ECHO]
    assert suggested(form) == {CONF_NAME: "Browser satellite"}
    result = await submit(hass, form, {CONF_NAME: " Tablet ", CONF_AGENT: AGENT_ID})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Tablet")
    assert result["data"] == {CONF_KIND: KIND_BROWSER, CONF_AGENT: AGENT_ID}
    [tablet] = [
        satellite for satellite in mock_entry.get_subentries_of_type(SUBENTRY_SATELLITE) if satellite.title == "Tablet"
    ]
    form = await mock_entry.start_subentry_reconfigure_flow(hass, tablet.subentry_id)
    assert form["step_id"] == KIND_BROWSER
    result = await submit(hass, form, {CONF_NAME: "Old tablet", CONF_ECHO: "half_duplex"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert mock_entry.subentries[tablet.subentry_id].data == {CONF_KIND: KIND_BROWSER, CONF_ECHO: "half_duplex"}


@pytest.mark.parametrize("host", ["kitchen.local", "fe80::1", "kitchen:0", "kitchen:door"])
def test_other_hosts_stay_as_they_are(host: str) -> None:
    assert read_wyoming({CONF_HOST: host, CONF_PORT: 10_700}) == {CONF_HOST: host, CONF_PORT: 10_700}
