"""What a soak was like, in a few lines."""

from collections import Counter
from collections.abc import Sequence

from .person import Person


def counted(people: Sequence[Person]) -> Counter[str]:
    """The events that agents told of, by kind."""
    return sum((person.account.told for person in people), Counter())


def summary(people: Sequence[Person], took_s: float) -> str:
    told = counted(people)
    losses = sum((person.account.losses for person in people), Counter())
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
        f"utterances and messages: {sum(person.spoken for person in people)}",
        *(f"{kind}: {told[kind]}" for kind in shown),
        *(f"not heard, {reason}: {count}" for reason, count in losses.most_common()),
    ]
    return "\n".join(("", *lines, ""))
