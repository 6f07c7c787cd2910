"""What goes wrong with Home Assistant: what the tests and the documentation are held to."""

import asyncio

from custom_components.rtvoice.const import CONF_KEEP_TRANSCRIPTS
from tests.resilience.faults.table import STOPPED

from .machine import DAY_CHANGES, ROOM_FOR_NOTHING
from .pages import PAGE_CLOSES
from .rooms import Room, befall, rooms
from .servers import PROGRAM_DIES, SERVER_DIES
from .verify import (
    KNOWN,
    HouseFault,
    Stand,
    Told,
    all_of,
    begins_anew,
    fell_silent,
    has_transcript,
    has_turns,
    hold_to,
    were_unavailable,
)

STOPS_WITHIN_S = 0.3
"""How long a speaker takes that was being stopped already."""


async def close_mouths(all_rooms: list[Room]) -> None:
    """Speakers that were being stopped have stopped after a while."""
    await asyncio.sleep(STOPS_WITHIN_S)
    for room in all_rooms:
        room.mouth_may_close.set()


# --- Home Assistant itself --------------------------------------------------------------------------------------------


async def reload(stand: Stand, fault: HouseFault) -> None:
    """All accounts are reloaded at once."""
    entries = stand.hass.config_entries
    stand.hass.config.config_dir = str(stand.folder)
    async with rooms(stand.hass, stand.folder, stand.monkeypatch, **{CONF_KEEP_TRANSCRIPTS: 1}) as all_rooms:
        befall(all_rooms)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(close_mouths(all_rooms))
            for room in all_rooms:
                tasks.create_task(entries.async_reload(room.entry.entry_id))
        for room in all_rooms:
            room.let_go()
        await all_of([hold_to(room, fault) for room in all_rooms])


async def stop(stand: Stand, fault: HouseFault) -> None:
    """Home Assistant stops."""
    stand.hass.config.config_dir = str(stand.folder)
    async with rooms(stand.hass, stand.folder, stand.monkeypatch, **{CONF_KEEP_TRANSCRIPTS: 1}) as all_rooms:
        befall(all_rooms)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(close_mouths(all_rooms))
            tasks.create_task(stand.hass.async_stop(force=True))
        await all_of([hold_to(room, fault) for room in all_rooms])
        for room in all_rooms:
            # The provider's end may learn of it now that nothing is held back any more.
            room.let_go()
            for connection in room.simulator.connections:
                async with asyncio.timeout(5):
                    await connection.closed.wait()


SILENCE = Told("silence at once", fell_silent)
IN_TURNS = Told("ends with what was said in its turns", has_turns, KNOWN)
IN_TRANSCRIPT = Told("it is in the transcript that is kept", has_transcript, KNOWN)

RELOADED = HouseFault(
    "The account is reloaded",
    reload,
    STOPPED,
    seen=(Told("the entities are unavailable for a moment", were_unavailable),),
    heard=(SILENCE,),
    conversation=(IN_TURNS, IN_TRANSCRIPT, Told("another can be had at once", begins_anew)),
)
HOUSE_STOPS = HouseFault(
    "Home Assistant stops",
    stop,
    STOPPED,
    heard=(SILENCE,),
    conversation=(IN_TURNS, IN_TRANSCRIPT),
)

HOUSE_FAULTS = (RELOADED, HOUSE_STOPS, SERVER_DIES, PROGRAM_DIES, PAGE_CLOSES, ROOM_FOR_NOTHING, DAY_CHANGES)
