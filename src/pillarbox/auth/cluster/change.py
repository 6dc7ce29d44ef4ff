"""One transaction on the accounts of a cluster, as whoever changes something sees it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from pillarbox.auth.cluster.wording import numbered
from pillarbox.auth.place import Row, Rows
from pillarbox.database import Transaction

_GENERATIONS = 2**63 - 1
"""As many as a BIGINT can hold above 0. Two of one name would have to be equal to be taken for each other."""


class DatabaseChange:
    """A :class:`pillarbox.auth.place.Change`, for a thread that is not the event loop's."""

    def __init__(
        self, transaction: Transaction, run: Callable[[Coroutine[Any, Any, Any]], Any]
    ) -> None:
        """*run* takes a coroutine to its end, on the event loop of the *transaction*."""
        self._transaction = transaction
        self._run = run

    def execute(self, statement: str, *values: Any) -> int:
        """See :class:`pillarbox.auth.place.Change`."""
        told: str = self._run(self._transaction.execute(numbered(statement), *values))
        return int(told.rpartition(" ")[2])  # "UPDATE 1", "INSERT 0 1"

    def many(self, statement: str, values: Iterable[Row]) -> None:
        """See :class:`pillarbox.auth.place.Change`; one round trip or two."""
        self._run(self._transaction.executemany(numbered(statement), list(values)))

    def rows(self, statement: str, *values: Any) -> Rows:
        """See :class:`pillarbox.auth.place.Change`."""
        rows: Rows = self._run(self._transaction.fetch(numbered(statement), *values))
        return rows

    def generation(self) -> int:
        """See :class:`pillarbox.auth.place.Change`: at random, so that no two changes meet."""
        return secrets.randbelow(_GENERATIONS) + 1
