"""What something takes: by the clock, of processors, of memory.

Processor time is the least of a few times: what it takes when nobody else wants the caches. What the clock says is
the median, and the worst.
"""

from __future__ import annotations

import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPEATED = 10
_OFTEN = 0.1
"""Seconds between two looks at memory."""


@dataclass(frozen=True)
class Spent:
    """Milliseconds of some times that the same was done."""

    clock: tuple[float, ...]
    processor: tuple[float, ...]

    def __str__(self) -> str:
        usual, worst = statistics.median(self.clock), max(self.clock)
        return f"{usual:.1f} (worst {worst:.1f}, processor {min(self.processor):.1f})"


def spent(call: Callable[[], object], times: int = REPEATED, process: int = 0) -> Spent:
    """What *call* takes; processor time of *process*, by its number (0: of this one)."""
    clock: list[float] = []
    processor: list[float] = []
    for _ in range(times):
        began, cpu = time.perf_counter(), processor_time(process)
        call()
        clock.append((time.perf_counter() - began) * 1000)
        processor.append((processor_time(process) - cpu) * 1000)
    return Spent(tuple(clock), tuple(processor))


def processor_time(process: int = 0) -> float:
    """Seconds that a process (0: this one) has used, all threads together."""
    # How Linux names another process's clock: clock_getcpuclockid(3).
    return time.clock_gettime((~process << 3) | 2) if process else time.process_time()


def pss(process: int | None = None) -> int:
    """Octets of memory, each shared page divided by those who share it (None: of this process)."""
    name = "self" if process is None else str(process)
    try:
        text = Path(f"/proc/{name}/smaps_rollup").read_text()
    except OSError:
        return 0  # it has ended
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


@dataclass
class Peak:
    """Memory while something ran, in octets."""

    own: int = 0
    workers: int = 0
    """All together."""


@contextmanager
def memory_watched() -> Iterator[Peak]:
    """The most that this process, and those it starts, have at a time while the block runs."""
    peak, over = Peak(), threading.Event()

    def watch() -> None:
        while not over.wait(_OFTEN):
            peak.own = max(peak.own, pss())
            peak.workers = max(peak.workers, sum(map(pss, _children())))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # a thread that has ended
    return [child for child in found if child != os.getpid()]
