"""What is remembered of a satellite's sessions; no Home Assistant needed."""

import pytest

from custom_components.rtvoice.bridge.chronicle import (
    MAX_TURNS,
    REMEMBERED_S,
    Chapter,
    Chronicle,
    EndedUpdate,
    ErrorUpdate,
    ToolUpdate,
    TurnUpdate,
    Update,
)
from custom_components.rtvoice.bridge.policy.pin import PinMask
from custom_components.rtvoice.engine import AgentError, ConversationTurn
from custom_components.rtvoice.engine.events import (
    AgentErrorEvent,
    AssistantInterruptedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chronicle(clock: Clock) -> Chronicle:
    return Chronicle(clock)


def listening(chronicle: Chronicle) -> list[Update | None]:
    told: list[Update | None] = []
    chronicle.listen(told.append)
    return told


def words(chronicle: Chronicle) -> list[tuple[str, str, bool]]:
    return [(turn.item_id, turn.text, turn.final) for turn in chronicle.turns]


def test_words_grow_until_they_are_final(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    told = listening(chronicle)
    for piece in ("Good ", "morn"):
        chronicle.receive(AssistantTranscriptDeltaEvent(piece, "a"))
    chronicle.receive(AssistantTranscriptCompletedEvent("Good morning.", "a"))
    chronicle.receive(AssistantTranscriptDeltaEvent("And more.", "a", content_index=1))
    chronicle.receive(AssistantTranscriptCompletedEvent(" And more.", "a", content_index=1))
    assert told == [
        TurnUpdate("a", "assistant", "Good "),
        TurnUpdate("a", "assistant", "Good morn"),
        TurnUpdate("a", "assistant", "Good morning.", final=True),
        TurnUpdate("a", "assistant", "Good morning.And more."),
        TurnUpdate("a", "assistant", "Good morning. And more.", final=True),
    ]


def test_what_was_cut_off_stays_as_it_was_heard(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    chronicle.receive(AssistantTranscriptCompletedEvent("Good morning.", "a"))
    told = listening(chronicle)
    chronicle.receive(AssistantInterruptedEvent("a", 300, "Good"))
    chronicle.receive(AssistantInterruptedEvent(None, 0, ""))
    chronicle.receive(AssistantTranscriptDeltaEvent("late", "a"))
    chronicle.receive(AssistantTranscriptCompletedEvent("Good morning.", "a"))
    assert told == [TurnUpdate("a", "assistant", "Good", final=True, interrupted=True)]


def test_the_user_comes_first_even_when_their_words_come_last(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s", order=lambda: ["u1", "a1", "u2", "a2"]))
    chronicle.receive(AssistantTranscriptDeltaEvent("Hello.", "a1"))
    told = listening(chronicle)
    chronicle.receive(UserTranscriptChunkReceivedEvent("Hi", "u1"))
    chronicle.receive(UserTranscriptCompletedEvent("Hi!", "u1"))
    chronicle.receive(AssistantTranscriptCompletedEvent("Hello.", "a1"))
    chronicle.receive(AssistantTranscriptDeltaEvent("Yes.", "a2"))
    chronicle.receive(UserTranscriptFailedEvent("u2"))
    chronicle.receive(UserTranscriptCompletedEvent("Who knows when.", "x"))
    assert [turn.item_id for turn in chronicle.turns] == ["u1", "a1", "u2", "a2", "x"]
    assert [turn.after for turn in chronicle.turns] == [None, "u1", "a1", "u2", "a2"]
    assert [(one.item_id, one.after) for one in told if isinstance(one, TurnUpdate)] == [
        ("u1", None),
        ("u1", None),
        ("a1", "u1"),
        ("a2", "a1"),
        ("u2", "a1"),
        ("x", "a2"),
    ]


def test_the_same_is_told_once(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    told = listening(chronicle)
    for _ in range(2):
        chronicle.receive(UserTranscriptCompletedEvent("Hi!", "u"))
    assert len(told) == 1


def test_numbers_that_may_become_the_pin_wait(chronicle: Chronicle) -> None:
    mask = PinMask("4271", lambda: False)
    chronicle.begin(Chapter("s", hide=mask.so_far))
    told = listening(chronicle)
    for piece in ("It is ", "4", "2", " seven", " and", " one", " I", " think, 5", " of them"):
        chronicle.receive(UserTranscriptChunkReceivedEvent(piece, "u"))
    texts = [one.text for one in told if isinstance(one, TurnUpdate)]
    assert texts == ["It is ", "It is •••• I", "It is •••• I think, ", "It is •••• I think, 5 of them"]
    assert PinMask(None, lambda: True).so_far("4271") == "4271"


def test_tools_and_errors(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s", failure=lambda: "microphone_lost"))
    told = listening(chronicle)
    chronicle.receive(ToolExecutionStartedEvent("c1", "light", '{"name": "secret"}'))
    chronicle.receive(ToolExecutionStartedEvent("c2", "wait_for_user"))
    chronicle.receive(ToolExecutedEvent("c2", "wait_for_user", ok=True))
    chronicle.receive(ToolExecutedEvent("c1", "light", ok=False, output="secret"))
    chronicle.receive(AgentErrorEvent(AgentError("device_failed", "No microphone")))
    chronicle.receive(AgentErrorEvent(AgentError("response_failed", "The model failed")))
    assert told == [
        ToolUpdate("c1", "light", "running"),
        ToolUpdate("c1", "light", "failed"),
        ErrorUpdate("microphone_lost", "No microphone"),
        ErrorUpdate("response_failed", "The model failed"),
    ]
    assert chronicle.tools == [ToolUpdate("c1", "light", "failed")]


def test_the_end_finishes_what_was_begun(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    chronicle.receive(AssistantTranscriptDeltaEvent("Good", "a"))
    chronicle.receive(ToolExecutionStartedEvent("c", "light"))
    told = listening(chronicle)
    chronicle.end("stopped", None)
    assert told == [
        TurnUpdate("a", "assistant", "Good", final=True),
        ToolUpdate("c", "light", "failed"),
        EndedUpdate("s", "stopped", None),
    ]
    chronicle.changed()
    assert told[-1] is None


def test_the_last_session_is_remembered_for_a_while(chronicle: Chronicle, clock: Clock) -> None:
    chronicle.begin(Chapter("s"))
    chronicle.receive(UserTranscriptCompletedEvent("Hi!", "u"))
    clock.now_s = 10 * REMEMBERED_S
    chronicle.end("stopped", None)
    assert words(chronicle) == [("u", "Hi!", True)]
    clock.now_s += REMEMBERED_S
    assert chronicle.turns == []
    assert chronicle.tools == []


def test_a_new_session_begins_an_empty_page_and_an_announcement_does_not(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    chronicle.receive(UserTranscriptCompletedEvent("Hi!", "u"))
    chronicle.end("stopped", None)
    told = listening(chronicle)
    chronicle.begin(Chapter(None))
    chronicle.receive(AssistantTranscriptCompletedEvent("Washed.", "a"))
    chronicle.end("stopped", None)
    assert [type(one) for one in told] == [TurnUpdate]
    assert words(chronicle) == [("u", "Hi!", True), ("a", "Washed.", True)]
    history = [
        ConversationTurn(role="user", transcript="Before.", item_id="h1"),
        ConversationTurn(role="assistant", transcript="Cut", interrupted=True, item_id="h2"),
    ]
    chronicle.begin(Chapter("t"), history)
    assert words(chronicle) == [("h1", "Before.", True), ("h2", "Cut", True)]


def test_only_so_much_is_kept(chronicle: Chronicle) -> None:
    chronicle.begin(Chapter("s"))
    for number in range(MAX_TURNS + 5):
        chronicle.receive(UserTranscriptCompletedEvent(str(number), f"u{number}"))
        chronicle.receive(ToolExecutedEvent(f"c{number}", "light", ok=True))
    assert [turn.text for turn in chronicle.turns][::99] == ["5", "104"]
    assert [tool.call_id for tool in chronicle.tools][::99] == ["c5", "c104"]
    # What is too old to be shown is not told either.
    chronicle.begin(Chapter("s2", order=lambda: ["first", *(f"u{number}" for number in range(MAX_TURNS))]))
    for number in range(MAX_TURNS):
        chronicle.receive(UserTranscriptCompletedEvent(str(number), f"u{number}"))
    told = listening(chronicle)
    chronicle.receive(UserTranscriptCompletedEvent("Late.", "first"))
    assert told == []
    assert len(chronicle.turns) == MAX_TURNS
