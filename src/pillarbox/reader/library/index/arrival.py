"""A message, ready to be written down. Pure, and quick to send from one process to another."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from typing import NamedTuple

from pillarbox.reader.library.index.folding import fold, spaced, storable
from pillarbox.reader.library.index.matter import pack
from pillarbox.reader.library.index.topics import topic_of
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import Correspondent, Entry, Flag, MessageKey

MOST_RECIPIENTS = 12
"""Kept for lists and for completing addresses. A list shows three; nobody writes to a hundred by hand. All
that the summary has are searched."""
MOST_REFERENCES = 64
"""Message-IDs that a message is threaded by: the first, and the last ones."""
SHORTEST_TOPIC = 3
"""Characters. "Re: hi" belongs to nobody's thread."""
LONGEST_FIELD = 1000
"""Characters of a name, an address or a subject in a list."""
SLACK = 86_400
"""Seconds by which a message may be dated after its arrival: time zones that are wrong."""

FLAG_BITS = {
    Flag.SEEN: 1,
    Flag.FLAGGED: 2,
    Flag.REPLIED: 4,
    Flag.PASSED: 8,
    Flag.DRAFT: 16,
    Flag.TRASHED: 32,
}
SEEN = FLAG_BITS[Flag.SEEN]


class Arrival(NamedTuple):
    """What the tables will say of one message."""

    key: MessageKey
    entry: Entry
    date: int
    """POSIX seconds."""
    octets: int
    sender: Correspondent
    to: tuple[Correspondent, ...]
    subject: str
    opening: str
    attachments: bool
    message_id: int | None
    references: tuple[int, ...]
    """The nearest first."""
    topic: int | None
    is_reply: bool
    words: tuple[str, str, str, str, str]
    """Subject, sender, recipients, text, names of files; as the tokenizer takes them."""
    matter: bytes
    """As :func:`.matter.pack` makes it."""


def arrival(key: MessageKey, entry: Entry, summary: Summary, arrived: float) -> Arrival:
    """What is to be known of a message that came at *arrived* (POSIX time)."""
    topic = topic_of(summary.subject)
    return Arrival(
        key=key,
        entry=entry,
        date=_date(summary.date, arrived),
        octets=summary.octets,
        sender=_short(summary.sender),
        to=tuple(_short(person) for person in summary.to[:MOST_RECIPIENTS]),
        subject=storable(summary.subject[:LONGEST_FIELD]),
        opening=storable(summary.opening[:LONGEST_FIELD]),
        attachments=bool(summary.attachments),
        message_id=number_of(summary.message_id) if summary.message_id.strip() else None,
        references=_references(summary),
        topic=number_of(topic.text) if len(topic.text) >= SHORTEST_TOPIC else None,
        is_reply=topic.is_reply,
        words=(
            spaced(fold(summary.subject)),
            _people((summary.sender,)),
            _people(summary.to),
            spaced(fold(summary.text)),
            spaced(fold(" ".join(summary.attachments))),
        ),
        matter=pack(summary),
    )


def number_of(text: str) -> int:
    """A number that stands for *text*, and for hardly any other: 64 bits, as SQLite has them."""
    digest = hashlib.blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def bits_of(flags: frozenset[Flag]) -> int:
    """*flags* as a number."""
    return sum(FLAG_BITS[flag] for flag in flags)


def flags_of(bits: int) -> frozenset[Flag]:
    """The inverse of :func:`bits_of`."""
    return _FLAGS[bits & (len(_FLAGS) - 1)]


def octets_of(name: str) -> bytes:
    """A file's or folder's name as the database has it: it may be no UTF-8 at all."""
    return os.fsencode(name)


def name_of(octets: bytes) -> str:
    """The inverse of :func:`octets_of`."""
    return os.fsdecode(octets)


_FLAGS = tuple(
    frozenset(flag for flag, bit in FLAG_BITS.items() if bits & bit)
    for bits in range(2 ** len(FLAG_BITS))
)


def _date(said: datetime | None, arrived: float) -> int:
    if said is not None:
        seconds = int((said - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
        if 0 <= seconds <= arrived + SLACK:
            return seconds
    return max(0, int(arrived))


def _references(summary: Summary) -> tuple[int, ...]:
    named = [text for text in summary.references if text.strip()]
    if len(named) > MOST_REFERENCES:
        named = [named[0], *named[1 - MOST_REFERENCES :]]
    return tuple(dict.fromkeys(number_of(text) for text in reversed(named)))


def _short(person: Correspondent) -> Correspondent:
    return Correspondent(
        storable(person.name[:LONGEST_FIELD]), storable(person.address[:LONGEST_FIELD])
    )


def _people(people: tuple[Correspondent, ...]) -> str:
    return spaced(fold(" ".join(f"{person.name} {person.address}" for person in people)))
