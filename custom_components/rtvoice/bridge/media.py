"""Playing media on a satellite, decoded by ffmpeg."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from homeassistant.components.ffmpeg import get_ffmpeg_manager
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from ..engine.ports import AudioOutputDevice, StreamingOutputDevice
from .errors import refused

_LOGGER = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 4096
_DRAIN_POLL_S: Final = 0.02
_BY_FILE: Final = "file"
_BY_SERVER: Final = "http,https,httpproxy,tcp,tls,crypto"
"""What ffmpeg may open, also because a redirect or a playlist says so: of a server nothing that is on this machine."""


async def async_play(hass: HomeAssistant, source: str, speaker: AudioOutputDevice) -> None:
    """Play a file or an address and wait until it was heard.

    Raises SinkError, and ServiceValidationError if it is no audio.
    """
    await speaker.start()
    try:
        async with _decoder(get_ffmpeg_manager(hass).binary, source, speaker.sample_rate) as decoder:
            played = await _pump(decoder, speaker)
            if isinstance(speaker, StreamingOutputDevice):
                await speaker.finish_stream()
            if await decoder.wait() != 0 or not played:
                raise _unsupported(source)
        while speaker.is_playing:  # noqa: ASYNC110 - the port has no event for it
            await asyncio.sleep(_DRAIN_POLL_S)
    finally:
        await speaker.stop()


@asynccontextmanager
async def _decoder(binary: str, source: str, sample_rate: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that writes `source` as 16-bit mono PCM; it does not outlive the context."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(binary, "-nostdin", "-loglevel", "error", *_opening(source)),
            *("-f", "s16le", "-ac", "1", "-ar", str(sample_rate), "pipe:1"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as err:
        _LOGGER.debug("ffmpeg could not be started: %s", err)
        raise _unsupported(source) from err
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _opening(source: str) -> tuple[str, ...]:
    """How ffmpeg is to open a path or an address."""
    if "://" in source:
        return "-protocol_whitelist", _BY_SERVER, "-i", source
    return "-protocol_whitelist", _BY_FILE, "-i", f"file:{source}"


def _unsupported(source: str) -> ServiceValidationError:
    """That this is no sound; what follows the path of an address may be a signature, which is nobody's business."""
    return refused("media_unsupported", media=source.partition("?")[0] if "://" in source else source)


async def _pump(decoder: asyncio.subprocess.Process, speaker: AudioOutputDevice) -> int:
    """Play what the decoder writes; how many bytes that were."""
    pcm = cast(asyncio.StreamReader, decoder.stdout)  # it was made with a pipe
    played, rest = 0, b""
    while chunk := await pcm.read(_CHUNK_BYTES):
        chunk = rest + chunk
        whole = len(chunk) // 2 * 2
        rest = chunk[whole:]
        await speaker.play_chunk(chunk[:whole])
        played += whole
    return played
