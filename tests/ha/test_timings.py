"""How long the steps of a session take; no Home Assistant needed."""

from custom_components.rtvoice.bridge.timings import MAX_TURNS, Timings
from custom_components.rtvoice.engine.events import (
    AgentSessionConnectedEvent,
    AgentStartingEvent,
    AssistantStartedRespondingEvent,
    AssistantTranscriptDeltaEvent,
    ResponseLatencyEvent,
    SessionEvent,
    ToolExecutedEvent,
    UserStoppedSpeakingEvent,
)


def measured(*moments: tuple[float, SessionEvent]) -> dict[str, object]:
    """What is measured of events at these moments."""
    now_s = [0.0]
    timings = Timings(lambda: now_s[0])
    for now_s[0], event in moments:
        timings.receive(event)
    return timings.as_dict()


def test_a_session_that_never_began() -> None:
    assert measured() == {"connect_ms": None, "turns": []}
    assert measured((1.0, AgentStartingEvent())) == {"connect_ms": None, "turns": []}


def test_the_first_connection_counts() -> None:
    connected = AgentSessionConnectedEvent()
    assert measured((1.0, AgentStartingEvent()), (1.25, connected), (9.0, connected))["connect_ms"] == 250


def test_each_turn_is_measured_from_the_end_of_speech() -> None:
    tool = ToolExecutedEvent("c", "light", ok=True, duration_s=0.2)
    answer = AssistantTranscriptDeltaEvent("Done", "i1")
    turns = measured(
        (0.5, answer),
        (1.0, UserStoppedSpeakingEvent()),
        (1.1, AssistantStartedRespondingEvent("r1")),
        (1.3, tool),
        (1.6, tool),
        (1.7, AssistantStartedRespondingEvent("r2")),
        (1.8, answer),
        (1.9, answer),
        (2.0, ResponseLatencyEvent(0.9)),
        (3.0, UserStoppedSpeakingEvent()),
    )["turns"]
    assert turns == [
        {"response_ms": 100, "words_ms": 800, "audio_ms": 900, "tools_ms": 400},
        {"response_ms": None, "words_ms": None, "audio_ms": None, "tools_ms": 0},
    ]


def test_the_latest_turns_are_kept() -> None:
    turns = measured(*((float(second), UserStoppedSpeakingEvent()) for second in range(MAX_TURNS + 5)))["turns"]
    assert isinstance(turns, list)
    assert len(turns) == MAX_TURNS
