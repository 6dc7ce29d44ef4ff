"""Who has written, and who was written to: for completing addresses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillarbox.reader.library.index.folding import fold, spaced
from pillarbox.reader.model import Contact, Correspondent

_ORDER = "ORDER BY written > 0 DESC, written + received DESC, last DESC, address"
_MOST_WORDS = 8
"""Of what was typed."""
_NEVER = -1
"""When somebody was named who was not: before all dates."""
_AROUND = "\"'<>()[],;:"
"""What is typed around names and addresses."""
_LONGEST = 320
"""Characters of an address: more than RFC 5321, section 4.5.3.1, has for one."""


class Letter(NamedTuple):
    """What counts of a message."""

    sender: Correspondent
    to: Sequence[Correspondent]
    date: int
    sent: bool
    """By the user: it lies in Sent."""


def count(connection: sqlite3.Connection, letters: Iterable[Letter], times: int) -> None:
    """Take note of *letters* that are there (*times* = 1), or not any more (-1)."""
    for letter in letters:
        counted = letter.to if letter.sent else (letter.sender,)
        for person in counted:
            if "@" in person.address and len(person.address) <= _LONGEST:
                _count(connection, person, letter, times)


def _count(
    connection: sqlite3.Connection, person: Correspondent, letter: Letter, times: int
) -> None:
    address = fold(person.address)
    if times < 0:
        connection.execute(
            "UPDATE people SET written = written - ?, received = received - ? WHERE address = ?",
            (letter.sent, not letter.sent, address),
        )
        connection.execute(
            "DELETE FROM people WHERE address = ? AND written <= 0 AND received <= 0", (address,)
        )
        return
    connection.execute(
        "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET"
        " written = written + excluded.written, received = received + excluded.received,"
        " name = iif(excluded.named >= named, excluded.name, name),"
        " words = iif(excluded.named >= named, excluded.words, words),"
        " named = max(named, excluded.named), last = max(last, excluded.last)",
        (
            address,
            person.address,
            person.name,
            _words(f"{person.name} {person.address}"),
            letter.sent,
            not letter.sent,
            letter.date,
            letter.date if person.name else _NEVER,
        ),
    )


def beginning_with(connection: sqlite3.Connection, typed: str, most: int) -> list[Contact]:
    """Those with words that begin like the words *typed*; the best known first."""
    words = _words(typed).split()[:_MOST_WORDS]
    if not words:
        return []
    conditions = " AND ".join("instr(words, ?)" for _ in words)
    found = connection.execute(
        f"SELECT name, shown FROM people WHERE {conditions} {_ORDER} LIMIT ?",  # noqa: S608 - constants
        (*(f" {word}" for word in words), most),
    )
    return [Contact(name, address) for name, address in found]


def _words(text: str) -> str:
    """Each word of *text*, folded, with a space before it; an address is also one word as a whole."""
    folded = spaced(fold(text))
    apart = "".join(character if character.isalnum() else " " for character in folded)
    whole = (word.strip(_AROUND) for word in folded.split())
    return " " + " ".join(dict.fromkeys([*(word for word in whole if word), *apart.split()]))
