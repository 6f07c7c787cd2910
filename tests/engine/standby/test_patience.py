from custom_components.rtvoice.engine.standby.patience import Patience


def test_waits_double_up_to_the_limit() -> None:
    patience = Patience(1.0, limit_s=10.0)
    assert [patience.failed() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_single_failure_may_cost_nothing() -> None:
    patience = Patience(0.0)
    assert [patience.failed() for _ in range(4)] == [0.0, 1.0, 2.0, 4.0]
    patience.worked()
    assert patience.failed() == 0.0
