"""What befalls the machine that Home Assistant runs on, with a session at every stage: its disk, its clock."""

import errno
import json
import logging
import os
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any, override

import freezegun.api
import pytest
from freezegun import freeze_time
from freezegun.api import TickingDateTimeFactory
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util import slugify

from custom_components.rtvoice.bridge import ledger
from custom_components.rtvoice.const import (
    CONF_DAY_BUDGET,
    CONF_KEEP_TRANSCRIPTS,
    CONF_MONTH_BUDGET,
    CONF_RECORDING,
    DOMAIN,
)
from custom_components.rtvoice.engine.recording import wav
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import CLOCK, DISK_FULL, GOES_ON, GoesOn

from .rooms import LAST, Room, befall, rooms
from .verify import (
    KNOWN,
    LIVE,
    HouseFault,
    Stand,
    Told,
    all_of,
    answered,
    goes_on,
    has_turns,
    hold_to,
    response_of,
    transcript_of,
    went_on_speaking,
)

EARLY = tuple(stage for stage in LIVE if stage not in LAST)
"""Stages that are reached a second before the fault."""
THE_ANSWER = Told("the answer", went_on_speaking, tuple(stage for stage in LIVE if stage.asked))

# --- the disk ---------------------------------------------------------------------------------------------------------


WRITE_STORE = Store._async_write_data
"""As it is before the test plugin replaces it."""


class Disk:
    """Takes what is written to it until it is full: recordings, transcripts, and what Home Assistant stores."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        disk, opened, made = self, Path.open, tempfile.NamedTemporaryFile

        class RecordingFile(FileIO):
            @override
            def write(self, data: Any, /) -> int:
                disk.refuse()
                return super().write(data)

        def make(*args: Any, **options: Any) -> Any:
            if options.get("dir") == str(folder / ".storage"):
                disk.refuse()
            return made(*args, **options)

        def open_path(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            if mode != "r" and path.is_relative_to(folder / "rtvoice"):
                disk.refuse()
            return opened(path, mode, *args, **options)

        async def write_store(store: Store[Any], data: Any) -> None:
            # What others store is kept off the disk by the test plugin.
            await (WRITE_STORE if store.key.startswith(DOMAIN) else kept_off)(store, data)

        kept_off = Store._async_write_data
        monkeypatch.setattr(wav, "FileIO", RecordingFile)
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", make)
        monkeypatch.setattr(Store, "_async_write_data", write_store)
        monkeypatch.setattr(Path, "open", open_path)

    def refuse(self) -> None:
        """Raise OSError where there is no room."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def disk_full(stand: Stand, fault: HouseFault) -> None:
    """The disk is full, and has room again after all sessions have ended."""
    stand.hass.config.config_dir = str(stand.folder)
    stand.hass.config.media_dirs = {"local": str(stand.folder / "media")}
    stand.monkeypatch.setattr(ledger, "SAVE_DELAY_S", 0.1)

    def prepare(room: Room) -> None:
        room.log = stand.caplog

    options = {CONF_RECORDING: True, CONF_KEEP_TRANSCRIPTS: 1}
    # What the test plugin has replaced is to be as it was when the plugin puts it back.
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(stand.folder, patch)
        async with rooms(stand.hass, stand.folder, stand.monkeypatch, prepare=prepare, **options) as all_rooms:
            befall(all_rooms)
            disk.full = True
            before = [stored(room) for room in all_rooms]
            await all_of([goes_on(room, fault) for room in all_rooms])
            assert [stored(room) for room in all_rooms] == before
            disk.full = False
            await all_of([is_written_again(room) for room in all_rooms])


async def is_written_again(room: Room) -> None:
    """All that the room's agent has used is on the disk once something more is."""
    before = used(room).tokens
    await room.act("start", message="Good morning.")
    await room.until(lambda: used(room).tokens > before, "using more")
    await room.act("stop")
    await room.until(lambda: stored(room).get("tokens") == used(room).tokens, "writing again")
    assert stored(room)["cost_usd"] == str(used(room).cost_usd)


def used(room: Room) -> ledger.Usage:
    """What the room's agent has used."""
    return room.entry.runtime_data.ledger.of(room.agent_id)


def stored(room: Room) -> dict[str, Any]:
    """What is on the disk of what the room's agent has used."""
    path = Path(room.hass.config.path(".storage", f"rtvoice.usage.{room.entry.entry_id}"))
    try:
        return json.loads(path.read_text(encoding="utf-8"))["data"]["agents"].get(room.agent_id, {})
    except FileNotFoundError:
        return {}


async def recording_is_told(room: Room) -> None:
    """Once."""
    assert room.failures == ["recording_failed"]


async def is_in_the_log(room: Room) -> None:
    """The transcript, what was used, and the recording."""
    transcript = f"A transcript of {room.agent_id} could not be kept"
    usage = f"Error writing config for rtvoice.usage.{room.entry.entry_id}"
    recording = f"/{slugify(room.satellite_id)}/"

    def told() -> list[str]:
        assert room.log is not None
        return [record.getMessage() for record in room.log.get_records("call") if record.levelno >= logging.WARNING]

    await room.until(lambda: transcript in told(), "telling of the transcript")
    await room.until(lambda: any(usage in text for text in told()), "telling of what was used")
    assert any(recording in text and "has ended early: [Errno 28]" in text for text in told())


async def recording_is_kept(room: Room) -> None:
    """What was recorded until then can be heard."""
    path = response_of(room)["recording"]
    assert path is not None

    def length() -> int:
        with wave.open(path, "rb") as file:
            return file.getnframes()

    assert await room.hass.async_add_executor_job(length) > 0


async def counts(room: Room) -> None:
    """What the session has used is shown, though it is written nowhere."""
    usage = response_of(room)["usage"]
    tokens = sum(usage[key] for key in usage if key.startswith(("input_", "output_")))
    await room.until(lambda: room.sensor("tokens", room.agent_id) == str(tokens), "showing all tokens")
    assert float(room.sensor("cost", room.agent_id)) == pytest.approx(usage["cost_usd"])


ROOM_FOR_NOTHING = HouseFault(
    DISK_FULL.name,
    disk_full,
    GoesOn(told=("recording_failed",)),
    seen=(
        Told("*Activity*: `error` that tells of the recording, once", recording_is_told, LIVE),
        Told(
            "the log tells of the recording, the transcript and the usage that cannot be written", is_in_the_log, LIVE
        ),
    ),
    heard=(
        Told("the answer", went_on_speaking, (Stage.USER_SPEAKING, Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)),
    ),
    conversation=(
        Told(
            "goes on; the recording keeps what was written until then",
            recording_is_kept,
            [stage for stage in LIVE if stage not in LAST],
        ),
        Told(
            "what it uses counts until the account is reloaded, and is written when there is room again", counts, LIVE
        ),
    ),
    logged=("A transcript of", "Saving file failed"),
)

# --- the clock --------------------------------------------------------------------------------------------------------


@contextmanager
def wall_clock() -> Iterator[TickingDateTimeFactory]:
    """The time of day, which may be set; what measures how long something takes goes on."""
    with freeze_time(datetime.now(UTC), tick=True, real_asyncio=True) as clock, pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", freezegun.api.real_monotonic)
        patch.setattr(time, "perf_counter", freezegun.api.real_perf_counter)
        yield clock


async def clock_is_set(stand: Stand, fault: HouseFault) -> None:
    """The clock is set a day ahead, and a while later to the day before."""
    stand.hass.config.config_dir = str(stand.folder)
    options = {CONF_KEEP_TRANSCRIPTS: 9, CONF_DAY_BUDGET: 1, CONF_MONTH_BUDGET: 1}
    with wall_clock() as clock:
        async with rooms(stand.hass, stand.folder, stand.monkeypatch, **options) as all_rooms:
            for room in all_rooms:
                room.began_on = dt_util.now().date()
            befall(all_rooms)
            clock.tick(timedelta(days=1))
            assert dt_util.now().date() > all_rooms[0].began_on
            await all_of([talk_on(room) for room in all_rooms])
            clock.tick(timedelta(days=-2))
            await all_of([end(room, fault) for room in all_rooms])
            await all_of([room.begin_anew() for room in all_rooms])


async def talk_on(room: Room) -> None:
    """What was asked is answered, and more."""
    await answered(room)
    if room.stage is not Stage.STOPPING:
        await room.converse()


async def end(room: Room, fault: HouseFault) -> None:
    """Another turn, on another day, and the end."""
    if room.stage is not Stage.STOPPING:
        await room.converse()
        await room.part()
    await hold_to(room, fault)


async def is_booked_once(room: Room) -> None:
    """On the days that it was when it was used: tomorrow, and yesterday, and today where there was something before."""
    await counts(room)
    usage = used(room)
    assert sum(usage.days.values()) == usage.cost_usd
    days = {(day - room.began_on).days: cost for day, cost in usage.days.items()}
    assert set(days) <= {-1, 0, 1}
    assert days[-1] > 0
    assert days[1] > 0


async def shows_today(room: Room) -> None:
    """What the day has cost on which it was last."""
    usage = used(room)
    today = dt_util.now().date()
    assert (today - room.began_on).days == -1
    assert float(room.sensor("cost_today", room.agent_id)) == pytest.approx(float(usage.cost_on(today)))


async def is_kept_by_its_beginning(room: Room) -> None:
    """The transcript lies under the day on which the session began, which is also what stands in it."""
    name, text = await transcript_of(room)
    assert name.startswith(room.began_on.isoformat())
    assert f", {room.began_on.isoformat()} " in text.splitlines()[0]


DAY_CHANGES = HouseFault(
    CLOCK.name,
    clock_is_set,
    GOES_ON,
    seen=(Told("*Cost today* is that of the day that it is by the clock", shows_today, LIVE),),
    heard=(
        Told("the answer", went_on_speaking, (Stage.USER_SPEAKING, Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)),
    ),
    conversation=(
        Told("goes on; what was said is in its turns", has_turns, KNOWN),
        Told("what it uses counts once, on the day that it was by the clock", is_booked_once, LIVE),
        Told("its transcript is kept by the time at which it began", is_kept_by_its_beginning, LIVE),
    ),
)
