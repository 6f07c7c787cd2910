"""Events off the wire of a satellite, within bounds.

The format is that of the Wyoming protocol: a line of JSON, then as many bytes of JSON and of payload as it says.
"""

import asyncio
from typing import Final

import orjson
from wyoming.event import Event

MAX_LINE_BYTES: Final = 64 * 1024
MAX_DATA_BYTES: Final = 1024 * 1024
MAX_PAYLOAD_BYTES: Final = 1024 * 1024


class MalformedEventError(Exception):
    """What came is no event, or a far too large one."""


async def read_event(reader: asyncio.StreamReader) -> Event:
    """The next event. Raises MalformedEventError, and ConnectionError or IncompleteReadError when the link ends."""
    try:
        line = await reader.readline()
    except ValueError as err:
        raise MalformedEventError("A line is too long") from err
    if not line:
        raise ConnectionResetError("The satellite closed the connection")
    head = _object(line)
    data = head.get("data") or {}
    if size := _size(head, "data_length", MAX_DATA_BYTES):
        data = {**_mapping(data), **_object(await reader.readexactly(size))}
    size = _size(head, "payload_length", MAX_PAYLOAD_BYTES)
    payload = await reader.readexactly(size) if size else None
    kind = head.get("type")
    if not isinstance(kind, str):
        raise MalformedEventError("An event has no type")
    return Event(kind, _mapping(data), payload)


def _object(text: bytes) -> dict[str, object]:
    try:
        return _mapping(orjson.loads(text))
    except orjson.JSONDecodeError as err:
        raise MalformedEventError("What came is not JSON") from err


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MalformedEventError("What came is not a JSON object")
    return value


def _size(head: dict[str, object], key: str, limit: int) -> int:
    size = head.get(key) or 0
    if not isinstance(size, int) or not 0 <= size <= limit:
        raise MalformedEventError(f"{key} is not within bounds")
    return size
