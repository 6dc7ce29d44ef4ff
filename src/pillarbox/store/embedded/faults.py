"""What ``check`` works with: a fault, and the part of the store that is looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.lost import keep, set_aside
from pillarbox.store.embedded.transaction import Transaction

Mend = Callable[[Transaction], str | None]
"""Mends a fault; what to tell of it besides (where the remains are)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disagreement."""

    user: str | None
    text: str
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

    def rows(self, query: str, **values: object) -> list[Any]:
        """The rows of *query*, in which ``{mine}`` stands for the condition on ``d.name``."""
        mine = "d.name = :user" if self.user is not None else "1"
        return self.sql.execute(query.format(mine=mine), {"user": self.user, **values}).fetchall()


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
