"""The clocks that stamps are taken by."""

import time
from pathlib import Path


def cpu_clock(pid: int) -> int:
    """The clock of what a process uses of the processor, as clock_getcpuclockid(3) makes it."""
    return (~pid << 3) | 2


class ProcessorTime:
    """What the process used whose id a file holds, as soon as it does."""

    def __init__(self, pid_file: Path) -> None:
        self._pid_file = pid_file
        self._clock: int | None = None

    def now_s(self) -> float:
        """Seconds of the processor, of all its threads."""
        if self._clock is None:
            if not self._pid_file.exists():
                return 0.0
            self._clock = cpu_clock(int(self._pid_file.read_text()))
        return time.clock_gettime(self._clock)
