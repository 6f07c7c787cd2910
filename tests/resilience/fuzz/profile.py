"""How long strange things are looked for.

Without more, every run of the tests tries the same few examples. `RTVOICE_FUZZ=deep` tries a hundred times as many,
others each time; a number in its place tries that many times as many.
"""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

_ASKED: Final = os.environ.get("RTVOICE_FUZZ", "")
TIMES: Final = {"": 1, "deep": 100}.get(_ASKED) or int(_ASKED)


def examples(count: int) -> settings:
    """So many examples, or `TIMES` as many. What bounds them in time are the tests themselves."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        derandomize=not _ASKED,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
