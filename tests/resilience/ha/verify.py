"""What must come of a fault in Home Assistant, held against what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from tests.resilience.faults.scene import ANSWER, FIRST
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import STOPPED, Ends, GoesOn

from .rooms import TAIL_S, Room

KNOWN = (Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)
"""Stages at which the user's words are known."""
LIVE = tuple(stage for stage in Stage if stage is not Stage.STOPPING)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where faults befall: a Home Assistant, a folder, and what tests have."""

    hass: HomeAssistant
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    caplog: pytest.LogCaptureFixture
    commands: WebSocketGenerator
    browser: ClientSessionGenerator


@dataclass(frozen=True, slots=True)
class Refused:
    """`rtvoice.start` fails by the translated error of this key: there never was a session."""

    key: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the documentation says that comes of a fault, and how it is known of a session."""

    words: str
    check: Callable[[Room], Awaitable[None]]
    """Raises AssertionError where it is otherwise; called when the session is over."""
    stages: Sequence[Stage] = tuple(Stage)
    """Those at which there is something to be known of it."""


@dataclass(frozen=True, slots=True)
class HouseFault:
    """Something that goes wrong with Home Assistant, or with what belongs to it, at any stage."""

    name: str
    """As the documentation calls it."""
    befall: Callable[[Stand, HouseFault], Awaitable[None]]
    """Has it happen at all stages, and holds what comes of it to all that is said below."""
    outcome: GoesOn | Ends
    first: Refused | None = None
    """While the session is being set up, where that is different."""
    seen: tuple[Told, ...] = ()
    heard: tuple[Told, ...] = ()
    conversation: tuple[Told, ...] = ()
    logged: tuple[str, ...] = ()
    """How those lines of the log begin that may have a traceback."""

    def expected(self, stage: Stage) -> GoesOn | Ends | Refused:
        """What must come of it at a stage."""
        if stage is Stage.STOPPING:
            return STOPPED
        if self.first is not None and not stage.established:
            return self.first
        return self.outcome


async def hold_to(room: Room, fault: HouseFault) -> None:
    """Hold a session that was told to stop, or has to end by itself, to what the table says of it."""
    response = await room.ended()
    outcome = fault.expected(room.stage)
    where = f"{fault.name}, {room.stage.value}"
    if isinstance(outcome, Refused):
        assert isinstance(response, HomeAssistantError), where
        assert response.translation_key == outcome.key, where
    else:
        assert not isinstance(response, HomeAssistantError), f"{where}: {response!r}"
        reason = outcome.reason.value if isinstance(outcome, Ends) else STOPPED.reason.value
        assert response["end_reason"] == reason, where
        if room.stage.established:
            assert room.told[-1]["event_type"] == "session_ended", where
            assert room.told[-1]["reason"] == reason, where
    for told in (*fault.seen, *fault.heard, *fault.conversation):
        if room.stage in told.stages:
            try:
                await told.check(room)
            except AssertionError as err:
                raise AssertionError(f"{where}, {told.words}: {err}") from err
    if isinstance(outcome, GoesOn) and room.stage is not Stage.STOPPING:
        assert set(room.failures) == set(outcome.told), where


async def answered(room: Room) -> None:
    """Hold nothing back any more; what was asked is answered then."""
    room.let_go()
    if room.stage.asked:
        await room.until(lambda: room.sensor("assistant_transcript") == ANSWER, "the answer")


async def goes_on(room: Room, fault: HouseFault) -> None:
    """What was asked is answered, another turn succeeds, and the session is stopped."""
    await answered(room)
    if room.stage is not Stage.STOPPING:
        await room.converse()
        await room.part()
    await hold_to(room, fault)


async def all_of(works: Sequence[Awaitable[None]]) -> None:
    """Do all side by side, and tell of all that fail."""
    failures = [one for one in await asyncio.gather(*works, return_exceptions=True) if one is not None]
    if failures:
        raise BaseExceptionGroup("At some stages", failures)


# --- how it is known --------------------------------------------------------------------------------------------------


async def were_unavailable(room: Room) -> None:
    """The entities were unavailable, and are not any more."""
    assert "unavailable" in room.statuses
    assert room.status == "idle"


async def fell_silent(room: Room) -> None:
    """Nothing was heard after the fault; where the agent spoke, it was heard until then."""
    until_s = room.audible_until_s
    assert until_s <= room.befallen_s + TAIL_S, f"heard until {until_s}, befallen at {room.befallen_s}"
    if room.stage is Stage.SPEAKING:
        assert until_s >= room.befallen_s - TAIL_S, f"heard until {until_s} only, befallen at {room.befallen_s}"


async def went_on_speaking(room: Room) -> None:
    """Something was heard after the fault."""
    assert room.audible_until_s > room.befallen_s + 2 * TAIL_S


async def has_turns(room: Room) -> None:
    """The user's words are in the response."""
    assert response_of(room)["turns"][0]["text"] == FIRST


async def has_transcript(room: Room) -> None:
    """The user's words are in the one file that is kept."""
    _, text = await transcript_of(room)
    assert f"User: {FIRST}" in text


async def begins_anew(room: Room) -> None:
    """Another session can be had, and hears."""
    await room.begin_anew()


def response_of(room: Room) -> Mapping[str, Any]:
    """What `rtvoice.start` has returned."""
    assert room.waiting is not None
    response = room.waiting.result()
    assert not isinstance(response, HomeAssistantError)
    return response


async def transcript_of(room: Room) -> tuple[str, str]:
    """Name and text of the one transcript of the room's agent, which is written when the session is over."""
    folder = Path(room.hass.config.path("rtvoice", "transcripts"))

    def kept() -> list[Path]:
        return list(folder.glob(f"*.{room.agent_id}/*.txt"))

    await room.until(lambda: bool(kept()), "a transcript")
    [path] = kept()
    # The file is there a moment before what is in it.
    await room.until(lambda: path.stat().st_size > 0, "what is in a transcript")
    return path.name, await room.hass.async_add_executor_job(path.read_text)
