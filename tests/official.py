"""Client events held against the types of the official openai package."""

from collections.abc import Mapping
from typing import Any

from openai.types.realtime import RealtimeClientEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

_CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)


class ClientEvents:
    """Checks every event it is called with; `problems` says what does not fit."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.count = 0

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Check one event, its unknown keys included."""
        self.count += 1
        try:
            unknown = list(_unknown_keys(_CLIENT_EVENT.validate_python(dict(event))))
        except ValidationError as err:
            self.problems.append(f"{event.get('type')}: {err}")
            return
        if unknown:
            self.problems.append(f"{event.get('type')}: unknown keys {unknown}")


def _unknown_keys(value: object) -> list[str]:
    if isinstance(value, list):
        return [key for each in value for key in _unknown_keys(each)]
    if not isinstance(value, BaseModel):
        return []
    nested = [key for name in value.model_fields_set for key in _unknown_keys(getattr(value, name, None))]
    return [*(value.model_extra or ()), *nested]
