"""How much echo is removed, what that costs the user's speech, and how long it takes: python -m bench.echo."""

import time

import numpy as np

from custom_components.rtvoice.engine.audio.echo.canceller import EchoCanceller
from tests.engine.audio.echo.room import (
    RATE_HZ,
    Room,
    cleaned,
    erle_db,
    far_end,
    loss_db,
    near_end,
    onsets_ms,
    pcm_of,
)

_DELAYS_MS = (20, 50, 80, 120, 160, 200, 350, 500)
_COUPLINGS_DB = (-12, -6, -3, 0)
_SECONDS = 12


def main() -> None:
    """Print two tables."""
    _quality()
    for rate_hz in (16_000, 24_000, 48_000):
        _speed(rate_hz)


def _quality() -> None:
    print("delay  coupling  ERLE 0-1 s  1-3 s  3-12 s  worst second after 3 s  false onsets  double-talk loss")
    for seed, delay_ms in enumerate(_DELAYS_MS):
        room = Room(delay_ms, _COUPLINGS_DB[seed % len(_COUPLINGS_DB)], seed=seed)
        far = far_end(_SECONDS, first=seed)
        near = near_end(_SECONDS, 4, 7)
        echo, noise = room.echo(far), room.noise(len(far))
        left = cleaned(echo + noise, far)
        spoken = cleaned(echo + noise + near, far)
        worst = min(erle_db(echo, left, second, second + 1) for second in range(3, _SECONDS))
        losses = [
            loss_db(near[at * RATE_HZ : (at + 2) * RATE_HZ], spoken[at * RATE_HZ : (at + 2) * RATE_HZ]) for at in (4, 7)
        ]
        spans = ((0, 1), (1, 3), (3, _SECONDS))
        first, second, rest = (erle_db(echo, left, *span) for span in spans)
        print(
            f"{delay_ms:3} ms {room.coupling_db:5} dB {first:8.1f} dB {second:4.1f} dB {rest:4.1f} dB {worst:20.1f} dB"
            f" {len(onsets_ms(left)):13} {max(losses):14.1f} dB"
        )


def _speed(rate_hz: int) -> None:
    far = far_end(_SECONDS, rate_hz)
    room = Room(rate_hz=rate_hz)
    near_pcm, far_pcm = pcm_of(room.echo(far) + room.noise(len(far))), pcm_of(far)
    canceller = EchoCanceller(rate_hz)
    size = rate_hz // 50 * 2
    wall_ms = []
    began_s = time.thread_time()
    for at in range(0, len(near_pcm) - size + 1, size):
        start_s = time.perf_counter()
        canceller.process(near_pcm[at : at + size], far_pcm[at : at + size])
        wall_ms.append((time.perf_counter() - start_s) * 1000)
    core = (time.thread_time() - began_s) / _SECONDS
    p50, p99 = np.percentile(wall_ms, (50, 99))
    print(f"{rate_hz} Hz: {core:.1%} of a core while the agent speaks; a frame takes {p50:.2f} ms (p99 {p99:.2f} ms)")


if __name__ == "__main__":
    main()
