"""``maildrop check``: do listing, bodies, counters and files agree?

Each kind of disagreement is a function that finds problems, each with the way to mend it.
They look twice: first without a lock, as nearly always nothing is wrong; and when something
seems to be, again in a write transaction, where no delivery is under way that could be
mistaken for a fault. They run in this order, so that each finds what the one before has
left. Repair never removes a message whose body is whole, and keeps what is left of a body
that is not (in the folder ``damaged``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pillarbox.contracts.store import Finding
from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.embedded.bodies import BodyFiles, abandoned
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.writer import turn

INTEGRITY_LINES = 20
"""How much of SQLite's own complaints is shown."""


@dataclass(frozen=True, slots=True)
class _Problem:
    user: str | None
    text: str
    mend: Callable[[Transaction], object] | None
    """None: it takes an operator."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is looked at: a shard, or one user's part of it."""

    sql: sqlite3.Connection
    bodies: BodyFiles
    user: str | None

    def rows(self, query: str) -> list[Any]:
        """The rows of *query*, in which ``{mine}`` stands for the condition on ``d.name``."""
        mine = "d.name = :user" if self.user is not None else "1"
        return self.sql.execute(query.format(mine=mine), {"user": self.user}).fetchall()


def check_staging(staging: Path, *, repair: bool) -> Iterator[Finding]:
    """Staged bodies whose deliveries died."""
    for path in abandoned(staging):
        if repair:
            path.unlink(missing_ok=True)
        yield Finding(None, f"{path} was left behind by a delivery that died", repair)


def check_shard(
    index: Path, turns: Path, bodies: BodyFiles, user: str | None, *, repair: bool
) -> list[Finding]:
    """All findings in one shard, or in one user's part of it. Blocks.

    Raises:
        StoreUnavailable: the index cannot be used now (a damaged one is a finding).
    """
    try:
        with closing(connect(index)) as sql:
            scope = _Scope(sql, bodies, user)
            broken = _integrity(scope, index) if user is None else []
            if broken or not any(problem for kind in _kinds(scope) for problem in kind(scope)):
                return broken
            with turn(turns):
                return _confirm(scope, repair=repair)
    except (sqlite3.Error, OSError) as error:
        found = unavailable(error, index)
        if not is_damage(error):
            raise found from error
        return [Finding(None, str(found), repaired=False)]


def _confirm(scope: _Scope, *, repair: bool) -> list[Finding]:
    """Look again, and mend; the caller holds the writer lock."""
    transaction = Transaction(scope.sql, scope.bodies)
    findings: list[Finding] = []
    scope.sql.execute("BEGIN IMMEDIATE")
    try:
        for kind in _kinds(scope):
            for problem in list(kind(scope)):
                mended = repair and problem.mend is not None
                if repair and problem.mend is not None:
                    problem.mend(transaction)
                findings.append(Finding(problem.user, problem.text, mended))
        for body in transaction.commit():
            scope.bodies.unlink(body)
    except BaseException as error:
        transaction.roll_back(error)
        raise
    return findings


def _kinds(scope: _Scope) -> Sequence[Callable[[_Scope], Iterator[_Problem]]]:
    mine = (_missing_views, _damaged_bodies, _wrong_counters)
    return mine if scope.user is not None else (*mine, _wrong_references, _orphan_files)


def _integrity(scope: _Scope, index: Path) -> list[Finding]:
    rows = scope.sql.execute(f"PRAGMA integrity_check({INTEGRITY_LINES})").fetchall()
    if rows == [("ok",)]:
        return []
    remedy = "stop the server, then restore it from a backup or use sqlite3's .recover"
    return [Finding(None, f"index {index}: {line} ({remedy})", repaired=False) for (line,) in rows]


def _missing_views(scope: _Scope) -> Iterator[_Problem]:
    query = """
        SELECT d.id, d.name FROM maildrops AS d
        LEFT JOIN views AS v ON v.maildrop = d.id AND v.name = 'default'
        WHERE v.id IS NULL AND {mine}"""
    for maildrop, user in scope.rows(query):
        text = f"the maildrop has no view {DEFAULT_VIEW}"
        yield _Problem(user, text, partial(_add_view, maildrop))


def _add_view(maildrop: int, transaction: Transaction) -> None:
    """Its counters are found wrong by the next kind but one, and mended then."""
    transaction.sql.execute(
        "INSERT INTO views (maildrop, name) VALUES (?, ?)", (maildrop, DEFAULT_VIEW)
    )


def _damaged_bodies(scope: _Scope) -> Iterator[_Problem]:
    """Listed messages whose body is missing or not as long as the index says."""
    query = """
        SELECT d.name, d.id, m.seq, m.unique_id, m.body, b.stored, length(b.data)
        FROM messages AS m JOIN maildrops AS d ON d.id = m.maildrop
        LEFT JOIN bodies AS b ON b.id = m.body
        WHERE (b.data IS NULL OR length(b.data) <> b.stored) AND {mine}"""
    for user, maildrop, seq, unique_id, body, stored, inline in scope.rows(query):
        why = _damage(scope.bodies.path(body), stored, inline)
        if why is not None:
            mend = partial(_take_off_the_list, scope.bodies, maildrop, seq, body)
            yield _Problem(user, f"message {unique_id}: {why}", mend)


def _damage(path: Path, stored: int | None, inline: int | None) -> str | None:
    if stored is None:
        return "its body is not in the index"
    if inline is not None:
        return f"its body in the index has {inline} bytes instead of {stored}"
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return f"its body file {path} is missing"
    return None if found == stored else f"its body file {path} has {found} bytes, not {stored}"


def _take_off_the_list(
    bodies: BodyFiles, maildrop: int, seq: int, body: int, transaction: Transaction
) -> None:
    """Keep what is left of the body aside, where an operator can look at it."""
    aside = bodies.folder.parent / "damaged"
    aside.mkdir(mode=0o700, exist_ok=True)
    remains = transaction.sql.execute("SELECT data FROM bodies WHERE id = ?", (body,)).fetchall()
    if bodies.path(body).exists():
        bodies.path(body).rename(aside / f"{body:x}")
    elif remains and remains[0][0] is not None:
        (aside / f"{body:x}").write_bytes(remains[0][0])
    delete_messages(transaction, maildrop, [seq])


def _wrong_counters(scope: _Scope) -> Iterator[_Problem]:
    query = """
        SELECT d.id, d.name, d.messages, d.octets, v.messages, v.octets, d.next_seq,
            count(m.seq), coalesce(sum(m.octets), 0), coalesce(max(m.seq), 0)
        FROM maildrops AS d LEFT JOIN views AS v ON v.maildrop = d.id
        LEFT JOIN messages AS m ON m.maildrop = d.id
        WHERE {mine} GROUP BY d.id, v.id"""
    for maildrop, user, *told, next_seq, messages, octets, last in scope.rows(query):
        if told != [messages, octets] * 2 or next_seq <= last:
            yield _Problem(
                user,
                f"the counters say {told[0]} messages of {told[1]} octets (the view: {told[2]} of"
                f" {told[3]}) and next number {next_seq}; the listing has {messages} of {octets},"
                f" the last numbered {last}",
                partial(_set_counters, maildrop, messages, octets, last),
            )


def _set_counters(
    maildrop: int, messages: int, octets: int, last: int, transaction: Transaction
) -> None:
    transaction.sql.execute(
        "UPDATE maildrops SET messages = ?, octets = ?, next_seq = max(next_seq, ?) WHERE id = ?",
        (messages, octets, last + 1, maildrop),
    )
    transaction.sql.execute(
        "UPDATE views SET messages = ?, octets = ? WHERE maildrop = ?",
        (messages, octets, maildrop),
    )


def _wrong_references(scope: _Scope) -> Iterator[_Problem]:
    query = """
        SELECT b.id, b.refs, coalesce(m.listed, 0), b.data IS NULL
        FROM bodies AS b
        LEFT JOIN (SELECT body, count(*) AS listed FROM messages GROUP BY body) AS m
        ON m.body = b.id
        WHERE b.refs <> coalesce(m.listed, 0)"""
    for body, refs, true, is_file in scope.rows(query):
        text = f"body {body} says that {refs} messages have it, {true} list it"
        yield _Problem(None, text, partial(_set_references, body, true, bool(is_file)))


def _set_references(body: int, true: int, is_file: bool, transaction: Transaction) -> None:  # noqa: FBT001 - bound by partial
    if true:
        transaction.sql.execute("UPDATE bodies SET refs = ? WHERE id = ?", (true, body))
        return
    transaction.sql.execute("DELETE FROM bodies WHERE id = ?", (body,))
    transaction.doom([body] if is_file else [])


def _orphan_files(scope: _Scope) -> Iterator[_Problem]:
    """Files that no row speaks of. Those of the doomed are about to be unlinked anyway."""
    known = scope.rows("SELECT id FROM bodies WHERE data IS NULL UNION SELECT id FROM doomed")
    expected = {body for (body,) in known}
    for body in scope.bodies.numbers():
        if body not in expected:
            text = f"body file {scope.bodies.path(body)} belongs to no message"
            yield _Problem(None, text, partial(_unlink, scope.bodies, body))
    for path in scope.bodies.strangers():
        yield _Problem(None, f"{path} is no body file; move it away", None)


def _unlink(bodies: BodyFiles, body: int, _: Transaction) -> None:
    bodies.unlink(body)
