"""The agent's voice is taken out of what the microphone hears, and the user's is left in."""

import time

import numpy as np
import pytest

from custom_components.rtvoice.engine.audio.echo.canceller import EchoCanceller
from custom_components.rtvoice.engine.audio.frame import AudioFrame
from simulator.home.brain import HomeBrain
from simulator.plan import Context
from tests.engine.audio.echo.room import (
    COMMANDS,
    RATE_HZ,
    Room,
    cleaned,
    erle_db,
    far_end,
    level_db,
    loss_db,
    near_end,
    onsets_ms,
    pcm_of,
    speech,
)
from tests.simulator.house import INSTRUCTIONS, TOOLS

FRAME_BYTES = RATE_HZ // 50 * 2


def heard(room: Room, far: np.ndarray, near: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """What the microphone hears, and the echo in it."""
    echo = room.echo(far)
    return echo + room.noise(len(far)) + near, echo


@pytest.mark.parametrize(
    "room",
    [Room(20), Room(60, coupling_db=0), Room(110, seed=1), Room(200, coupling_db=-3, seed=2), Room(450, seed=3)],
    ids=lambda room: f"{room.delay_ms} ms, {room.coupling_db} dB",
)
def test_echo_is_lowered_by_25_db_after_3_s_and_is_no_speech_to_a_detector(room: Room) -> None:
    far = far_end(9, first=room.seed)
    microphone, echo = heard(room, far)
    canceller = EchoCanceller(RATE_HZ)
    left = cleaned(microphone, far, canceller)
    assert erle_db(echo, left, 3, 9) >= 30
    assert min(erle_db(echo, left, second, second + 1) for second in range(3, 9)) >= 25
    assert onsets_ms(microphone)
    assert onsets_ms(left) == []
    assert canceller.delay_ms == pytest.approx(room.delay_ms, abs=0.2)
    assert canceller.converged
    assert canceller.erle_db >= 25


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_other_rates(rate_hz: int) -> None:
    room = Room(90, rate_hz=rate_hz)
    far = far_end(6, rate_hz)
    echo = room.echo(far)
    left = cleaned(echo + room.noise(len(far)), far, rate_hz=rate_hz)
    assert erle_db(echo, left, 3, 6, rate_hz) >= 25


@pytest.mark.parametrize("coupling_db", [-6, -3])
def test_double_talk_costs_the_user_less_than_6_db(coupling_db: float) -> None:
    far = far_end(13)
    near = near_end(13, 4, 7, 10)
    microphone, echo = heard(Room(70, coupling_db), far, near)
    left = cleaned(microphone, far)
    for start_s in (4, 7, 10):
        part = slice(start_s * RATE_HZ, (start_s + 2) * RATE_HZ)
        assert loss_db(near[part], left[part]) < 6
        assert abs(level_db(left[part]) - level_db(near[part])) < 3
    assert erle_db(echo, left, 12.3, 13) >= 25
    assert len(onsets_ms(left)) >= 3


async def test_recogniser_understands_commands_in_double_talk(socket_enabled: None) -> None:
    context = Context(instructions=INSTRUCTIONS, tools=tuple(TOOLS))
    brain = HomeBrain()
    await brain.start()
    try:
        understood = {"raw": 0, "clean": 0}
        for each, command in enumerate(COMMANDS):
            far = far_end(8, first=each)
            near = np.zeros(len(far))
            words = speech(command, "ash")
            near[5 * RATE_HZ : 5 * RATE_HZ + len(words)] = words
            microphone, _ = heard(Room(40 + 50 * each, seed=each), far, near)
            part = slice(5 * RATE_HZ - RATE_HZ // 4, 5 * RATE_HZ + len(words) + RATE_HZ // 4)
            for name, sound in (("raw", microphone), ("clean", cleaned(microphone, far))):
                understood[name] += (await brain.hear(pcm_of(sound[part]), context)).text == command
    finally:
        await brain.close()
    assert understood["clean"] >= 3 > understood["raw"]


def test_without_a_reference_frames_pass_untouched() -> None:
    near = near_end(3, 0.5) + Room().noise(3 * RATE_HZ)
    assert np.array_equal(cleaned(near, np.zeros(len(near))), np.frombuffer(pcm_of(near), "<i2") / 32768)
    canceller = EchoCanceller(RATE_HZ)
    frame = pcm_of(near[:480])
    assert canceller.process(frame, b"") == frame
    assert canceller.process(AudioFrame(frame, RATE_HZ), b"") == frame
    assert not canceller.converged
    assert (canceller.delay_ms, canceller.erle_db) == (None, 0.0)


def test_after_the_reference_stops_frames_pass_untouched_again_and_without_a_click() -> None:
    far = np.concatenate((far_end(5), np.zeros(4 * RATE_HZ)))
    near = near_end(9, 6.5, level_dbfs=-30)
    microphone, _ = heard(Room(), far, near)
    left = cleaned(microphone, far)
    # The longest echo is 920 ms, in frames.
    settled = slice(int(5.96 * RATE_HZ), None)
    assert np.array_equal(left[settled], np.frombuffer(pcm_of(microphone[settled]), "<i2") / 32768)
    ending = left[int(5.3 * RATE_HZ) : int(6.4 * RATE_HZ)]
    assert np.abs(ending).max() < 6 * 10 ** (-60 / 20)


def test_user_is_heard_where_there_is_no_echo() -> None:
    far = far_end(10)
    near = near_end(10, 2, 5, level_dbfs=-26)
    canceller = EchoCanceller(RATE_HZ)
    left = cleaned(near + Room().noise(len(far)), far, canceller)
    for start_s in (2, 5):
        part = slice(start_s * RATE_HZ, (start_s + 2) * RATE_HZ)
        assert loss_db(near[part], left[part]) < 1
    assert canceller.delay_ms is None


@pytest.mark.parametrize("moved_ms", [20, -7, 60])
def test_echo_that_comes_later_or_earlier_is_found_again(moved_ms: int) -> None:
    far = far_end(12)
    before, after = Room(100).echo(far), Room(100 + moved_ms).echo(far)
    echo = np.concatenate((before[: 6 * RATE_HZ], after[6 * RATE_HZ :]))
    canceller = EchoCanceller(RATE_HZ)
    left = cleaned(echo + Room().noise(len(far)), far, canceller)
    assert canceller.delay_ms == pytest.approx(100 + moved_ms, abs=0.2)
    assert erle_db(echo, left, 7, 12) >= 25
    # Until it is found, what might be echo is turned down.
    assert all(onset_ms < 6150 for onset_ms in onsets_ms(left))


def test_another_room_is_learned() -> None:
    far = far_end(12)
    echo = np.concatenate((Room(60).echo(far)[: 5 * RATE_HZ], Room(60, seed=9).echo(far)[5 * RATE_HZ :]))
    left = cleaned(echo + Room().noise(len(far)), far)
    assert erle_db(echo, left, 8, 12) >= 25


def drifting(echo: np.ndarray, ppm: float) -> np.ndarray:
    """The echo as a sound card hears it whose clock is slower by so much."""
    finer = np.fft.irfft(np.fft.rfft(echo), 8 * len(echo)) * 8
    instants = np.minimum(np.arange(len(echo)) * (1 + ppm * 1e-6) * 8, len(finer) - 1)
    return np.interp(instants, np.arange(len(finer)), finer)


@pytest.mark.parametrize("ppm", [100, -100])
def test_drifting_clocks_are_tolerated(ppm: float) -> None:
    far = far_end(18)
    echo = drifting(Room(100).echo(far), ppm)
    assert erle_db(echo, cleaned(echo + Room().noise(len(far)), far), 3, 18) >= 25


def test_delay_that_creeps_past_the_filters_lead_is_followed() -> None:
    far = far_end(30)
    echo = drifting(Room(85.3).echo(far), 200)
    canceller = EchoCanceller(RATE_HZ)
    left = cleaned(echo + Room().noise(len(far)), far, canceller)
    assert canceller.delay_ms == pytest.approx(85.3 - 0.2 * 30, abs=0.6)
    assert erle_db(echo, left, 3, 30) >= 18


def test_distorting_speaker_is_no_speech_to_a_detector() -> None:
    far = far_end(9)
    echo = Room(50).echo(np.tanh(3 * far) / 3)
    left = cleaned(echo + Room().noise(len(far)), far)
    assert erle_db(echo, left, 3, 9) >= 25
    assert onsets_ms(left) == []


def test_session_takes_a_small_part_of_a_core() -> None:
    far = far_end(6)
    microphone, _ = heard(Room(), far)
    canceller = EchoCanceller(RATE_HZ)
    began_s = time.thread_time()
    cleaned(microphone, far, canceller)
    took_s = time.thread_time() - began_s
    # A frame costs as much as fifty transforms of its size there and back; the benchmark says what that is of a core.
    block = np.random.default_rng(1).standard_normal(2048).astype(np.float32)
    began_s = time.thread_time()
    for _ in range(6 * 50 * 20):
        np.fft.irfft(np.fft.rfft(block))
    assert took_s < 5 * (time.thread_time() - began_s)


def test_frames_must_have_their_length() -> None:
    canceller = EchoCanceller(RATE_HZ)
    with pytest.raises(ValueError, match="960"):
        canceller.process(bytes(958), bytes(960))
    with pytest.raises(ValueError, match="960"):
        canceller.process(bytes(960), bytes(2))


@pytest.mark.parametrize("rate_hz", [7_000, 44_100])
def test_rates_without_whole_blocks_are_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=str(rate_hz)):
        EchoCanceller(rate_hz)
