from custom_components.rtvoice.engine.conversation.values import ResponseUsage
from custom_components.rtvoice.engine.subagents import Liaison


def test_updates_are_taken_once_in_their_order() -> None:
    liaison = Liaison()
    liaison.tell("a")
    liaison.tell("b")
    assert liaison.has_updates
    assert liaison.take_updates() == ["a", "b"]
    assert not liaison.has_updates


def test_of_too_many_updates_the_oldest_are_lost_and_logged(caplog) -> None:
    liaison = Liaison()
    for number in range(21):
        liaison.tell(str(number))
    assert liaison.take_updates()[0] == "1"
    assert caplog.text.count("the oldest update is lost") == 1


def test_nobody_needs_to_listen_and_nobody_can_disturb(caplog) -> None:
    Liaison().report("x")
    Liaison().spent(ResponseUsage())

    def refuse(_: object) -> None:
        raise ZeroDivisionError

    liaison = Liaison(on_progress=refuse, on_usage=refuse)
    liaison.report("x")
    liaison.spent(ResponseUsage())
    assert caplog.text.count("could not be taken") == 2
