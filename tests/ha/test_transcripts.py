"""What remains of what was said: nothing on disk, unless the user wants it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import restore_state
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from sqlalchemy import text

from custom_components.rtvoice.const import (
    CONF_KEEP_TRANSCRIPTS,
    CONF_PRIVATE_TRANSCRIPTS,
    DOMAIN,
    SUBENTRY_AGENT,
)
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import SATELLITE, async_wait_for_state, entity_of, happenings, speak_into, state_of
from .test_conversation import converse as write
from .test_session import start, stop
from .test_usage import change_agent

QUESTION, ANSWER = "Where is the walrus?", "In the pantry."
ASIDE = "heffalump"


@pytest.fixture
def config_folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Where Home Assistant keeps what it keeps, apart from its own stores."""
    folder = tmp_path / "config"
    folder.mkdir()
    hass.config.config_dir = str(folder)
    return folder


@pytest.fixture
def talk(hass: HomeAssistant, brain: ScriptedBrain, microphone: Path) -> Any:
    """A session in which the user asks, a tool is called with what was said, and the agent answers."""

    async def async_talk() -> None:
        speak_into(microphone)
        call = Call("intent__HassTurnOn", {"name": "Nothing", "area": "Nowhere", "note": ASIDE})
        brain.add(Turn(Heard(QUESTION), (Plan((call,)), Plan((Say(ANSWER, seconds=0.3),)))))
        status = entity_of(hass, "sensor", SATELLITE_ID, "status")
        await start(hass)
        await async_wait_for_state(hass, status, "speaking")
        await async_wait_for_state(hass, status, "listening")
        await stop(hass)
        await hass.async_block_till_done()

    return async_talk


def said(hass: HomeAssistant, party: str = SATELLITE_ID) -> list[tuple[str, str | None]]:
    """State and text of both transcripts."""
    sensors = (state_of(hass, entity_of(hass, "sensor", party, f"{who}_transcript")) for who in ("user", "assistant"))
    return [(sensor.state, sensor.attributes["text"]) for sensor in sensors]


async def recorded(hass: HomeAssistant) -> str:
    """All that the recorder has written down."""
    await get_instance(hass).async_block_till_done()

    def rows() -> Iterator[str]:
        with get_instance(hass).get_session() as session:
            for table in ("states", "state_attributes", "events", "event_data"):
                yield from map(str, session.execute(text(f"SELECT * FROM {table}")))

    return "\n".join(await get_instance(hass).async_add_executor_job(lambda: list(rows())))


async def async_stored(hass: HomeAssistant, hass_storage: dict[str, Any]) -> str:
    """All that Home Assistant has in its own stores."""
    await restore_state.async_get(hass).async_dump_states()
    await hass.async_block_till_done()
    return json.dumps(hass_storage, default=str)


def words_in(text: str) -> set[str]:
    """What of the talk is in a text."""
    return {word for word in ("walrus", "pantry", ASIDE) if word in text}


class TestWithRecorder:
    """Where Home Assistant has a recorder, which must be there first."""

    @pytest.fixture(autouse=True)
    async def home(self, recorder_mock: Recorder, hass: HomeAssistant, enable_custom_integrations: None) -> None:
        assert await async_setup_component(hass, "homeassistant", {})

    async def test_what_is_kept_out_of_the_recorder_is_on_no_disk(
        self,
        hass: HomeAssistant,
        hass_storage: dict[str, Any],
        config_folder: Path,
        setup_integration: MockConfigEntry,
        brain: ScriptedBrain,
        talk: Any,
    ) -> None:
        change_agent(hass, setup_integration, **{CONF_PRIVATE_TRANSCRIPTS: True})
        told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        before = dt_util.utcnow()
        await talk()
        for party in (SATELLITE_ID, AGENT_ID):
            (asked_at, question), (answered_at, answer) = said(hass, party)
            assert (question, answer) == (QUESTION, ANSWER)
            times = [dt_util.parse_datetime(at, raise_on_error=True) for at in (asked_at, answered_at)]
            assert before - timedelta(seconds=1) <= times[0] <= times[1] <= dt_util.utcnow()
        assert [one["event_type"] for one in told].count("assistant_turn") == 1
        brain.plans.append(Plan((Say(ANSWER),)))
        await write(hass, QUESTION)
        assert words_in(await async_stored(hass, hass_storage)) == set()
        assert await hass.config_entries.async_reload(setup_integration.entry_id)
        written = await recorded(hass)
        assert "session_started" in written
        assert words_in(written) == set()
        assert words_in(await async_stored(hass, hass_storage)) == set()
        assert transcripts(config_folder) == []

    async def test_else_the_recorder_keeps_the_states(
        self, hass: HomeAssistant, hass_storage: dict[str, Any], setup_integration: MockConfigEntry, talk: Any
    ) -> None:
        told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
        await talk()
        assert said(hass) == [(QUESTION, QUESTION), (ANSWER, ANSWER)]
        assert [one["text"] for one in told if "text" in one] == [QUESTION, ANSWER]
        # Arguments of tools stay out of the history all the same.
        assert words_in(await recorded(hass)) == {"walrus", "pantry"}

    @pytest.mark.parametrize("recorder_config", [{"exclude": {"entity_globs": ["sensor.*_transcript"]}}])
    async def test_words_that_the_recorder_leaves_out_are_the_state(
        self, hass: HomeAssistant, setup_integration: MockConfigEntry, talk: Any
    ) -> None:
        change_agent(hass, setup_integration, **{CONF_PRIVATE_TRANSCRIPTS: True})
        await talk()
        assert said(hass) == [(QUESTION, QUESTION), (ANSWER, ANSWER)]
        assert words_in(await recorded(hass)) == set()

    async def test_the_last_session_decides(
        self, hass: HomeAssistant, setup_integration: MockConfigEntry, talk: Any
    ) -> None:
        change_agent(hass, setup_integration, **{CONF_PRIVATE_TRANSCRIPTS: False})
        await talk()
        change_agent(hass, setup_integration, **{CONF_PRIVATE_TRANSCRIPTS: True})
        await start(hass)
        assert said(hass) == [("unknown", None), ("unknown", None)]
        await stop(hass)


async def test_without_a_recorder_the_words_are_the_state(
    hass: HomeAssistant, setup_integration: MockConfigEntry, talk: Any
) -> None:
    change_agent(hass, setup_integration, **{CONF_PRIVATE_TRANSCRIPTS: True})
    await talk()
    assert said(hass) == [(QUESTION, QUESTION), (ANSWER, ANSWER)]


def transcripts(config_folder: Path) -> list[Path]:
    """The files that are kept."""
    return sorted(path for path in config_folder.rglob("*") if path.is_file())


def put(config_folder: Path, days_ago: int, folder: str = f"voice_agent.{AGENT_ID}") -> Path:
    """A transcript of an earlier day."""
    day = dt_util.now().date() - timedelta(days=days_ago)
    path = config_folder / DOMAIN / "transcripts" / folder / f"{day}_08-00-00_kitchen.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("User: Hello\n")
    return path


async def test_a_session_is_kept_as_a_text(
    hass: HomeAssistant, config_folder: Path, setup_integration: MockConfigEntry, talk: Any
) -> None:
    change_agent(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 2})
    await talk()
    (path,) = transcripts(config_folder)
    assert path.parent == config_folder / "rtvoice" / "transcripts" / f"voice_agent.{AGENT_ID}"
    assert path.name.endswith("_local_satellite.txt")
    head, *lines = path.read_text().splitlines()
    assert head.startswith(f"Voice agent on Local satellite, {date.fromisoformat(path.name[:10])} ")
    assert head.endswith(" (stopped)")
    assert [line.partition(" ")[2] for line in lines] == [f"User: {QUESTION}", f"Voice agent: {ANSWER}"]

    # A session without a word, and one that only announces, leave nothing.
    await start(hass)
    await stop(hass)
    announcement = {"entity_id": SATELLITE, "message": "Dinner.", "preannounce": False}
    await hass.services.async_call("assist_satellite", "announce", announcement, blocking=True)
    await hass.async_block_till_done()
    assert transcripts(config_folder) == [path]


async def test_a_session_that_is_unloaded_is_kept(
    hass: HomeAssistant, config_folder: Path, setup_integration: MockConfigEntry, brain: ScriptedBrain
) -> None:
    change_agent(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 2})
    await start(hass, message="Good morning.")
    await async_wait_for_state(hass, SATELLITE, "responding")
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    assert len(transcripts(config_folder)) == 1


async def test_they_are_thrown_away_in_time(
    hass: HomeAssistant, config_folder: Path, mock_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    change_agent(hass, mock_entry, **{CONF_KEEP_TRANSCRIPTS: 2})
    today, yesterday, before = (put(config_folder, days) for days in (0, 1, 2))
    foreign = before.with_name("notes.txt")
    foreign.write_text("The user's own")
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    assert transcripts(config_folder) == sorted([today, yesterday, foreign])
    foreign.unlink()

    midnight = dt_util.start_of_local_day(dt_util.now() + timedelta(days=1))
    freezer.move_to(midnight + timedelta(seconds=1))
    async_fire_time_changed(hass, midnight + timedelta(seconds=1))
    await hass.async_block_till_done()
    assert transcripts(config_folder) == [today]

    # Who wants none any more has none.
    change_agent(hass, mock_entry, **{CONF_KEEP_TRANSCRIPTS: 0})
    assert await hass.config_entries.async_reload(mock_entry.entry_id)
    assert list((config_folder / DOMAIN / "transcripts").iterdir()) == []
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_they_go_with_their_agent(
    hass: HomeAssistant, config_folder: Path, setup_integration: MockConfigEntry
) -> None:
    other = ConfigSubentry(data={CONF_KEEP_TRANSCRIPTS: 9}, subentry_type=SUBENTRY_AGENT, title="B", unique_id=None)
    hass.config_entries.async_add_subentry(setup_integration, other)
    change_agent(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 9})
    await hass.async_block_till_done()
    put(config_folder, 0)
    kept = put(config_folder, 0, f"b.{other.subentry_id}")
    hass.config_entries.async_remove_subentry(setup_integration, AGENT_ID)
    await hass.async_block_till_done()
    assert transcripts(config_folder) == [kept]
    await hass.config_entries.async_remove(setup_integration.entry_id)
    assert transcripts(config_folder) == []


async def test_a_disk_that_refuses_is_told(
    hass: HomeAssistant,
    config_folder: Path,
    setup_integration: MockConfigEntry,
    talk: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    change_agent(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 2})
    (config_folder / DOMAIN).write_text("no folder")
    await talk()
    assert "A transcript of Voice agent could not be kept" in caplog.text
    (config_folder / DOMAIN).unlink()
    (put(config_folder, 5)).unlink()
    put(config_folder, 5).with_name("2020-01-01_folder.txt").mkdir()
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert "Old transcripts could not be thrown away" in caplog.text
