"""The ring loses, repeats and counts nothing wrongly."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine.devices.ring import SampleRing


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 30)),
            st.tuples(st.just("fill"), st.integers(1, 30)),
            st.just("clear"),
        )
    )
)
def test_plays_what_was_taken_in_order(steps: list[tuple[str, int] | str]) -> None:
    ring = SampleRing(40)
    queued, heard, next_value, played = b"", b"", 1, 0
    for step in steps:
        match step:
            case ("put", int(samples)):
                pcm = b"".join((next_value + n).to_bytes(2, "little") for n in range(samples))
                taken = ring.put(memoryview(pcm))
                assert taken == min(len(pcm), 40 - len(queued))
                queued += pcm[:taken]
                next_value += taken // 2
            case ("fill", int(samples)):
                block = bytearray(b"\xff" * 2 * samples)
                assert ring.fill(memoryview(block)) == bool(queued)
                count = min(len(block), len(queued))
                assert bytes(block) == queued[:count].ljust(len(block), b"\0")
                heard += queued[:count]
                queued = queued[count:]
                played += count // 2
            case _:
                ring.clear()
                queued = b""
        assert ring.played_samples == played
        assert len(ring) == len(queued)


def test_survives_threads() -> None:
    ring = SampleRing(960)
    heard = bytearray()

    def play() -> None:
        block = bytearray(480)
        while len(heard) < 96_000:
            before = ring.played_samples
            ring.fill(memoryview(block))
            heard.extend(block[: 2 * (ring.played_samples - before)])

    thread = threading.Thread(target=play)
    thread.start()
    pcm = b"".join(n.to_bytes(2, "little") for n in range(48_000))
    rest = memoryview(pcm)
    while rest:
        rest = rest[ring.put(rest) :]
    thread.join(30)
    assert bytes(heard) == pcm
