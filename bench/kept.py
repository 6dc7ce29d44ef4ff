"""What ``docs/benchmarks.json`` keeps: the figures of one run, or of several.

The whole bench takes an hour and more. So a run of some works (``--only``) replaces their figures and
leaves the others as they are. A work is always of one run: all servers did it in turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figure, Note


@dataclass
class Run:
    """When and how some works were measured."""

    date: str
    command: str
    rounds: int
    works: list[str]


@dataclass
class Kept:
    """All that the page is made of."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    servers: dict[str, str] = field(default_factory=dict)
    """Version by name."""
    runs: list[Run] = field(default_factory=list)

    def renewed_by(self, later: Kept) -> Kept:
        """This, with the works of a *later* run in place of their figures here."""
        again = {figure.work for figure in later.figures}
        told = {(note.work, note.peer) for note in later.notes}
        order = list(dict.fromkeys(figure.work for figure in [*self.figures, *later.figures]))
        return Kept(
            sorted(
                [*(f for f in self.figures if f.work not in again), *later.figures],
                key=lambda figure: order.index(figure.work),
            ),
            [*(n for n in self.notes if (n.work, n.peer) not in told), *later.notes],
            self.servers | later.servers,
            [*_without(self.runs, again), *later.runs],
        )

    def write(self, path: Path) -> None:
        """Keep it in *path*."""
        path.write_text(json.dumps(self, default=vars, indent=1) + "\n")


def read(path: Path) -> Kept:
    """What *path* keeps; nothing if it is not there."""
    if not path.exists():
        return Kept()
    found = json.loads(path.read_text())
    return Kept(
        [Figure(**each) for each in found["figures"]],
        [Note(**each) for each in found["notes"]],
        found["servers"],
        [Run(**each) for each in found["runs"]],
    )


def of_run(
    figures: Sequence[Figure],
    notes: Sequence[Note],
    servers: Iterable[tuple[str, str]],
    run: Run,
) -> Kept:
    """What one *run* has found; its works are those of the *figures*."""
    run.works = list(dict.fromkeys(figure.work for figure in figures))
    return Kept(list(figures), list(notes), dict(servers), [run])


def _without(runs: Iterable[Run], works: set[str]) -> list[Run]:
    """The *runs* for what they still stand for."""
    left = [
        Run(run.date, run.command, run.rounds, [w for w in run.works if w not in works])
        for run in runs
    ]
    return [run for run in left if run.works]
