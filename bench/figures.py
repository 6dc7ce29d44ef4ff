"""What was measured: one figure a round, and what many rounds come to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.peers.contract import Peer

MICRO, MILLI, NANO, KILO = 1e6, 1e3, 1e9, 1e3
_P99 = 0.99


@dataclass
class Figure:
    """What one round of one work has cost one server."""

    work: str
    peer: str
    value: float
    """CPU of the server for each operation, or memory."""
    unit: str
    per_second: float = 0.0
    """Operations by the clock; 0: says nothing here."""
    p99: float = 0.0
    """Milliseconds of the slowest hundredth of the operations; 0: too few."""


@dataclass(frozen=True)
class Note:
    """What is to be known of a figure, or of one that there is not."""

    work: str
    peer: str
    text: str
    failed: bool = False
    """The server gave a wrong answer, or none: the bench goes on, but has failed."""


Finding = Figure | Note
"""What a work yields."""


@dataclass
class Stopwatch:
    """The server's CPU time between two moments, and how long each operation took."""

    peer: Peer
    laps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cpu = self.peer.account.cpu_seconds()
        self._began = self._lap = time.perf_counter()

    def lap(self, together: int = 1) -> None:
        """An operation is over, or as many that began and ended together."""
        now = time.perf_counter()
        self.laps += [now - self._lap] * together
        self._lap = now

    def figure(
        self, work: str, operations: float, unit: str = "µs", scale: float = MICRO
    ) -> Figure:
        """What it comes to for each operation."""
        wall = time.perf_counter() - self._began
        cpu = self.peer.account.cpu_seconds() - self._cpu
        p99 = _percentile(self.laps) * MILLI
        return Figure(work, self.peer.name, cpu / operations * scale, unit, operations / wall, p99)


def middle(figures: Sequence[Figure]) -> Figure:
    """One of many turns of the same work on the same server: medians."""
    first = figures[0]
    of_all = summary(figures)
    return Figure(first.work, first.peer, of_all.value, first.unit, of_all.per_second, of_all.p99)


def _percentile(laps: Sequence[float]) -> float:
    if len(laps) < 100:
        return 0.0
    return sorted(laps)[int(len(laps) * _P99)]


@dataclass(frozen=True)
class Summary:
    """Of all rounds of one work on one server."""

    value: float
    lowest: float
    highest: float
    unit: str
    per_second: float
    p99: float


def summary(figures: Sequence[Figure]) -> Summary:
    """Medians."""
    values = [figure.value for figure in figures]
    return Summary(
        statistics.median(values),
        min(values),
        max(values),
        figures[0].unit,
        statistics.median(figure.per_second for figure in figures),
        statistics.median(figure.p99 for figure in figures),
    )
