"""What a server has used: CPU time and memory of all its processes, those too that have ended.

A control group counts all of it in nanoseconds or microseconds, whatever is forked in between:
version 2 (one tree) or version 1 (``cpuacct``), whichever is mounted and may be written, which
takes root. Without one the figures come from ``/proc``: the scheduler statistics of the
processes that live, and what the kernel has added up of those that were waited for, which is
counted in ticks of a hundredth of a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_PROC = Path("/proc")
_ONE_TREE = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
_CPUACCT = Path("/sys/fs/cgroup/cpuacct")
_GROUP = f"pillarbox-bench-{os.getpid()}"
_TICK = os.sysconf("SC_CLK_TCK")


class Account(Protocol):
    """What one server has used."""

    def join(self) -> None:
        """Called in the child, between fork and exec."""

    def started(self, pid: int) -> None:
        """The server's first process is *pid*; another one may follow."""

    def adopt(self, pid: int) -> None:
        """Process *pid*, which runs already, and its descendants belong to it from now on."""

    def cpu_seconds(self) -> float:
        """User and kernel mode, all threads of all processes."""

    def pss_bytes(self) -> int:
        """Proportional set size."""


class GroupAccount:
    """A control group of its own."""

    def __init__(self, folder: Path, read: Callable[[Path], float]) -> None:
        self._folder = folder
        self._read = read

    def join(self) -> None:
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def started(self, pid: int) -> None:
        """Nothing to do: it has joined."""

    def adopt(self, pid: int) -> None:
        for member in family(pid):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                (self._folder / "cgroup.procs").write_text(str(member))

    def cpu_seconds(self) -> float:
        return self._read(self._folder)

    def pss_bytes(self) -> int:
        return sum(map(_pss, (self._folder / "cgroup.procs").read_text().split()))


class FamilyAccount:
    """From ``/proc``: the processes that were started, and their descendants."""

    def __init__(self) -> None:
        self._pids: list[int] = []

    def join(self) -> None:
        """Nothing to do: the family is found through the parent."""

    def started(self, pid: int) -> None:
        self._pids.append(pid)

    def adopt(self, pid: int) -> None:
        self._pids.append(pid)

    def cpu_seconds(self) -> float:
        return sum(map(_cpu, self._all()))

    def pss_bytes(self) -> int:
        return sum(map(_pss, map(str, self._all())))

    def _all(self) -> Iterator[int]:
        for pid in self._pids:
            yield from family(pid)


@contextmanager
def open_account(name: str) -> Iterator[Account]:
    """The best account that can be had here; its group is gone afterwards."""
    for parent, read in (*((tree, _read_v2) for tree in _ONE_TREE), (_CPUACCT, _read_v1)):
        folder = parent / f"{_GROUP}-{name}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            read(folder)
        except (OSError, LookupError):
            folder.rmdir()
            continue
        try:
            yield GroupAccount(folder, read)
        finally:
            with contextlib.suppress(OSError):  # a process has outlived its server
                folder.rmdir()
        return
    yield FamilyAccount()


def _read_v2(folder: Path) -> float:
    fields = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(fields["usage_usec"]) / 1e6


def _read_v1(folder: Path) -> float:
    return int((folder / "cpuacct.usage").read_text()) / 1e9


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    try:
        children = [
            int(child)
            for task in (_PROC / str(pid) / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has just ended
        return []
    return [pid, *(member for child in children for member in family(child))]


def _cpu(pid: int) -> float:
    """Of a living process, and of its children that it has waited for."""
    process = _PROC / str(pid)
    try:
        nanoseconds = sum(
            int((task / "schedstat").read_text().split()[0])
            for task in (process / "task").iterdir()
        )
        # Behind the name, which may hold spaces and brackets: cutime and cstime.
        ended = (process / "stat").read_text().rpartition(")")[2].split()[13:15]
    except OSError:
        return 0.0
    return nanoseconds / 1e9 + sum(map(int, ended)) / _TICK


def _pss(pid: str) -> int:
    try:
        rollup = (_PROC / pid / "smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(
        int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")
    )
