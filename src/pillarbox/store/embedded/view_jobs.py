"""The jobs of the writer that are about views themselves: added, seen, removed."""

from __future__ import annotations

import sqlite3
import time

from pillarbox.contracts.errors import NoSuchView, ViewExists
from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.embedded.jobs import delete_messages, make_maildrop
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.store.embedded.views import Holding, bequeath, unwanted


class NoteSeen(Job[None]):
    """Notes that a view has been opened, and holds mail back (again)."""

    __slots__ = ("_at", "_view")

    may_be_dropped = True

    def __init__(self, view: int, at: float) -> None:
        self._view = view
        self._at = at

    def run(self, transaction: Transaction) -> None:
        transaction.sql.execute(
            "UPDATE views SET seen_at = ?, absent = 0 WHERE id = ?", (self._at, self._view)
        )


class AddView(Job[None]):
    """Adds a view to a maildrop, which is made if need be."""

    __slots__ = ("_from_now_on", "_user", "_view")

    def __init__(self, user: str, view: str, *, from_now_on: bool) -> None:
        self._user = user
        self._view = view
        self._from_now_on = from_now_on

    def run(self, transaction: Transaction) -> None:
        sql = transaction.sql
        found = sql.execute("SELECT id FROM maildrops WHERE name = ?", (self._user,)).fetchall()
        maildrop = found[0][0] if found else make_maildrop(sql, self._user)
        try:
            insert_view(sql, maildrop, self._view, from_now_on=self._from_now_on)
        except sqlite3.IntegrityError:
            raise ViewExists(
                f"maildrop of {self._user} has a view {self._view!r} already"
            ) from None


def insert_view(
    sql: sqlite3.Connection, maildrop: int, view: str, *, from_now_on: bool = False
) -> None:
    """Insert a view that lists all that is there, or nothing of it.

    Raises:
        sqlite3.IntegrityError: the maildrop has a view of that name.
    """
    sql.execute(
        """INSERT INTO views (maildrop, name, messages, octets, since, created_at)
        SELECT id, :view, iif(:new, 0, messages), iif(:new, 0, octets), iif(:new, next_seq, 0), :at
        FROM maildrops WHERE id = :maildrop""",
        {"maildrop": maildrop, "view": view, "new": from_now_on, "at": time.time()},
    )


class RemoveView(Job[None]):
    """Removes a view, and the mail that only it held back; ``default`` is made anew."""

    __slots__ = ("_holding", "_user", "_view")

    frees_space = True

    def __init__(self, user: str, view: str, holding: Holding) -> None:
        self._user = user
        self._view = view
        self._holding = holding

    def run(self, transaction: Transaction) -> None:
        sql = transaction.sql
        found = sql.execute(
            "SELECT d.id, v.id FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id"
            " WHERE d.name = ? AND v.name = ?",
            (self._user, self._view),
        ).fetchall()
        if not found:
            raise NoSuchView(f"maildrop of {self._user} has no view {self._view!r}")
        ((maildrop, view),) = found
        bequeath(sql, maildrop, view)
        sql.execute("DELETE FROM views WHERE id = ?", (view,))
        if self._view == DEFAULT_VIEW:
            insert_view(sql, maildrop, DEFAULT_VIEW)
        if gone := unwanted(sql, maildrop, self._holding):
            delete_messages(transaction, maildrop, gone)
