"""What is done when a message has left: its copy in Sent, and a mark on what it answers or forwards."""

from __future__ import annotations

from collections.abc import Callable

from pillarbox.reader.contracts import Library
from pillarbox.reader.model import SENT, Flag
from pillarbox.reader.outbox.record import Record, marks

File = Callable[[Record, bytes], None]


def file_in(library: Library) -> File:
    """Into that library. What is done already is not done again."""

    def file(record: Record, message: bytes) -> None:
        # Whom it went to, its owner is to see there: those in Bcc, too.
        copy = record.bcc.encode() + message
        library.add(SENT, copy, {Flag.SEEN}, base=record.sent_base)
        answers, forwards = marks(record)
        if answers is not None:
            library.mark([answers], Flag.REPLIED)
        if forwards is not None:
            library.mark([forwards], Flag.PASSED)

    return file
