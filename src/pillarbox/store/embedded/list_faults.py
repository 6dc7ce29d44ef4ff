"""Faults of lists: counters and references that count wrong. (Of views: see ``view_faults``.)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.faults import Fault, Key, Scope, set_body_aside
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.views import LISTED


def wrong_counters(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Of the maildrop, and of each of its views; and a next number that is not the next."""
    query = f"""
        SELECT d.id, d.name, v.id, v.name, d.next_seq, d.messages, d.octets, v.messages, v.octets,
            count(m.seq), coalesce(sum(m.octets), 0),
            count(CASE WHEN {LISTED} THEN 1 END),
            coalesce(sum(CASE WHEN {LISTED} THEN m.octets END), 0),
            max(coalesce(max(m.seq), 0), v.since - 1)
        FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id
        LEFT JOIN messages AS m ON m.maildrop = d.id
        WHERE {{mine}} AND {{these}} GROUP BY d.id, v.id"""  # noqa: S608 - our own text
    for row in scope.rows(query, keys, "d.id"):
        maildrop, user, view, name, next_seq, *counts, last = row
        told, true = counts[:4], counts[4:]
        if told != true or next_seq <= last:
            yield Fault(
                user,
                f"the counters say {told[0]} messages of {told[1]} octets (view {name}: {told[2]}"
                f" of {told[3]}) and next number {next_seq}; the listing has {true[0]} of {true[1]}"
                f" (the view's: {true[2]} of {true[3]}), the last numbered {last}",
                (maildrop,),
                partial(_set_counters, maildrop, view, true, last),
            )


def _set_counters(
    maildrop: int, view: int, true: Sequence[int], last: int, transaction: Transaction
) -> None:
    transaction.sql.execute(
        "UPDATE maildrops SET messages = ?, octets = ?, next_seq = max(next_seq, ?) WHERE id = ?",
        (*true[:2], last + 1, maildrop),
    )
    transaction.sql.execute(
        "UPDATE views SET messages = ?, octets = ? WHERE id = ?", (*true[2:], view)
    )


def wrong_references(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    query = """
        SELECT b.id, b.refs, coalesce(m.listed, 0)
        FROM bodies AS b
        LEFT JOIN (
            SELECT body, count(*) AS listed FROM messages
            WHERE :keys = 'null' OR body IN (SELECT json_extract(value, '$[0]') FROM json_each(:keys))
            GROUP BY body
        ) AS m ON m.body = b.id
        WHERE b.refs <> coalesce(m.listed, 0) AND {these}"""
    for body, refs, true in scope.rows(query, keys, "b.id"):
        text = f"body {body} says that {refs} messages have it, {true} list it"
        mend = partial(_count, body, true) if true else partial(_unlisted, scope.bodies, body)
        yield Fault(None, text, (body,), mend)


def _count(body: int, true: int, transaction: Transaction) -> None:
    transaction.sql.execute("UPDATE bodies SET refs = ? WHERE id = ?", (true, body))


def _unlisted(bodies: BodyFiles, body: int, transaction: Transaction) -> str | None:
    """Set aside a body that may have been mail: which message it was, nobody knows."""
    aside = set_body_aside(transaction, bodies, body)
    transaction.sql.execute("DELETE FROM bodies WHERE id = ?", (body,))
    return f"it has been moved to {aside}" if aside else None
