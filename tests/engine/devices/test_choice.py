"""Devices by index or name."""

import pytest

from custom_components.rtvoice.engine.devices.choice import INPUT, OUTPUT, AudioDevice, choose
from custom_components.rtvoice.engine.errors import SinkError, SourceError

HEADSET = AudioDevice(3, "USB Headset", is_default=False, sample_rate=48_000)
HEADSET_2 = AudioDevice(4, "USB Headset Mono", is_default=True, sample_rate=16_000)
WEBCAM = AudioDevice(7, "Webcam", is_default=False, sample_rate=44_100)
ALL = (HEADSET, HEADSET_2, WEBCAM)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(None, HEADSET_2), (3, HEADSET), ("USB Headset", HEADSET), ("webCAM", WEBCAM), ("mono", HEADSET_2)],
)
def test_found(wanted: int | str | None, found: AudioDevice) -> None:
    assert choose(ALL, wanted, INPUT) is found


def test_first_where_none_is_the_default() -> None:
    assert choose((WEBCAM, HEADSET), None, INPUT) is WEBCAM


@pytest.mark.parametrize("wanted", [1, "Loft", ""])
def test_not_found_or_ambiguous_lists_what_there_is(wanted: int | str) -> None:
    with pytest.raises(SourceError, match=r"'USB Headset' \(3\), 'USB Headset Mono' \(4\), 'Webcam' \(7\)"):
        choose(ALL, wanted, INPUT)


def test_ambiguous_says_so() -> None:
    with pytest.raises(SinkError, match="More than one speaker is called 'usb'"):
        choose(ALL, "usb", OUTPUT)


@pytest.mark.parametrize("wanted", [None, 0, "any"])
def test_nothing_there(wanted: int | str | None) -> None:
    with pytest.raises(SinkError, match="no speaker on this machine"):
        choose((), wanted, OUTPUT)
