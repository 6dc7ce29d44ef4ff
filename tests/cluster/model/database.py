"""A database as :mod:`pillarbox.database` wants one: each transaction sees one moment, and is told
so when it changes a row that somebody else has changed since.

It has a standby, which takes its place when it fails. A commit is *answered* when the standby has
it, and everything before it; but others may see it earlier (PostgreSQL shows a commit whose wait for
the standby was cancelled, as a client does whose patience is over), and a transaction that has
changed nothing waits for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Key = tuple[str, int]
Rows = dict[Key, object]


class Conflict(Exception):
    """Somebody else has changed a row since (SQLSTATE 40001)."""


class Gone(Exception):
    """The database at which this transaction began is not there any more."""


@dataclass
class Database:
    """Committed states, oldest first; how many of them the standby has; and a clock."""

    states: list[Rows]
    clock: int = 0
    """Seconds."""
    replicated: int = 0
    """The last state that the standby has."""
    era: int = 0
    """How often the standby has taken over."""
    changed: list[frozenset[Key]] = field(default_factory=lambda: [frozenset()])
    """Which rows each state has changed."""

    @property
    def rows(self) -> Rows:
        """As anybody sees them now."""
        return self.states[-1]

    def begin(self) -> Transaction:
        return Transaction(self, self.era, len(self.states) - 1, self.clock, dict(self.rows))

    def replicate(self, position: int) -> None:
        """The standby has everything up to *position*."""
        self.replicated = max(self.replicated, position)

    def fail_over(self, lost: int, *, acknowledged_too: bool = False) -> None:
        """The standby takes over; it lacks the last *lost* states, but none that was answered."""
        least = 0 if acknowledged_too else self.replicated
        kept = max(least, len(self.states) - 1 - lost) + 1
        del self.states[kept:], self.changed[kept:]
        self.replicated = min(self.replicated, kept - 1)
        self.era += 1


@dataclass
class Transaction:
    """At REPEATABLE READ: the rows of one moment, and what has been changed of them."""

    database: Database
    era: int
    moment: int
    began: int
    """``now()``: before the moment that it sees."""
    rows: Rows
    written: set[Key] = field(default_factory=set)

    def put(self, key: Key, row: object) -> None:
        self.rows[key] = row
        self.written.add(key)

    def remove(self, key: Key) -> None:
        del self.rows[key]
        self.written.add(key)

    def commit(self) -> int:
        """Returns how far the standby must have come before this may be answered.

        Raises:
            Conflict: nothing has happened; try again.
            Gone: nothing has happened.
        """
        database = self.database
        if self.era != database.era:
            raise Gone
        if not self.written:
            return 0
        if any(self.written & changed for changed in database.changed[self.moment + 1 :]):
            raise Conflict
        rows = dict(database.rows)
        for key in self.written:
            if key in self.rows:
                rows[key] = self.rows[key]
            else:
                del rows[key]
        database.states.append(rows)
        database.changed.append(frozenset(self.written))
        return len(database.states) - 1
