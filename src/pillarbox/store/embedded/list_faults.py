"""Faults of lists: a missing view, counters and references that count wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.faults import Fault, Key, Scope, set_body_aside
from pillarbox.store.embedded.transaction import Transaction


def missing_views(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    query = """
        SELECT d.id, d.name FROM maildrops AS d
        LEFT JOIN views AS v ON v.maildrop = d.id AND v.name = 'default'
        WHERE v.id IS NULL AND {mine} AND {these}"""
    for maildrop, user in scope.rows(query, keys, "d.id"):
        text = f"the maildrop has no view {DEFAULT_VIEW}"
        yield Fault(user, text, (maildrop,), partial(_add_view, maildrop))


def _add_view(maildrop: int, transaction: Transaction) -> None:
    """Its counters are found wrong by the next kind but one, and mended then."""
    transaction.sql.execute(
        "INSERT INTO views (maildrop, name) VALUES (?, ?)", (maildrop, DEFAULT_VIEW)
    )


def wrong_counters(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    query = """
        SELECT d.id, d.name, d.messages, d.octets, v.messages, v.octets, d.next_seq,
            count(m.seq), coalesce(sum(m.octets), 0), coalesce(max(m.seq), 0)
        FROM maildrops AS d LEFT JOIN views AS v ON v.maildrop = d.id
        LEFT JOIN messages AS m ON m.maildrop = d.id
        WHERE {mine} AND {these} GROUP BY d.id, v.id"""
    found = scope.rows(query, keys, "d.id")
    for maildrop, user, *told, next_seq, messages, octets, last in found:
        if told != [messages, octets] * 2 or next_seq <= last:
            yield Fault(
                user,
                f"the counters say {told[0]} messages of {told[1]} octets (the view: {told[2]} of"
                f" {told[3]}) and next number {next_seq}; the listing has {messages} of {octets},"
                f" the last numbered {last}",
                (maildrop,),
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
