"""How soon Python's threads give way to each other while somebody is spoken with.

Python runs one thread at a time, and whoever computes gives way after 5 ms. In a house something is written into the
history all the time by a thread of the recorder, so audio, and the answer to a call, come up to 5 ms late again and
again. While there is a session, threads give way ten times as soon; measured in docs/performance.md.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PROMPT_S: Final = 0.0005


class Promptness:
    """Sets the interval, which belongs to the whole process, for as long as somebody needs it."""

    def __init__(self) -> None:
        self._users = 0
        self._usual_s = 0.0
        self._set_s = 0.0

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Have threads give way soon while the block runs; from the loop's thread only."""
        if self._users == 0:
            self._usual_s = sys.getswitchinterval()
            if self._usual_s > PROMPT_S:
                sys.setswitchinterval(PROMPT_S)
            self._set_s = sys.getswitchinterval()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            # What somebody else has set meanwhile is theirs.
            if self._users == 0 and sys.getswitchinterval() == self._set_s:
                sys.setswitchinterval(self._usual_s)


PROMPTNESS: Final = Promptness()
"""The one of this process."""
