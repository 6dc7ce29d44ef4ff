"""What a process asks of the system, counted by strace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import reduce
from operator import and_
from pathlib import Path

import pytest

_ROW = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(?P<calls>\d+)\s+(?:\d+\s+)?(?P<name>\w+)")
"""Of strace's summary: share, seconds, microseconds a call, calls, errors if any, name."""

_NOT_COUNTED = (
    *("brk", "mmap", "mremap", "munmap", "madvise"),  # memory: depends on what was there before
    *("epoll_ctl", "io_uring_enter"),  # watching a socket: depends on what the kernel allows
    "getpid",  # OpenSSL's look whether it has been forked: depends on its version
)

NUMBER = 10
ROUNDS = 3


class Tracer:
    """Counts the calls of one process, all threads of it."""

    def __init__(self, pid: int, folder: Path) -> None:
        """Skips the test where nothing can be counted."""
        program = shutil.which("strace")
        if program is None:
            pytest.skip("strace is not installed: system calls cannot be counted")
        self._command = [program, "-f", "-c", "-o", str(folder / "strace"), "-p", str(pid)]
        self._summary = folder / "strace"

    def each(self, act: Callable[[], object]) -> Counter[str]:
        """The calls of :data:`NUMBER` times *act*.

        As the difference between twice as often and so often, so that what comes at the beginning
        and at the end does not count. The process has a heartbeat, too, and makes some files late:
        so of each call the smallest number of some rounds.
        """
        once = self._fewest(act, NUMBER)
        twice = self._fewest(act, 2 * NUMBER)
        twice.subtract(once)
        return twice

    def _fewest(self, act: Callable[[], object], number: int) -> Counter[str]:
        rounds = [self._counted(act, number) for _ in range(ROUNDS)]
        return reduce(and_, rounds)

    def _counted(self, act: Callable[[], object], number: int) -> Counter[str]:
        with subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr
            answer = tracer.stderr.readline()
            if "attached" not in answer:
                pytest.skip(f"strace may not trace here: system calls cannot be counted: {answer}")
            try:
                for _ in range(number):
                    act()
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.communicate()
        rows = map(_ROW.fullmatch, self._summary.read_text().splitlines())
        calls = {row["name"]: int(row["calls"]) for row in rows if row}
        assert calls, self._summary.read_text()
        for name in ("total", *_NOT_COUNTED):
            calls.pop(name, None)
        return Counter(calls)
