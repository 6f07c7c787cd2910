"""Who is at an address, before anything is kept."""

import asyncio
from contextlib import suppress
from enum import Enum, auto
from typing import Final

from wyoming.event import async_write_event
from wyoming.info import Describe, Info

from .wire import MAX_LINE_BYTES, MalformedEventError, read_event

PATIENCE_S: Final = 5.0


class Finding(Enum):
    """Who is there."""

    SATELLITE = auto()
    OTHER = auto()
    """Something that is no satellite."""
    NOBODY = auto()


async def async_probe(host: str, port: int) -> Finding:
    """Ask who is there, which disturbs nobody."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return Finding.SATELLITE if await _is_satellite(host, port) else Finding.OTHER
    except OSError:
        return Finding.NOBODY
    except EOFError, MalformedEventError, KeyError, TypeError, ValueError, AttributeError:
        return Finding.OTHER


async def _is_satellite(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE_BYTES)
    try:
        await async_write_event(Describe().event(), writer)
        while not Info.is_type((event := await read_event(reader)).type):
            pass
        return Info.from_event(event).satellite is not None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
