"""What ``check`` works with: a fault, and the part of the store that is looked at."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.lost import keep, set_aside
from pillarbox.store.embedded.transaction import Transaction

Mend = Callable[[Transaction], str | None]
"""Mends a fault; what to tell of it besides (where the remains are)."""
Key = tuple[int, ...]
"""What a fault is found again by: a maildrop's number, a body's, or maildrop and seq."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disagreement."""

    user: str | None
    text: str
    key: Key | None
    """None: it cannot be a mistake, and there is nothing to mend."""
    mend: Mend | None
    """None: it takes an operator."""


@dataclass(slots=True)
class Scope:
    """What is looked at: a shard, or one user's part of it."""

    sql: sqlite3.Connection
    bodies: BodyFiles
    staging: Path
    user: str | None
    changed: Collection[int] = ()
    """Bodies that did not have their checksum when all of them were read."""
    aside: dict[int, Path | None] = field(default_factory=dict)
    """Where repair has put what was left of damaged bodies."""

    def rows(
        self, query: str, keys: Sequence[Key] | None, *columns: str, **values: object
    ) -> list[Any]:
        """The rows of *query*, in which ``{mine}`` stands for the condition on ``d.name``, and
        ``{these}`` for the condition that *columns* are one of *keys* (None: any).
        """
        mine = "d.name = :user" if self.user is not None else "1"
        these = "1"
        if keys is not None:
            parts = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(columns)))
            these = f"({', '.join(columns)}) IN (SELECT {parts} FROM json_each(:keys))"  # noqa: S608 - our own text
        values |= {"user": self.user, "keys": json.dumps(keys)}
        return self.sql.execute(query.format(mine=mine, these=these), values).fetchall()


class Kind(NamedTuple):
    """A kind of disagreement."""

    look: Callable[[Scope, Sequence[Key] | None], Iterator[Fault]]
    """Finds all faults; or those that *keys* name, by reading what belongs to them only."""
    compares_files: bool
    """With the index, which moves on between the two: a fault may be a mistake. Those that
    one query finds are true: it sees one moment, and at each moment an index is consistent."""


def set_body_aside(transaction: Transaction, bodies: BodyFiles, body: int) -> Path | None:
    """Set aside what there is of *body*, before its row goes; where it is, if anything is.

    Raises:
        OSError: it cannot be moved or written.
    """
    path = bodies.path(body)
    remains = transaction.sql.execute("SELECT data FROM bodies WHERE id = ?", (body,)).fetchone()
    if remains and remains[0] is not None:
        return keep(remains[0], path.name, bodies.shard)
    return set_aside(path, bodies.shard) if path.exists() else None
