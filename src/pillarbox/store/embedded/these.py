"""Which messages of a maildrop a statement is about.

Mostly they are a run: a client that collects its mail deletes all of it. Then they are a range
of the index, which SQLite reads from one end to the other; others are looked for one by one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple


class These(NamedTuple):
    """Messages ``m`` of one maildrop."""

    condition: str
    """Of SQL. It names no value that comes from outside: those are parameters."""
    values: dict[str, object]
    """Of the condition's parameters."""

    def with_values(self, **others: object) -> dict[str, object]:
        """The parameters of a statement that has *others*, too."""
        return {**self.values, **others}


def run(maildrop: int, first: int, last: int) -> These:
    """All that the maildrop has between two sequence numbers, both included."""
    return These(
        "m.maildrop = :maildrop AND m.seq BETWEEN :first AND :last",
        {"maildrop": maildrop, "first": first, "last": last},
    )


def these(maildrop: int, seqs: Collection[int]) -> These:
    """Those with the sequence numbers *seqs*."""
    different = set(seqs)  # one that is named twice must not make a gap look like a run
    first, last = (min(seqs), max(seqs)) if seqs else (0, -1)
    if last - first + 1 == len(different):
        return run(maildrop, first, last)
    return These(
        "m.maildrop = :maildrop AND m.seq IN (SELECT value FROM json_each(:seqs))",
        {"maildrop": maildrop, "seqs": json.dumps(list(seqs))},
    )


def all_of(maildrop: int) -> These:
    """All that are there."""
    return These("m.maildrop = :maildrop", {"maildrop": maildrop})
