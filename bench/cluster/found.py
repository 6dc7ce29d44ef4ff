"""What a run has found: kept as JSON, shown as Markdown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.cluster.driving import Cost
from bench.cluster.room import Room
from bench.cluster.trips import Trips


@dataclass
class Found:
    """All of it."""

    date: str
    command: str
    rounds: int
    cores: int
    versions: dict[str, str]
    costs: list[Cost] = field(default_factory=list)
    """Medians of the rounds."""
    trips: list[Trips] = field(default_factory=list)
    room: list[Room] = field(default_factory=list)
    mailboxes: int = 0
    """Of which *room* was measured."""

    def write(self, path: Path) -> None:
        """Keep it in *path*."""
        path.write_text(json.dumps(asdict(self) | {"costs": _told(self.costs)}, indent=1) + "\n")


def _told(costs: Iterable[Cost]) -> list[dict[str, object]]:
    return [asdict(cost) | {"scarce": cost.scarce} for cost in costs]


def middle(costs: Sequence[Cost]) -> Cost:
    """Of several rounds of the same work at the same place: medians."""

    def of(values: Iterable[float]) -> float:
        return statistics.median(values)

    first = costs[0]
    return Cost(
        work=first.work,
        place=first.place,
        nodes=first.nodes,
        seats=first.seats,
        operations=sum(cost.operations for cost in costs),
        per_second=of(cost.per_second for cost in costs),
        median=of(cost.median for cost in costs),
        p99=of(cost.p99 for cost in costs),
        cpu={party: of(cost.cpu[party] for cost in costs) for party in first.cpu},
        idle=of(cost.idle for cost in costs),
    )
