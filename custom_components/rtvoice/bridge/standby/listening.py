"""Listening for a wake word between sessions, on the microphone that sessions hear with."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from homeassistant.components.wake_word import WakeWord
from homeassistant.core import CALLBACK_TYPE, HomeAssistant

from ...const import DOMAIN
from ...engine import EventBus, OpenMicrophone, StandBy, StandByArmedEvent
from ...engine.errors import DeviceError
from ...engine.ports import AudioInputDevice
from ...engine.standby.patience import Patience
from ..places.site import Site
from ..wakes import Interrupt, Woken
from .detector import EngineDetector
from .engine import async_engine, async_wake_words
from .options import WakeOptions
from .sessions import PlaceSessions
from .watch import EngineWatch

_LOGGER = logging.getLogger(__name__)

STEADY_S: Final = 30.0
"""A microphone that fails after it was open for so long had worked: it is tried again soon."""
RETRY_S: Final = 1.0
"""How long it is left alone at first after it has failed; up to a minute, while it goes on failing."""


class Listening:
    """Stands by at a satellite for as long as its account is loaded.

    It listens while the satellite is not muted and its wake word engine works; otherwise the microphone is open to
    sessions only. A microphone that fails is told by `microphone_failed`, and tried again; `changed` is called when
    that changes. `ears` makes the microphone, and raises SourceError.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        site: Site,
        ears: Callable[[], Awaitable[AudioInputDevice]],
        changed: Callable[[], None],
    ) -> None:
        self._hass = hass
        self._site = site
        self._ears = ears
        self._changed = changed
        self._microphone: OpenMicrophone | None = None
        self._making = asyncio.Lock()
        self._woken: Woken | None = None
        self._interrupt: Interrupt | None = None
        self._sessions: PlaceSessions | None = None
        self._patience = Patience(RETRY_S)
        self._news = asyncio.Event()
        self._wanted: WakeOptions | None = None
        self._standing: asyncio.Timeout | None = None
        self._task: asyncio.Task[None] | None = None
        self._unwatch: list[CALLBACK_TYPE] = []
        self.microphone_failed = False
        """Whether there is no microphone to listen with at the moment."""
        self.wake_words: tuple[WakeWord, ...] = ()
        """What the engine can listen for, as far as it has said so."""

    @property
    def options(self) -> WakeOptions | None:
        """What the satellite is set to be woken by."""
        return WakeOptions.read(self._site.subentry.data)

    def open(self, woken: Woken, interrupt: Interrupt) -> None:
        """Begin to listen."""
        if (options := self.options) is None:
            return
        self._woken, self._interrupt = woken, interrupt
        engine = EngineWatch(self._hass, options.engine, self._site, self._look)
        self._unwatch = [self._site.activity.watch(self._look), engine.close]
        self._wanted = self._to_listen_for()
        self._task = self._hass.async_create_background_task(
            self._run(options.engine), f"{DOMAIN} wake word of {self._site.title}"
        )

    async def async_microphone(self) -> OpenMicrophone:
        """The microphone, which sessions share with the wake word engine. Raises SourceError."""
        async with self._making:
            if self._microphone is None:
                self._microphone = OpenMicrophone(await self._ears())
            return self._microphone

    def ended(self) -> None:
        """The session here is over."""
        if self._sessions is not None:
            self._sessions.ended()

    async def async_close(self) -> None:
        """Stop listening; the microphone is closed then."""
        for unwatch in self._unwatch:
            unwatch()
        self._unwatch = []
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _to_listen_for(self) -> WakeOptions | None:
        """What should be listened for now; None: nothing."""
        options = self.options
        if options is None or self._site.muted or async_engine(self._hass, options.engine) is None:
            return None
        return options

    def _look(self) -> None:
        """See whether something else should be listened for than before."""
        if (wanted := self._to_listen_for()) == self._wanted:
            return
        self._wanted = wanted
        self._news.set()
        if self._standing is not None and not self._standing.expired():
            self._standing.reschedule(self._hass.loop.time())

    async def _run(self, engine: str) -> None:
        while True:
            await self._learn(engine)
            self._news.clear()
            if (wanted := self._wanted) is None:
                self._tell(failure=None)
                await self._news.wait()
            else:
                await self._stand_by(wanted)

    async def _learn(self, engine: str) -> None:
        entity = async_engine(self._hass, engine)
        if entity is not None and (known := await async_wake_words(entity)) is not None:
            self.wake_words = known

    async def _stand_by(self, wanted: WakeOptions) -> None:
        """Listen until something else is wanted, or the microphone has failed."""
        began_s = self._hass.loop.time()
        try:
            async with asyncio.timeout(None) as self._standing:
                await (await self._standing_by(wanted)).run()
        except TimeoutError:
            if self._news.is_set():
                return
            raise
        except DeviceError as err:
            failure: Exception = err
        except Exception as err:
            if not self.microphone_failed:
                _LOGGER.exception("Listening for the wake word of %s failed unexpectedly", self._site.title)
            failure = err
        finally:
            self._standing = None
        if self._hass.loop.time() - began_s > STEADY_S:
            self._patience.worked()
        await self._rest(failure)

    async def _standing_by(self, wanted: WakeOptions) -> StandBy:
        assert self._woken is not None  # noqa: S101 - it was opened
        assert self._interrupt is not None  # noqa: S101
        detector = EngineDetector(self._hass, wanted.engine, wanted.wake_word_id)
        self._sessions = PlaceSessions(self._site.activity, detector, self._woken, self._interrupt)
        bus = EventBus()
        bus.subscribe(StandByArmedEvent, self._armed)
        microphone = await self.async_microphone()
        return StandBy(self._sessions, microphone, detector, interrupt=wanted.interrupts, event_bus=bus)

    async def _armed(self, _: StandByArmedEvent) -> None:
        self._tell(failure=None)

    async def _rest(self, failure: Exception) -> None:
        self._tell(failure=failure)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience.failed()):
                await self._news.wait()

    def _tell(self, *, failure: Exception | None) -> None:
        """Say that the microphone has failed or works again, once."""
        if self.microphone_failed == (failure is not None):
            return
        self.microphone_failed = failure is not None
        if failure is not None:
            _LOGGER.warning("The microphone of %s is gone, and tried again: %s", self._site.title, failure)
        elif self._wanted is not None:
            _LOGGER.info("The microphone of %s is back", self._site.title)
        self._changed()
