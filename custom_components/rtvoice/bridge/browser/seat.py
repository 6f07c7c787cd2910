"""Where a page sits: one page at a time, and what a session hears and speaks with through it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ..places.errors import EarsFailedError, MouthFailedError
from .playback import Playback
from .wire import REPLACED_CODE, Farewell, MicrophoneTrouble, audio_frame, to_text

NOT_OPEN: Final = "page_not_open"
_WORDS: Final = {
    MicrophoneTrouble.DENIED: "The browser was not allowed to use the microphone",
    MicrophoneTrouble.MISSING: "The browser has found no microphone",
    MicrophoneTrouble.INSECURE: "The browser gives no microphone to a page that was opened without https",
    MicrophoneTrouble.LOST: "The browser has lost the microphone",
    MicrophoneTrouble.SILENT: "The browser gets nothing from the microphone",
}
_FRAME_MS: Final = 100
"""Most audio in one message."""


@dataclass(frozen=True, slots=True)
class PageRates:
    """Samples per second that a page captures and plays at."""

    input_hz: int
    output_hz: int


class Sitter(Protocol):
    """A page that has said hello."""

    @property
    def rates(self) -> PageRates:
        """At what it captures and plays."""

    def say(self, kind: str, **fields: object) -> None:
        """Send a message; of several of a kind that wait, only the last."""

    def wake(self) -> None:
        """There is audio to send."""

    def dismiss(self, farewell: Farewell) -> None:
        """Close the socket."""


class _Device(Protocol):
    def fits(self, rates: PageRates) -> bool:
        """Whether it can go on with a page that has these rates."""

    def fail(self, key: str, message: str) -> None:
        """It works no more; `key` is that of a translated error."""


class Ears(_Device, Protocol):
    """What a session hears with."""

    def hear(self, pcm: bytes) -> None:
        """The page has captured this."""


class Mouth(_Device, Protocol):
    """What a session speaks with."""

    playback: Playback

    def played(self, epoch: int, samples: int) -> None:
        """The page has played so much."""

    def resume(self) -> None:
        """Another page goes on with what was not played."""


class Seat:
    """Of one satellite. A session survives that its page is gone for a moment, and goes on with the next one.

    `changed` is called whenever a page has come or gone.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._page: Sitter | None = None
        self._ears: Ears | None = None
        self._mouth: Mouth | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._epoch = 0
        self._closed = False
        self.failure: str | None = None
        """The key of an error that says what has failed last."""

    @property
    def taken(self) -> bool:
        """Whether a page is there."""
        return self._page is not None

    @property
    def in_use(self) -> bool:
        """Whether a session hears or speaks here, or waits for a page that it can do so with."""
        return self._ears is not None or self._mouth is not None

    @property
    def rates(self) -> PageRates | None:
        """Those of the page that is there."""
        return self._page.rates if self._page is not None else None

    def next_epoch(self) -> int:
        """Count one on; pages drop what belongs to an earlier epoch, whichever session it was of."""
        self._epoch += 1
        return self._epoch

    # --- for pages ----------------------------------------------------------------------------------------------------

    def sit(self, page: Sitter) -> None:
        """A page takes over."""
        former, self._page = self._page, page
        self._stop_waiting()
        if former is not None:
            former.dismiss(Farewell(REPLACED_CODE, to_text("replaced")))
        devices: list[Ears | Mouth] = [device for device in (self._ears, self._mouth) if device is not None]
        if all(device.fits(page.rates) for device in devices):
            if self._mouth is not None:
                self._mouth.resume()
            if self._ears is not None:
                page.say("microphone", open=True)
        else:
            self._fail("page_changed", "The page that took over hears or speaks at another rate")
        self._changed()

    def leave(self, page: Sitter, *, grace_s: float) -> None:
        """A page is gone; a session waits so long for the next one."""
        if self._page is not page:
            return
        self._page = None
        if self.in_use and not self._closed:
            self._giving_up = asyncio.get_running_loop().call_later(grace_s, self._give_up)
        self._changed()

    def hear(self, page: Sitter, pcm: bytes) -> None:
        """A page has captured this; nobody listens between sessions."""
        if self._page is page and self._ears is not None:
            self._ears.hear(pcm)

    def played(self, page: Sitter, epoch: int, samples: int) -> None:
        """A page has played so much."""
        if self._page is page and self._mouth is not None:
            self._mouth.played(epoch, samples)

    def microphone_failed(self, page: Sitter, trouble: MicrophoneTrouble) -> None:
        """A page has no microphone: what listens has failed."""
        if self._page is page and self._ears is not None:
            self.failure = f"microphone_{trouble}"
            self._ears.fail(self.failure, _WORDS[trouble])

    def next_audio(self, page: Sitter) -> bytes | None:
        """A message of audio for a page; None if there is none."""
        if self._page is not page or self._mouth is None:
            return None
        pcm = self._mouth.playback.take(page.rates.output_hz * _FRAME_MS // 1000)
        return audio_frame(self._mouth.playback.epoch, pcm) if pcm else None

    # --- for devices --------------------------------------------------------------------------------------------------

    def seat_ears(self, ears: Ears) -> PageRates:
        """Listen through the page. Raises SourceError when there is none."""
        if self._page is None:
            raise EarsFailedError(NOT_OPEN, "The page is not open")
        if self._ears is not None:
            self._ears.fail("page_taken", "Something else listens through the page now")
        self._ears, self.failure = ears, None
        self._page.say("microphone", open=True)
        return self._page.rates

    def seat_mouth(self, mouth: Mouth) -> PageRates:
        """Speak through the page. Raises SinkError when there is none."""
        if self._page is None:
            raise MouthFailedError(NOT_OPEN, "The page is not open")
        if self._mouth is not None:
            self._mouth.fail("page_taken", "Something else speaks through the page now")
        self._mouth = mouth
        return self._page.rates

    def free_ears(self, ears: Ears) -> None:
        """Listen no more."""
        if self._ears is ears:
            self._ears = None
            if self._page is not None:
                self._page.say("microphone", open=False)
            self._freed()

    def free_mouth(self, mouth: Mouth) -> None:
        """Speak no more."""
        if self._mouth is mouth:
            self._mouth = None
            self._freed()

    def new_epoch(self, mouth: Mouth) -> None:
        """Have the page drop what is of an earlier epoch than the mouth's, unless another mouth speaks meanwhile."""
        if self._mouth is mouth and self._page is not None:
            self._page.say("clear", epoch=mouth.playback.epoch)

    def wake(self) -> None:
        """There is audio for the page."""
        if self._page is not None:
            self._page.wake()

    def close(self, farewell: Farewell) -> None:
        """Close the page's socket, if one is there; nobody waits for another any more."""
        self._closed = True
        if self._page is not None:
            self._page.dismiss(farewell)
        self._give_up()

    def _freed(self) -> None:
        if not self.in_use:
            self._stop_waiting()
            self._changed()

    def _give_up(self) -> None:
        self._stop_waiting()
        self._fail("page_gone", "The page was closed")

    def _fail(self, key: str, message: str) -> None:
        if self.in_use:
            self.failure = key
        for device in (self._ears, self._mouth):
            if device is not None:
                device.fail(key, message)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
