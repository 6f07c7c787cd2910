"""Tools that look at entities: their state now, and what it was."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import llm
from homeassistant.util import dt as dt_util

from ...engine import ToolDefinition
from ..policy.calls import Answer, HomeTool
from .find import async_area_name, async_find
from .parameters import kept_schema
from .verify import plain_attributes

GET_STATE: Final = "get_state"
GET_HISTORY: Final = "get_history"
MAX_ROWS: Final = 200

_MAX_ENTITIES: Final = 20
_PERIODS: Final = ("changes", "5minute", "hour", "day", "week", "month")
_NAMES = probatio.All(probatio.EnsureList(), [cv.string], probatio.Length(min=1, max=_MAX_ENTITIES))
_STATE_SCHEMA: Final = probatio.Schema(
    {probatio.Required("names", description="Names or entity ids of exposed entities."): _NAMES}
)
_HISTORY_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required("name", description="Name or entity id of an exposed entity."): cv.string,
        probatio.Optional("start", description="Local time as ISO 8601; a day before the end if left out."): cv.string,
        probatio.Optional("end", description="Local time as ISO 8601; now if left out."): cv.string,
        probatio.Optional(
            "period", description="changes: every state. Else the statistics of a number, one row for each period."
        ): probatio.In(_PERIODS),
    }
)


def state_tools(hass: HomeAssistant, context: llm.LLMContext) -> Iterable[HomeTool]:
    """What there is to look at; the past only where Home Assistant records it."""
    yield HomeTool(
        ToolDefinition(
            GET_STATE,
            "Get the present state and all attributes of entities.",
            kept_schema(_STATE_SCHEMA, llm.selector_serializer),
        ),
        name=GET_STATE,
        call=partial(_async_get_state, hass, context),
        reads_only=True,
    )
    if "recorder" in hass.config.components:
        yield HomeTool(
            ToolDefinition(
                GET_HISTORY,
                "Get what the state of an entity was in a range of time, or statistics of it.",
                kept_schema(_HISTORY_SCHEMA, llm.selector_serializer),
            ),
            name=GET_HISTORY,
            call=partial(_async_get_history, hass, context),
            reads_only=True,
        )


async def _async_get_state(hass: HomeAssistant, context: llm.LLMContext, arguments: dict[str, Any]) -> Answer:
    found: list[dict[str, Any]] = []
    wrong: dict[str, str] = {}
    for name in _STATE_SCHEMA(arguments)["names"]:
        try:
            found.append(_described(hass, async_find(hass, name, context)))
        except HomeAssistantError as err:
            wrong[name] = str(err)
    return Answer({"entities": found} | ({"errors": wrong} if wrong else {}), ok=bool(found))


def _described(hass: HomeAssistant, state: State) -> dict[str, Any]:
    return {
        "entity_id": state.entity_id,
        "name": state.name,
        "area": async_area_name(hass, state.entity_id),
        "state": state.state,
        "last_changed": _local(state.last_changed),
        "attributes": plain_attributes(state),
    }


async def _async_get_history(hass: HomeAssistant, context: llm.LLMContext, arguments: dict[str, Any]) -> Answer:
    from homeassistant.helpers.recorder import get_instance  # noqa: PLC0415 - the recorder is not always there

    given = _HISTORY_SCHEMA(arguments)
    state = async_find(hass, given["name"], context)
    end = _time(given.get("end")) or dt_util.utcnow()
    start = _time(given.get("start")) or end - timedelta(days=1)
    if start >= end:
        raise HomeAssistantError("start must be before end")
    period = given.get("period", _PERIODS[0])
    read = partial(_changes, hass) if period == _PERIODS[0] else partial(_statistics, hass, period=period)
    rows = await get_instance(hass).async_add_executor_job(read, state.entity_id, start, end)
    data = {
        "entity_id": state.entity_id,
        "unit": state.attributes.get("unit_of_measurement"),
        "start": _local(start),
        "end": _local(end),
        "rows": rows[-MAX_ROWS:],
    }
    return Answer(data | ({"left_out": len(rows) - MAX_ROWS} if len(rows) > MAX_ROWS else {}))


def _changes(hass: HomeAssistant, entity_id: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Reads the database."""
    from homeassistant.components.recorder import history  # noqa: PLC0415 - the recorder is not always there

    changes = history.state_changes_during_period(
        hass, start, end, entity_id, no_attributes=True, include_start_time_state=True
    )
    return [{"at": _local(state.last_changed), "state": state.state} for state in changes.get(entity_id, ())]


def _statistics(
    hass: HomeAssistant, entity_id: str, start: datetime, end: datetime, *, period: Any
) -> list[dict[str, Any]]:
    """Reads the database."""
    from homeassistant.components.recorder import statistics  # noqa: PLC0415 - the recorder is not always there

    rows = statistics.statistics_during_period(
        hass, start, end, {entity_id}, period, None, {"mean", "min", "max", "change"}
    )
    return [
        {"at": _local(dt_util.utc_from_timestamp(row["start"]))}
        | {key: round(float(value), 4) for key, value in row.items() if key in _MEASURES and isinstance(value, float)}
        for row in rows.get(entity_id, ())
    ]


_MEASURES: Final = frozenset({"mean", "min", "max", "change"})


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    if (parsed := dt_util.parse_datetime(text)) is None:
        raise HomeAssistantError(f"{text} is no time in ISO 8601")
    return dt_util.as_utc(parsed if parsed.tzinfo else parsed.replace(tzinfo=dt_util.get_default_time_zone()))


def _local(moment: datetime) -> str:
    return dt_util.as_local(moment).isoformat(timespec="seconds")
