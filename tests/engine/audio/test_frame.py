"""Frames know their length."""

import pytest

from custom_components.rtvoice.engine.audio.frame import AudioFrame, frame_bytes


def test_frame_counts_samples_and_time() -> None:
    frame = AudioFrame(bytes(960), 24_000)
    assert (frame.samples, frame.duration_ms) == (480, 20.0)


@pytest.mark.parametrize(
    ("rate_hz", "size"), [(8_000, 320), (16_000, 640), (24_000, 960), (44_100, 1764), (48_000, 1920)]
)
def test_frame_bytes(rate_hz: int, size: int) -> None:
    assert frame_bytes(rate_hz) == size
