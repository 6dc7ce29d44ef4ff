"""One transaction on the accounts file, as whoever changes something sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from pillarbox.auth.place import Row, Rows


class FileChange:
    """A :class:`.place.Change`; within a transaction of its connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: Any) -> int:
        """See :class:`.place.Change`."""
        return self._connection.execute(statement, values).rowcount

    def many(self, statement: str, values: Iterable[Row]) -> None:
        """See :class:`.place.Change`."""
        self._connection.executemany(statement, values)

    def rows(self, statement: str, *values: Any) -> Rows:
        """See :class:`.place.Change`."""
        return self._connection.execute(statement, values).fetchall()

    def generation(self) -> int:
        """See :class:`.place.Change`: one more than the last."""
        self._connection.execute("UPDATE counter SET last_generation = last_generation + 1")
        (generation,) = self._connection.execute("SELECT last_generation FROM counter").fetchone()
        return int(generation)
