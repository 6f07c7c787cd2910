"""What a soak was like, in a few lines."""

from collections import Counter
from collections.abc import Sequence

from .person import Person


def counted(people: Sequence[Person]) -> Counter[str]:
    """The events that agents told of, by kind."""
    return sum((person.account.told for person in people), Counter())


def excused(people: Sequence[Person]) -> Counter[str]:
    """Utterances that need not have been heard, by the reason."""
    return sum((person.account.losses for person in people), Counter())


def judged(people: Sequence[Person]) -> int:
    """All utterances that should have been heard, or have an excuse."""
    return sum(person.account.judged for person in people)


def summary(people: Sequence[Person], took_s: float) -> str:
    told = counted(people)
    shown = (
        "UserTranscriptCompletedEvent",
        "AssistantStartedRespondingEvent",
        "AssistantInterruptedEvent",
        "ToolExecutedEvent",
        "AgentErrorEvent",
    )
    lines = [
        f"{len(people)} people, {took_s:.0f} s of processor time",
        f"sessions begun: {told['AgentStartingEvent']}, links: {sum(person.links for person in people)}",
        f"utterances and messages: {sum(person.spoken for person in people)}, judged: {judged(people)}",
        *(f"{kind}: {told[kind]}" for kind in shown),
        *(f"not heard, {reason}: {count}" for reason, count in excused(people).most_common()),
    ]
    return "\n".join(("", *lines, ""))
