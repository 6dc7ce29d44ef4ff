"""Faults of views: missing or nobody's, marks of nothing, messages that nobody can see.

Repair lets a message go only when a view has deleted it and no other lists it, as would have
happened then. One that no list has, but that nobody has deleted either, comes back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.embedded.faults import Fault, Key, Scope
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.view_jobs import insert_view
from pillarbox.store.embedded.views import DELETED, ON_NO_LIST, forgotten


def missing_views(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Maildrops without a view ``default``."""
    query = """
        SELECT d.id, d.name FROM maildrops AS d
        LEFT JOIN views AS v ON v.maildrop = d.id AND v.name = 'default'
        WHERE v.id IS NULL AND {mine} AND {these}"""
    for maildrop, user in scope.rows(query, keys, "d.id"):
        text = f"the maildrop has no view {DEFAULT_VIEW}"
        yield Fault(user, text, (maildrop,), partial(_add_view, maildrop))


def _add_view(maildrop: int, transaction: Transaction) -> None:
    """It holds mail back, as nobody knows whether the one that is lost did. Its counters, if
    they are wrong, are found by another kind.
    """
    insert_view(transaction.sql, maildrop, DEFAULT_VIEW)
    transaction.sql.execute(
        "UPDATE views SET seen_at = ? WHERE maildrop = ? AND name = ?",
        (time.time(), maildrop, DEFAULT_VIEW),
    )


def views_of_nobody(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Views whose maildrop is not there."""
    query = """
        SELECT v.id, v.name FROM views AS v LEFT JOIN maildrops AS d ON d.id = v.maildrop
        WHERE d.id IS NULL AND {these}"""
    for view, name in scope.rows(query, keys, "v.id"):
        text = f"view {view} ({name}) belongs to no maildrop"
        yield Fault(None, text, (view,), partial(_remove_view, view))


def _remove_view(view: int, transaction: Transaction) -> None:
    transaction.sql.execute("DELETE FROM hidden WHERE view = ?", (view,))
    transaction.sql.execute("DELETE FROM views WHERE id = ?", (view,))


def marks_of_nothing(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Marks that a view has deleted a message, where there is no such view or message."""
    query = """
        SELECT d.name, h.view, count(*) FROM hidden AS h
        LEFT JOIN views AS v ON v.id = h.view
        LEFT JOIN maildrops AS d ON d.id = coalesce(v.maildrop, -h.view)
        LEFT JOIN messages AS m ON m.maildrop = d.id AND m.seq = h.seq
        WHERE m.seq IS NULL AND {mine} AND {these} GROUP BY h.view"""
    for user, view, number in scope.rows(query, keys, "h.view"):
        text = f"view {view} has {number} marks of deleted messages that are not there"
        yield Fault(user, text, (view,), partial(_remove_marks, view))


def _remove_marks(view: int, transaction: Transaction) -> None:
    transaction.sql.execute(
        """DELETE FROM hidden WHERE view = ? AND NOT EXISTS (
            SELECT 1 FROM messages AS m WHERE m.seq = hidden.seq AND m.maildrop =
                coalesce((SELECT maildrop FROM views WHERE id = hidden.view), -hidden.view))""",
        (view,),
    )


def forgotten_messages(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Messages that a view has deleted and nobody lists: they should have been removed."""
    for maildrop, user, number in _on_no_list(scope, keys, DELETED):
        text = f"{number} messages should have been removed: they are deleted, and on no list"
        yield Fault(user, text, (maildrop,), partial(_remove_forgotten, maildrop))


def _remove_forgotten(maildrop: int, transaction: Transaction) -> None:
    delete_messages(transaction, maildrop, forgotten(transaction.sql, maildrop))


def hidden_messages(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Messages that nobody has deleted, and nobody lists."""
    for maildrop, user, number in _on_no_list(scope, keys, f"NOT {DELETED}"):
        text = f"{number} messages are on no list, though no view has deleted them"
        yield Fault(user, text, (maildrop,), partial(_list_again, maildrop))


def _list_again(maildrop: int, transaction: Transaction) -> None:
    """In ``default``, whose counters are found wrong by another kind."""
    transaction.sql.execute(
        "UPDATE views SET since = 0 WHERE maildrop = ? AND name = ?", (maildrop, DEFAULT_VIEW)
    )


def _on_no_list(
    scope: Scope, keys: Sequence[Key] | None, condition: str
) -> list[tuple[int, str, int]]:
    """Maildrops with such messages (those without ``default`` are another kind's)."""
    query = f"""
        SELECT d.id, d.name, count(*) FROM messages AS m JOIN maildrops AS d ON d.id = m.maildrop
        JOIN views AS f ON f.maildrop = d.id AND f.name = 'default'
        WHERE {ON_NO_LIST} AND {condition} AND {{mine}} AND {{these}} GROUP BY d.id"""  # noqa: S608 - our own text
    return scope.rows(query, keys, "d.id")
