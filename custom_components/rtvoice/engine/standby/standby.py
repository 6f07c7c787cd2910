"""Waiting for a wake word, conversing, and waiting again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from ..bus import EventBus, Feed
from ..conversation.values import AgentState
from ..errors import DeviceError, EndReason, EngineError, SourceError
from ..events import AgentError, StandByArmedEvent, StandByErrorEvent, WakeWordDetectedEvent
from ..ports import WakeWordDetector
from .ear import Ear
from .microphone import OpenMicrophone
from .patience import Patience
from .pause import LOOK_AHEAD_S, LOOK_BACK_S, samples_before_pause

_LOGGER = logging.getLogger(__name__)

MICROPHONE_START_S = 10.0
"""The microphone must open within this time."""
STEADY_S = 60.0
"""A detector that fails after it has listened for so long had worked: what was wrong before is forgotten."""

_current: ContextVar[StandBy | None] = ContextVar("rtvoice_stand_by", default=None)
"""The stand-by that the present task belongs to: tools and observers must not wait for its end."""


class Ended(Protocol):
    """What came of a session."""

    @property
    def end_reason(self) -> EndReason:
        """Why it ended."""


class Wakeable(Protocol):
    """What is woken: a `RealtimeAgent`, whose `audio_input` is the microphone that stands by."""

    @property
    def state(self) -> AgentState:
        """What it is doing; IDLE when it does not run."""

    async def run(self) -> Ended:
        """Converse until the session ends. Raises the EngineError that made the session impossible."""

    async def interrupt(self, *, heard_s: float | None = None) -> None:
        """Fall silent now; the user has been speaking to it for `heard_s`."""

    async def stop(self) -> None:
        """End the session."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A wake word that was noticed at a position of the microphone; it ended there or behind `earliest`."""

    phrase: str
    earliest: int
    noticed: int


class StandBy:
    """Listens for the wake word on a microphone that stays open, and wakes the agent; again and again.

    What is said right behind the wake word is not lost. The session begins with the pause that follows it, or, where
    the user speaks on in one breath, with some of the wake word, since detectors notice it late. While the agent speaks
    the wake word silences it, unless `interrupt` is False; that works also where the microphone is closed to the
    session meanwhile, and the agent then hears what followed the wake word. Errors of a session or of the detector are
    told on `event_bus` and do not end it; while they repeat, it waits longer and longer before it listens again.
    """

    def __init__(
        self,
        agent: Wakeable,
        microphone: OpenMicrophone,
        detector: WakeWordDetector,
        *,
        interrupt: bool = True,
        event_bus: EventBus | None = None,
    ) -> None:
        self._agent = agent
        self._microphone = microphone
        self._detector = detector
        self._interrupt = interrupt
        self._feed = Feed((event_bus or EventBus()).dispatch)
        self._sessions = Patience(0.0)
        self._detections = Patience(1.0)
        self._waiting: asyncio.Timeout | None = None
        self._conversing = False
        self._stop_asked = asyncio.Event()
        self._finished: asyncio.Event | None = None

    @property
    def is_running(self) -> bool:
        """Whether it stands by or converses."""
        return self._finished is not None

    async def run(self) -> None:
        """Stand by until `stop()`. Raises DeviceError when a device fails, RuntimeError while it runs already."""
        if self._finished is not None:
            raise RuntimeError("It stands by already")
        finished = self._finished = asyncio.Event()
        self._stop_asked.clear()
        token = _current.set(self)
        try:
            async with self._feed.running(), self._listening():
                while (heard := await self._until_stopped(self._armed)) is not None:
                    await self._on_wake_word(heard)
        finally:
            _current.reset(token)
            self._finished = None
            finished.set()

    async def stop(self) -> None:
        """End standing by, and the session if one runs, and wait for both.

        Idempotent; inside a tool or an observer of the session it does not wait.
        """
        if (finished := self._finished) is None:
            return
        self._stop_asked.set()
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())
        if self._conversing:
            await self._agent.stop()
        if _current.get() is not self:
            await finished.wait()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(MICROPHONE_START_S) as opening, self._microphone.kept_open():
                opening.reschedule(None)
                yield
        except TimeoutError as err:
            if not opening.expired():
                raise
            raise SourceError("The microphone did not open in time") from err

    async def _until_stopped[T](self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do something that `stop` breaks off; None then."""
        if self._stop_asked.is_set():
            return None
        try:
            async with asyncio.timeout(None) as self._waiting:
                done = await work()
        except TimeoutError:
            if not self._stop_asked.is_set():
                raise
            return None
        finally:
            self._waiting = None
        # Who swallowed the cancellation has done it for nothing.
        return None if self._stop_asked.is_set() else done

    async def _armed(self) -> _Heard:
        if self._agent.state is AgentState.IDLE:
            self._feed.put(StandByArmedEvent())
        return await self._heard()

    async def _heard(self) -> _Heard:
        """Wait for the wake word. Raises SourceError."""
        while True:
            ear = await Ear.open(self._microphone, self._detector.sample_rate)
            armed_s = asyncio.get_running_loop().time()
            error = EngineError("The wake word detector gave up")
            try:
                detection = await self._detector.detect(ear)
            except EngineError as err:
                detection, error = None, err
            except Exception as err:
                _LOGGER.exception("A wake word detector failed unexpectedly")
                detection, error = None, EngineError(f"Unexpected {type(err).__name__} of the wake word detector")
            finally:
                ear.close()
            if self._microphone.failure is not None:
                raise self._microphone.failure
            if detection is not None:
                self._detections.worked()
                noticed = ear.position_of(detection)
                earliest = noticed - round(LOOK_BACK_S * self._microphone.sample_rate)
                return _Heard(detection.phrase, max(ear.begin, earliest), noticed)
            if asyncio.get_running_loop().time() - armed_s > STEADY_S:
                self._detections.worked()
            await self._rest(self._detections, error)

    async def _on_wake_word(self, heard: _Heard) -> None:
        if self._agent.state is AgentState.IDLE:
            await self._wake(heard)
        else:
            # Somebody else has begun a session.
            await self._silence(heard)

    async def _wake(self, heard: _Heard) -> None:
        """Run a session, with an ear for the wake word in it. Raises DeviceError."""
        self._feed.put(WakeWordDetectedEvent(heard.phrase))
        self._microphone.hear_from(lambda: self._end_of(heard, LOOK_AHEAD_S))
        watch = asyncio.create_task(self._watch(), name="rtvoice wake word")
        try:
            await self._converse()
        finally:
            self._microphone.hear_from_now()
            watch.cancel()
            (failure,) = await asyncio.gather(watch, return_exceptions=True)
        if isinstance(failure, Exception):
            raise failure

    async def _converse(self) -> None:
        self._conversing = True
        try:
            reason = (await self._agent.run()).end_reason
        except DeviceError:
            raise
        except EngineError as err:
            failure = err
        else:
            if reason is EndReason.DEVICE_FAILED:
                raise self._microphone.failure or DeviceError("An audio device stopped working during a session")
            self._sessions.worked()
            return
        finally:
            self._conversing = False
        await self._until_stopped(lambda: self._rest(self._sessions, failure))

    async def _watch(self) -> None:
        """Listen for the wake word until cancelled. Raises SourceError."""
        while self._interrupt:
            await self._silence(await self._heard())

    async def _silence(self, heard: _Heard) -> None:
        if self._interrupt and self._agent.state is AgentState.SPEAKING:
            self._feed.put(WakeWordDetectedEvent(heard.phrase, interrupting=True))
            end = await self._end_of(heard, 0.0)
            heard_s = (self._microphone.position - end) / self._microphone.sample_rate
            await self._agent.interrupt(heard_s=heard_s)

    async def _end_of(self, heard: _Heard, look_ahead_s: float) -> int:
        """Find where a wake word ended: at the first pause, or who speaks on in one breath loses nothing."""
        rate = self._microphone.sample_rate
        begin, pcm = await self._microphone.between(heard.earliest, heard.noticed + round(look_ahead_s * rate))
        return begin + samples_before_pause(pcm, rate)

    async def _rest(self, patience: Patience, error: EngineError) -> None:
        """Tell of an error, and wait before going on."""
        wait_s = patience.failed()
        told = AgentError(error.end_reason.value, str(error), getattr(error, "code", None))
        self._feed.put(StandByErrorEvent(told, wait_s))
        await asyncio.sleep(wait_s)
