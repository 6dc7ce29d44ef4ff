"""One message that came more than once: what one sent to a list and got back, or to another account of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pillarbox.reader.model import SENT, MessageKey, Row


def each_once(rows: Sequence[Row], opened: MessageKey) -> list[Row]:
    """*rows* of a conversation, of copies in several folders those in one of them: where the message is that is open, else
    not in Sent.

    A copy has the same Message-ID, sender and date. What is twice in one folder stays: a list shows both, and only a Message-ID
    can be anybody's.
    """
    here = next((row.folder for row in rows if row.key == opened), None)

    def nearness(row: Row) -> tuple[bool, bool, bool]:
        return row.key == opened, row.folder == here, row.folder != SENT

    best: dict[tuple[int, str, datetime], Row] = {}
    for row in rows:
        if row.message_id:
            known = best.setdefault(_which(row), row)
            if nearness(row) > nearness(known):
                best[_which(row)] = row
    return [row for row in rows if not row.message_id or row.folder == best[_which(row)].folder]


def _which(row: Row) -> tuple[int, str, datetime]:
    return row.message_id, row.sender.address.casefold(), row.date
