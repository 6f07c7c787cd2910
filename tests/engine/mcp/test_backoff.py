from custom_components.rtvoice.engine.mcp.backoff import STABLE_S, Backoff


def test_attempts_are_made_less_and_less_often() -> None:
    backoff = Backoff(first_s=1, limit_s=5)
    assert backoff.wait_s(0) == 0
    waits = []
    for _ in range(5):
        backoff.failed(100)
        waits.append(backoff.wait_s(100))
    assert waits == [1, 2, 4, 5, 5]
    assert backoff.wait_s(103) == 2
    assert backoff.wait_s(200) == 0


def test_a_first_loss_is_made_good_at_once_and_a_second_one_soon_after_is_not() -> None:
    backoff = Backoff(first_s=1)
    backoff.lost(0, held_s=0.1)
    assert backoff.wait_s(0) == 0
    backoff.lost(0, held_s=0.1)
    assert backoff.wait_s(0) == 1
    backoff.lost(0, held_s=STABLE_S)
    assert backoff.wait_s(0) == 0
