"""The jobs of the writer: all that is ever written to an index.

Each is one short function on a transaction. Sequence numbers and counters are changed only
here, so that they agree at every commit.
"""

from __future__ import annotations

import base64
import os
import sqlite3
import time
import zlib
from collections.abc import Collection, Sequence

from pillarbox.contracts.errors import (
    LockLost,
    OverQuota,
    StoreError,
)
from pillarbox.model import DEFAULT_VIEW, Recipient, StoredForm
from pillarbox.store.embedded.bodies import Staged
from pillarbox.store.embedded.these import These, all_of, these
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.store.embedded.views import (
    Holding,
    epoch_and_alone,
    hide,
    take_off_all_lists,
    unheld,
)


def new_unique_id(seq: int) -> str:
    """A unique-id: the sequence number, which no message of the maildrop had before, and 64
    random bits, which keep it unique when the maildrop is made anew or comes back from a
    backup. Lower case letters and digits only, as some clients use it as a file's name.
    """
    salt = base64.b32encode(os.urandom(8)).decode("ascii").rstrip("=").lower()
    return f"{seq:x}-{salt}"


def make_maildrop(sql: sqlite3.Connection, user: str, *, seen_at: float | None = None) -> int:
    """Insert an empty maildrop with its default view; its number.

    *seen_at*: when that view was opened, if it has been.
    """
    maildrop = sql.execute("INSERT INTO maildrops (name) VALUES (?)", (user,)).lastrowid
    sql.execute(
        "INSERT INTO views (maildrop, name, created_at, seen_at) VALUES (?, ?, ?, ?)",
        (maildrop, DEFAULT_VIEW, time.time(), seen_at),
    )
    assert maildrop is not None  # noqa: S101 - an INSERT that succeeded has a row
    return maildrop


class MakeMaildrop(Job[None]):
    """Makes a maildrop, unless another process was quicker."""

    __slots__ = ("_opened", "_user")

    def __init__(self, user: str, *, opened: bool = True) -> None:
        """*opened*: whether its default view is just being opened."""
        self._user = user
        self._opened = opened

    def run(self, transaction: Transaction) -> None:
        sql = transaction.sql
        if not sql.execute("SELECT 1 FROM maildrops WHERE name = ?", (self._user,)).fetchall():
            make_maildrop(sql, self._user, seen_at=time.time() if self._opened else None)


class NoteOpening(Job[None]):
    """Notes when a view was opened (for the minimum interval)."""

    __slots__ = ("_at", "_instead_of", "_view")

    def __init__(self, view: int, at: float | None, *, instead_of: float | None = None) -> None:
        """*instead_of*: what the note must say now, else it is left alone; None: anything."""
        self._view = view
        self._at = at
        self._instead_of = instead_of

    def run(self, transaction: Transaction) -> None:
        transaction.sql.execute(
            "UPDATE views SET opened_at = :at"
            " WHERE id = :view AND (:instead_of IS NULL OR opened_at = :instead_of)",
            {"at": self._at, "view": self._view, "instead_of": self._instead_of},
        )


class Deliver(Job[list[StoreError | None]]):
    """Puts one message into the maildrops of those recipients whose shard this is."""

    __slots__ = ("_message", "_recipients", "_staged")

    def __init__(
        self, message: StoredForm, recipients: Sequence[Recipient], staged: Staged | None
    ) -> None:
        self._message = message
        self._recipients = recipients
        self._staged = staged

    @property
    def weight(self) -> int:
        return 0 if self._staged else len(self._message.data)

    def run(self, transaction: Transaction) -> list[StoreError | None]:
        sql = transaction.sql
        body = self._insert_body(sql)
        outcomes = [self._put(sql, recipient, body) for recipient in self._recipients]
        refs = outcomes.count(None)
        if not refs:
            sql.execute("DELETE FROM bodies WHERE id = ?", (body,))
            return outcomes
        if refs > 1:
            sql.execute("UPDATE bodies SET refs = ? WHERE id = ?", (refs, body))
        if self._staged:
            transaction.link(self._staged, body)
        return outcomes

    def settled(self) -> None:
        if self._staged:
            self._staged.done()

    def _insert_body(self, sql: sqlite3.Connection) -> int:
        message = self._message
        body = sql.execute(
            "INSERT INTO bodies (refs, stored, international, data, checksum)"
            " VALUES (1, ?, ?, ?, ?)",
            (
                len(message.data),
                message.international,
                None if self._staged else message.data,
                self._staged.checksum if self._staged else zlib.crc32(message.data),
            ),
        ).lastrowid
        assert body is not None  # noqa: S101 - an INSERT that succeeded has a row
        return body

    def _put(self, sql: sqlite3.Connection, recipient: Recipient, body: int) -> StoreError | None:
        octets = self._message.octets
        found = sql.execute(
            "SELECT id, next_seq, octets FROM maildrops WHERE name = ?", (recipient.user,)
        ).fetchall()
        maildrop, seq, held = found[0] if found else (0, 1, 0)
        if 0 < recipient.quota_octets < held + octets:
            return OverQuota(
                f"maildrop of {recipient.user} holds {held} octets: {octets} more would exceed "
                f"its quota of {recipient.quota_octets}"
            )
        maildrop = maildrop or make_maildrop(sql, recipient.user)
        sql.execute(
            "INSERT INTO messages (maildrop, seq, unique_id, octets, body, received_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (maildrop, seq, new_unique_id(seq), octets, body, time.time()),
        )
        sql.execute(
            "UPDATE maildrops SET next_seq = ?, messages = messages + 1, octets = octets + ?"
            " WHERE id = ?",
            (seq + 1, octets, maildrop),
        )
        sql.execute(
            "UPDATE views SET messages = messages + 1, octets = octets + ? WHERE maildrop = ?",
            (octets, maildrop),
        )
        return None


class Delete(Job[None]):
    """Deletes messages from a view whose lock must still be held."""

    __slots__ = ("_epoch", "_holding", "_maildrop", "_seqs", "_view")

    frees_space = True

    def __init__(
        self, maildrop: int, view: int, epoch: int, seqs: Collection[int], holding: Holding
    ) -> None:
        self._maildrop = maildrop
        self._view = view
        self._epoch = epoch
        self._seqs = seqs
        self._holding = holding

    def run(self, transaction: Transaction) -> None:
        maildrop, seqs = self._maildrop, self._seqs
        epoch, alone = epoch_and_alone(transaction.sql, self._view) or (None, False)
        if epoch != self._epoch:
            raise LockLost("the lock of this session has been taken away; nothing was deleted")
        if alone:
            _delete_of_one_view(transaction, maildrop, seqs)
            return
        which = these(maildrop, seqs)
        hide(transaction.sql, self._view, which)
        if gone := unheld(transaction.sql, which, self._holding):
            delete_messages(transaction, maildrop, gone)


def delete_messages(transaction: Transaction, maildrop: int, seqs: Collection[int]) -> None:
    """Take messages off all lists of a maildrop, and bodies that nobody lists any more."""
    which = these(maildrop, seqs)
    take_off_all_lists(transaction.sql, which)
    _delete_rows(transaction, maildrop, which)


def _delete_of_one_view(transaction: Transaction, maildrop: int, seqs: Collection[int]) -> None:
    """The same, where there is but one list, which has them all."""
    counted = _delete_rows(transaction, maildrop, these(maildrop, seqs))
    transaction.sql.execute(
        "UPDATE views SET messages = messages - ?, octets = octets - ? WHERE maildrop = ?",
        (*counted, maildrop),
    )


def _delete_rows(transaction: Transaction, maildrop: int, which: These) -> tuple[int, int]:
    """Delete messages of a maildrop, whoever lists them; how many, and their octets."""
    sql = transaction.sql
    counted: tuple[int, int] = sql.execute(
        f"SELECT count(*), coalesce(sum(octets), 0) FROM messages AS m WHERE {which.condition}",  # noqa: S608 - our own text
        which.values,
    ).fetchone()
    _unrefer(transaction, which, messages=counted[0])
    sql.execute(f"DELETE FROM messages AS m WHERE {which.condition}", which.values)  # noqa: S608 - our own text
    sql.execute(
        "UPDATE maildrops SET messages = messages - ?, octets = octets - ? WHERE id = ?",
        (*counted, maildrop),
    )
    return counted


def _unrefer(transaction: Transaction, which: These, messages: int) -> None:
    """Count down the references of these *messages*' bodies; delete those with none left.

    Those go first, and uncounted: to write a new count into a body's row, or to return
    anything of a row that goes, SQLite reads all of the body. Where each message had a body of
    its own, which is the rule, there is nothing to count.
    """
    sql = transaction.sql
    lost = f"(SELECT body, count(*) AS n FROM messages AS m WHERE {which.condition} GROUP BY body)"  # noqa: S608 - our own text
    unlisted = (
        f"SELECT b.id FROM {lost} AS lost CROSS JOIN bodies AS b ON b.id = lost.body"  # noqa: S608 - our own text
        " WHERE b.refs <= lost.n"
    )
    files = sql.execute(f"{unlisted} AND b.data IS NULL", which.values).fetchall()
    gone = sql.execute(f"DELETE FROM bodies WHERE id IN ({unlisted})", which.values).rowcount  # noqa: S608 - our own text
    if gone < messages:
        sql.execute(
            f"UPDATE bodies SET refs = refs - lost.n FROM {lost} AS lost"  # noqa: S608 - our own text
            " WHERE bodies.id = lost.body",
            which.values,
        )
    transaction.doom([body for (body,) in files])


class Unlock(Job[None]):
    """Raises a view's epoch: whoever holds its lock has lost it. A maildrop that is being moved here is
    open then.
    """

    __slots__ = ("_view",)

    def __init__(self, view: int) -> None:
        self._view = view

    def run(self, transaction: Transaction) -> None:
        sql, view = transaction.sql, (self._view,)
        sql.execute("UPDATE views SET epoch = epoch + 1 WHERE id = ?", view)
        sql.execute(
            "UPDATE arrivals SET complete = 1"
            " WHERE maildrop = (SELECT maildrop FROM views WHERE id = ?)",
            view,
        )


class RemoveMaildrop(Job[None]):
    """Removes a maildrop with its views and all its mail."""

    __slots__ = ("_user",)

    frees_space = True

    def __init__(self, user: str) -> None:
        self._user = user

    def run(self, transaction: Transaction) -> None:
        sql = transaction.sql
        found = sql.execute("SELECT id FROM maildrops WHERE name = ?", (self._user,)).fetchall()
        for (maildrop,) in found:
            _delete_rows(transaction, maildrop, all_of(maildrop))
            sql.execute(
                "DELETE FROM hidden WHERE view = ?"
                " OR view IN (SELECT id FROM views WHERE maildrop = ?)",
                (-maildrop, maildrop),
            )
            sql.execute("DELETE FROM views WHERE maildrop = ?", (maildrop,))
            sql.execute("DELETE FROM arrivals WHERE maildrop = ?", (maildrop,))
            sql.execute("DELETE FROM brought WHERE maildrop = ?", (maildrop,))
            sql.execute("DELETE FROM taken_off WHERE maildrop = ?", (maildrop,))
            sql.execute("DELETE FROM maildrops WHERE id = ?", (maildrop,))


class Probe(Job[None]):
    """Writes a mark that has to reach the disk."""

    __slots__ = ()

    def run(self, transaction: Transaction) -> None:
        transaction.sql.execute("REPLACE INTO pulse (id, at) VALUES (0, ?)", (time.time(),))
