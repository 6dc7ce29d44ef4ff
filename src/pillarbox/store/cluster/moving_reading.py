"""A maildrop, read whole at one moment, a page of messages at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from pillarbox.contracts.transfer import MovedMessage, MovedView
from pillarbox.database import Transaction
from pillarbox.store.cluster.views import listed
from pillarbox.store.moving import Arrival, marks_in

PAGE = 10_000
"""Messages."""

_MAILDROP = "SELECT id, next_seq FROM maildrops WHERE name = $1"
_VIEWS = """
    SELECT name, created_at, seen_at, opened_at, absent FROM views WHERE maildrop = $1 ORDER BY name
"""
STANDING = "SELECT name, token FROM views WHERE maildrop = $1 ORDER BY name"
_MESSAGES = f"""
    SELECT m.seq, m.unique_id, m.octets, m.stored, m.international, m.received_at, m.deleted,
        (SELECT array_agg(v.name) FROM views AS v WHERE v.maildrop = $1 AND NOT ({listed()}))
    FROM messages AS m WHERE m.maildrop = $1 AND m.seq > $2 ORDER BY m.seq LIMIT {PAGE}
"""  # noqa: S608 -- our own text
_ARRIVAL = "SELECT origin, next_seq, complete, standing FROM arrivals WHERE maildrop = $1"
_LOST = "SELECT unique_id FROM lost WHERE maildrop = $1 AND unique_id IS NOT NULL"
_MARKS = "SELECT marks FROM brought WHERE maildrop = $1"


class Found(NamedTuple):
    """What was found."""

    origin: str
    next_seq: int
    views: Sequence[MovedView]
    messages: Sequence[MovedMessage]
    seqs: Sequence[int]
    standing: str
    """What changes when somebody uses the maildrop: its views, and their tokens."""
    arrival: Arrival | None
    left: str
    """The standing that an earlier move has left."""
    lost: Collection[str]
    """See :attr:`.Export.lost`."""

    def is_used(self, standing: str) -> bool:
        """See :attr:`.Landing.used`; *standing*: that before we locked it."""
        if self.arrival is not None:
            return standing != self.left
        return len(self.views) > 1 or any(view.seen_at is not None for view in self.views)


async def read(transaction: Transaction, user: str) -> Found | None:
    """The maildrop of *user*; None: there is none."""
    rows = await transaction.fetch(_MAILDROP, user)
    if not rows:
        return None
    ((identifier, next_seq),) = rows
    views = await transaction.fetch(_VIEWS, user)
    seqs, messages = await _messages(transaction, user)
    arrival, left = await _arrival(transaction, user)
    return Found(
        f"cluster {identifier}",
        next_seq,
        [
            MovedView(name, seconds(created_at), seconds(seen_at), seconds(opened_at), absent)
            for name, created_at, seen_at, opened_at, absent in views
        ],
        messages,
        seqs,
        await standing_of(transaction, user),
        arrival,
        left,
        {name for (name,) in await transaction.fetch(_LOST, user)},
    )


async def standing_of(transaction: Transaction, user: str) -> str:
    """See :attr:`Found.standing`."""
    return json.dumps([list(row) for row in await transaction.fetch(STANDING, user)])


def seconds(at: datetime | None) -> float | None:
    """Since 1970, UTC."""
    return None if at is None else at.timestamp()


async def _messages(
    transaction: Transaction, user: str
) -> tuple[Sequence[int], Sequence[MovedMessage]]:
    seqs: list[int] = []
    messages: list[MovedMessage] = []
    known: dict[tuple[str, ...], frozenset[str]] = {}  # most are alike
    while True:
        rows = await transaction.fetch(_MESSAGES, user, seqs[-1] if seqs else 0)
        for seq, unique_id, octets, stored, utf8, received_at, deleted, unlisted in rows:
            names = tuple(unlisted or ())
            unlisted_by = known.setdefault(names, frozenset(names))
            seqs.append(seq)
            messages.append(
                MovedMessage(
                    unique_id, octets, stored, utf8, received_at.timestamp(), deleted, unlisted_by
                )
            )
        if len(rows) < PAGE:
            return seqs, messages


async def _arrival(transaction: Transaction, user: str) -> tuple[Arrival | None, str]:
    rows = await transaction.fetch(_ARRIVAL, user)
    if not rows:
        return None, ""
    ((origin, next_seq, complete, left),) = rows
    texts = await transaction.fetch(_MARKS, user)
    marks = frozenset(mark for (text,) in texts for mark in marks_in(text))
    return Arrival(origin, next_seq, complete, marks), left
