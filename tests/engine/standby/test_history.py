from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine.standby.history import SampleHistory


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(0, 200), st.integers(1, 40))
def test_it_holds_the_last_samples_at_their_positions(pieces: list[int], back: int, wanted: int) -> None:
    history = SampleHistory(2 * 50)
    whole = b""
    for samples in pieces:
        pcm = b"".join((len(whole) // 2 + n).to_bytes(2, "little") for n in range(samples))
        history.put(pcm)
        whole += pcm
    assert history.end == sum(pieces)
    assert history.end - history.begin == min(50, history.end)
    position = max(history.begin, history.end - back)
    assert history.read(position, wanted) == whole[2 * position : 2 * (position + wanted)]


def test_forgetting_keeps_the_count() -> None:
    history = SampleHistory(100)
    history.put(bytes(20))
    history.forget()
    assert (history.begin, history.end) == (10, 10)
    assert history.read(10, 5) == b""
