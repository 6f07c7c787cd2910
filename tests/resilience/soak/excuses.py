"""Why an utterance need not have been heard, and how often that may be.

Without a bound, a bug that gives each utterance an excuse would be none.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

BROKEN_OFF: Final = "the session ended while it was said"
TOO_EARLY: Final = "the session ended before it was understood"
MUTED: Final = "said while muted"
HALF_DUPLEX: Final = "said while the agent was speaking, half duplex"
HALF_OPEN: Final = "said into a link that was half open"
STOOD_STILL: Final = "said into a link that stood still"
DOWN: Final = "said while the link was down for too long"

MOST: Final[Mapping[str, float]] = {
    MUTED: 0.10,
    HALF_DUPLEX: 0.15,
    TOO_EARLY: 0.33,
    BROKEN_OFF: 0.03,
    HALF_OPEN: 0.08,
    STOOD_STILL: 0.05,
    DOWN: 0.03,
}
"""Shares of all utterances: about twice the most that chance was seen to make of it, from 40 seconds to 12 minutes."""
MOST_IN_ALL: Final = 0.55
CHANCE: Final = 3.0
"""Standard deviations that there may be more: of few utterances chance makes more than of many."""


def given_too_often(excused: Counter[str], utterances: int) -> list[str]:
    """Excuses that chance alone does not explain, in words; all those that nobody knows are among them."""
    told = [(count, MOST.get(reason, 0.0), reason) for reason, count in excused.items()]
    told.append((excused.total(), MOST_IN_ALL, "whatever the reason"))
    return [
        f"{count} of {utterances} utterances need not have been heard: {reason}"
        for count, share, reason in told
        if count > share * utterances + CHANCE * math.sqrt(utterances * share * (1 - share))
    ]
