"""The echo canceller. Imports numpy: import this module off the event loop."""

import math

import numpy as np

from ..frame import FRAME_MS, AudioFrame, frame_bytes
from .coupling import CouplingBound
from .delay import DelayFinder
from .kalman import KalmanFilter
from .spectra import Bins, Emphasis, Samples, SpectrumHistory
from .suppressor import ResidualSuppressor

_LOWEST_RATE_HZ = 8_000
_BLOCK_MS = 5
_TAIL_MS = 320
_LONGEST_DELAY_MS = 600
_LEAD_MS = 10
"""How long before the direct sound the filter begins: reflections never, but a delay is never found exactly."""
_MOVED_MS = 0.8
_FULL_SCALE = 32768.0
_MEMORY = 0.8
_DOMINANT = 0.5
_DIVERGED = 0.25
_DIVERGED_BLOCKS = 2
_LOST_BLOCKS = 100
"""For so long after the echo path has changed, the echo may be anywhere."""
_LEVEL_MEMORY = 0.98
_CONVERGED_DB = 10.0
_CAUTION = 8.0
"""How many times more echo than the filter expects is assumed while it has just begun to learn."""
_CAUTION_FALL = 0.9975


class EchoCanceller:
    """Takes what the speaker plays out of what the microphone hears, a frame of 20 ms at a time, without adding delay.

    The echo may come 0 to 580 ms after its reference and last 300 ms. Until it has found the delay, it takes all that
    follows the reference for echo that is not louder than the loudest echo there can have been. While the reference
    has been silent for as long as an echo can last, frames pass untouched. Not safe in threads: one call at a time.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        if sample_rate_hz < _LOWEST_RATE_HZ or sample_rate_hz * _BLOCK_MS % 1000:
            raise ValueError(f"Cannot cancel echo at {sample_rate_hz} Hz")
        block = sample_rate_hz * _BLOCK_MS // 1000
        self._sample_rate_hz = sample_rate_hz
        self._frame_bytes = frame_bytes(sample_rate_hz)
        self._block = block
        self._tail = _TAIL_MS // _BLOCK_MS
        length = (_LONGEST_DELAY_MS + _TAIL_MS) // _BLOCK_MS
        self._history, self._emphasised = SpectrumHistory(block, length), SpectrumHistory(block, length)
        self._far_emphasis, self._left_emphasis = Emphasis(block), Emphasis(block)
        self._filter = KalmanFilter(block, self._tail)
        self._finder = DelayFinder(sample_rate_hz, sample_rate_hz * FRAME_MS // 1000)
        self._coupling = CouplingBound()
        self._suppressor = ResidualSuppressor(sample_rate_hz)
        self._caution = _CAUTION
        self._delay_blocks = 0
        self._delay_ms: float | None = None
        self._diverged_blocks = self._lost_blocks = 0
        self._powers = np.zeros(3)
        self._levels = np.zeros(2)

    @property
    def delay_ms(self) -> float | None:
        """How long after its reference the direct sound comes; None until that is known."""
        return self._delay_ms

    @property
    def erle_db(self) -> float:
        """By how much the level of the last seconds was lowered while the far end spoke; near-end speech lowers it."""
        before, after = self._levels
        return 10 * math.log10(before / after) if before > 0 and after > 0 else 0.0

    @property
    def converged(self) -> bool:
        """Whether it has found the echo and takes most of it out."""
        return self._delay_ms is not None and self.erle_db >= _CONVERGED_DB

    def process(self, near: AudioFrame | bytes, far: bytes) -> bytes:
        """The microphone's frame without the echo of what the speaker played.

        `far` is the reference of the same 20 ms (empty: silence). Raises ValueError unless both have their length.
        """
        pcm = near.pcm if isinstance(near, AudioFrame) else near
        far = far or bytes(self._frame_bytes)
        if len(pcm) != self._frame_bytes or len(far) != self._frame_bytes:
            raise ValueError(f"Frames must have {self._frame_bytes} bytes, not {len(pcm)} and {len(far)}")
        near_samples, far_samples = _samples(pcm), _samples(far)
        self._coupling.observe(near_samples, far_samples)
        self._align(self._finder.observe(near_samples, far_samples))
        cleaned = np.concatenate(
            [
                self._process(near_samples[at : at + 2 * self._block], far_samples[at : at + 2 * self._block])
                for at in range(0, len(near_samples), 2 * self._block)
            ]
        )
        if self._history.silent and self._suppressor.idle:
            return pcm
        if far_samples.any():
            levels = np.array([np.dot(near_samples, near_samples), np.dot(cleaned, cleaned)])
            self._levels += (1 - _LEVEL_MEMORY) * (levels - self._levels)
        return np.clip(np.rint(cleaned * _FULL_SCALE), -32768, 32767).astype("<i2").tobytes()

    def _align(self, lag_ms: float | None) -> None:
        if lag_ms is None:
            return
        delay_blocks = max(0, int((lag_ms - _LEAD_MS) // _BLOCK_MS))
        if self._delay_ms is None:
            self._delay_blocks = delay_blocks
            self._filter.forget(self._coupling.bound)
        elif abs(lag_ms - self._delay_ms) > _MOVED_MS:
            # The filter keeps what it knows of the room and moves to where the echo is now.
            moved = round((lag_ms - self._delay_ms) * self._sample_rate_hz / 1000)
            self._filter.move(moved - (delay_blocks - self._delay_blocks) * self._block)
            self._filter.doubt()
            self._delay_blocks = delay_blocks
        elif abs(delay_blocks - self._delay_blocks) > 1:
            self._filter.move((self._delay_blocks - delay_blocks) * self._block)
            self._delay_blocks = delay_blocks
        self._delay_ms = lag_ms

    def _process(self, near: Samples, far: Samples) -> Samples:
        left = np.empty_like(near)
        residual = np.zeros(self._block + 1, np.float32)
        for at in range(0, len(near), self._block):
            block = slice(at, at + self._block)
            left[block], expected = self._cancel(near[block], far[block])
            residual += expected
        if self._history.silent and self._suppressor.idle:
            self._suppressor.pass_by(left)
            return left
        return self._suppressor.process(left, near - left, np.repeat(residual, 2)[: 2 * self._block + 1])

    def _cancel(self, near: Samples, far: Samples) -> tuple[Samples, Bins]:
        """What the filter leaves of a block, and the power of the echo that is expected in that."""
        self._history.add(far)
        self._emphasised.add(self._far_emphasis.process(far))
        if self._history.silent:
            self._left_emphasis.process(near)
            return near, np.zeros(self._block + 1, np.float32)
        if self._delay_ms is None:
            self._left_emphasis.process(near)
            return near, self._coupling.bound * self._history.peak_powers()
        echo = self._filter.predict(self._history, self._delay_blocks)
        left = near - echo
        self._watch(near, echo, left)
        residual = self._filter.residual_power(self._emphasised, self._delay_blocks)
        self._filter.adapt(self._emphasised, self._delay_blocks, self._left_emphasis.process(left), residual)
        expected = self._caution * residual / self._left_emphasis.power_gain
        self._caution = max(1.0, self._caution * _CAUTION_FALL)
        if self._lost_blocks:
            expected = np.maximum(expected, self._filter.path_gain * self._history.peak_powers())
        return left, expected

    def _watch(self, near: Samples, echo: Samples, left: Samples) -> None:
        """See whether the filter adds more than it takes, which near-end speech alone never makes it do for long."""
        powers = np.array([np.dot(each, each) for each in (near, echo, left)])
        self._powers += (1 - _MEMORY) * (powers - self._powers)
        heard, predicted, remaining = self._powers
        diverged = predicted > _DOMINANT * heard and remaining > heard + _DIVERGED * predicted
        self._diverged_blocks = self._diverged_blocks + 1 if diverged else 0
        self._lost_blocks = max(0, self._lost_blocks - 1)
        if self._diverged_blocks >= _DIVERGED_BLOCKS:
            self._diverged_blocks = 0
            self._lost_blocks = _LOST_BLOCKS
            self._filter.doubt()
            self._suppressor.distrust()


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)
