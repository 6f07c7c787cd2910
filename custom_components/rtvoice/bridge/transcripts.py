"""What was said in sessions, in files for as long as the user wants; by default there are none."""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util import slugify

from ..const import CONF_KEEP_TRANSCRIPTS, DOMAIN, SUBENTRY_AGENT
from ..engine import ConversationTurn
from .parties import Agent
from .report import SessionReport

_LOGGER = logging.getLogger(__name__)

_FOLDER: Final = "transcripts"
_DAY_CHARS: Final = len("2026-11-29")
_TIME: Final = "%H:%M:%S"


async def async_keep(hass: HomeAssistant, agent: Agent, venue: str, report: SessionReport, began: datetime) -> None:
    """Write down a session that began then at a venue of this name and has just ended, if the agent's user wants that.

    The file is `rtvoice/transcripts/AGENT.ID/DATE_TIME_VENUE.txt` in the configuration folder, which the user
    interface shows to nobody. A disk that cannot be written to is reported in the log.
    """
    if not report.turns or not agent.options.keep_transcripts_days:
        return
    folder = _root(hass) / f"{slugify(agent.title)}.{agent.subentry_id}"
    path = folder / f"{began:%Y-%m-%d_%H-%M-%S}_{slugify(venue)}.txt"
    head = f"{agent.title} on {venue}, {began:%Y-%m-%d %H:%M:%S} ({report.end_reason.value})"
    lines = [" ".join(line.split()) for line in (head, *(_line(turn, agent.title) for turn in report.turns))]
    try:
        await hass.async_add_executor_job(_write, path, lines)
    except OSError:
        _LOGGER.exception("A transcript of %s could not be kept", agent.title)


async def async_sweep(hass: HomeAssistant) -> None:
    """Throw away what is older than the agents' users want, and all of agents that are gone."""
    days = {
        agent.subentry_id: int(agent.data.get(CONF_KEEP_TRANSCRIPTS) or 0)
        for entry in hass.config_entries.async_entries(DOMAIN)
        for agent in entry.get_subentries_of_type(SUBENTRY_AGENT)
    }
    try:
        await hass.async_add_executor_job(_sweep, _root(hass), days, dt_util.now().date())
    except OSError:
        _LOGGER.exception("Old transcripts could not be thrown away")


@callback
def _root(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(DOMAIN, _FOLDER))


def _line(turn: ConversationTurn, agent: str) -> str:
    """A turn; it must become one line, or words in it could pass for what somebody else said."""
    at = f"{dt_util.as_local(turn.started_at):{_TIME}} " if turn.started_at else ""
    who = "User" if turn.role == "user" else agent
    return f"{at}{who}{' (interrupted)' if turn.interrupted else ''}: {turn.transcript}"


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Added to, so that two sessions of the same second are both kept.
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _sweep(root: Path, days: Mapping[str, int], today: date) -> None:
    for folder in root.iterdir() if root.is_dir() else ():
        kept_days = days.get(folder.name.partition(".")[2], 0)
        for file in folder.glob("*.txt"):
            day = _day_of(file)
            if day is not None and (today - day).days >= kept_days:
                file.unlink(missing_ok=True)
        if not kept_days and not any(folder.iterdir()):
            folder.rmdir()


def _day_of(file: Path) -> date | None:
    """The day of a transcript; None for what is none."""
    try:
        return date.fromisoformat(file.name[:_DAY_CHARS])
    except ValueError:
        return None
