"""The mouth of a satellite that speaks through a media player."""

import asyncio
from typing import Final, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from ...engine.audio.frame import SAMPLE_BYTES
from ...engine.devices.paced import PacedOutput
from ...engine.errors import SinkError
from .player import NOT_THERE, Player
from .stream import SpeechStream
from .view import RATE_HZ, async_streams

FETCH_WITHIN_S: Final = 10.0
"""A player that was told to play must begin to fetch within this time."""
AHEAD_S: Final = 2.0
"""What a player may hold: some do not begin with less."""
LATENCY_S: Final = 0.7
"""What lies between the beginning of fetching and the ear, as a guess."""
GAP_S: Final = 0.3
"""Between the end of one stretch of speech, as far as we know, and the next."""
LET_GO_S: Final = 1.0
"""How long an action may take to notice that it is not wanted any more."""
LEASE_WITHIN_S: Final = 3.0
"""How long a session waits for another one that speaks through the same player, and may be about to end."""

_LEASES: Final[HassKey[dict[str, asyncio.Lock]]] = HassKey(f"{DOMAIN}_players")


class PlayerOutput(PacedOutput):
    """A media player that fetches what it is to say.

    Each stretch of speech is an address of its own, which the player is told to play and fetches once. What was heard
    is known by the clock since fetching began, and never more than was fetched. One session speaks through a player at
    a time.
    """

    def __init__(self, hass: HomeAssistant, player: Player) -> None:
        super().__init__(RATE_HZ, ahead_s=AHEAD_S, latency_s=LATENCY_S)
        self._hass = hass
        self._player = player
        self._streams = async_streams(hass)
        self._stream: SpeechStream | None = None
        self._opening = False
        self._playing: asyncio.Task[None] | None = None
        self._lease: asyncio.Lock | None = None
        self._stop_watching: CALLBACK_TYPE = _nothing

    @property
    @override
    def is_playing(self) -> bool:
        """Whether it is about to play, or has not had the time to play all."""
        alive = self._stream is None or self._stream.alive
        return self._opening or (alive and super().is_playing)

    @property
    @override
    def played_samples(self) -> int:
        """How many samples have had their time, and were fetched."""
        unread = 0 if self._stream is None else self._stream.unread_samples
        return min(super().played_samples, self._given - unread)

    @override
    async def start(self) -> None:
        """Have the player to oneself. Raises SinkError."""
        self._check()
        lease = self._hass.data.setdefault(_LEASES, {}).setdefault(self._player.entity_id, asyncio.Lock())
        try:
            async with asyncio.timeout(LEASE_WITHIN_S):
                await lease.acquire()
        except TimeoutError as err:
            raise SinkError(f"Another session speaks through {self._player.name}") from err
        self._lease = lease
        self._stop_watching = self._player.async_watch(self._look)
        await self._player.duck()

    @override
    async def stop(self) -> None:
        """Fall silent and leave the player as it was."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        self._stop_watching()
        # What was changed at the player is put right even if nobody waits for it.
        leaving = self._hass.async_create_task(self._leave(lease), f"{DOMAIN} leaves {self._player.entity_id}")
        await asyncio.shield(leaving)

    @override
    async def clear_buffer(self) -> None:
        """Have the player stop, and forget what it has not said."""
        audible = self.is_playing
        await super().clear_buffer()
        if self._stream is not None:
            await (self._cut() if audible else self._forget())

    async def _leave(self, lease: asyncio.Lock) -> None:
        try:
            await self.clear_buffer()
            await self._forget()
            await self._player.restore()
        finally:
            lease.release()

    @override
    async def _begin(self) -> None:
        self._opening = True
        try:
            if (left_s := self._end_s - asyncio.get_running_loop().time()) > 0:
                # A player that is told to play something else does not first finish what it plays.
                await asyncio.sleep(left_s + GAP_S)
            await self._forget()
            self._check()
            self._stream = stream = SpeechStream(round(AHEAD_S * RATE_HZ) * SAMPLE_BYTES)
            name = f"{DOMAIN} plays on {self._player.entity_id}"
            self._playing = self._hass.async_create_background_task(self._play(stream), name)
            async with asyncio.timeout(FETCH_WITHIN_S):
                await stream.until_read()
        except TimeoutError as err:
            raise SinkError(
                f"{self._player.name} did not fetch what it should play. Can it reach Home Assistant?"
            ) from err
        finally:
            self._opening = False

    @override
    async def _give(self, pcm: bytes) -> None:
        if self._stream is not None:
            self._stream.put(pcm)
            await self._stream.room()

    @override
    async def _end(self) -> None:
        if self._stream is not None:
            self._stream.end()

    @override
    async def _cut(self) -> None:
        await self._forget()
        await self._player.silence()

    async def _play(self, stream: SpeechStream) -> None:
        try:
            await self._player.play(self._offer(stream))
        except SinkError as err:
            stream.fail(err)

    def _offer(self, stream: SpeechStream) -> str:
        try:
            return self._streams.offer(stream)
        except NoURLAvailableError as err:
            raise SinkError("Home Assistant knows no address of its own at which players reach it") from err

    async def _forget(self) -> None:
        """Nothing of the last stretch of speech is left, though the player may still play of it."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.drop()
            self._streams.withdraw(stream)
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            await asyncio.wait((playing,), timeout=LET_GO_S)

    def _check(self) -> None:
        if self._player.absence == NOT_THERE:
            raise _gone(self._player)

    @callback
    def _look(self) -> None:
        if self._player.absence == NOT_THERE and self._stream is not None:
            self._stream.fail(_gone(self._player))


def _nothing() -> None:
    """Nothing is watched yet."""


def _gone(player: Player) -> SinkError:
    return SinkError(f"The media player {player.name} is not available")
