"""Where a search has found messages, for their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillarbox.reader.library.index.arrival import name_of
from pillarbox.reader.library.index.finding import Finder
from pillarbox.reader.library.index.matter import Matter, unpack
from pillarbox.reader.library.index.passages import NARROW, around, passages, within
from pillarbox.reader.model import SENT, Correspondent, Hit, MessageKey, Where

ROOM = 30
"""Columns of a subject or of names that a narrow row has room for."""
MOST_ELSEWHERE = 2
_LONGEST = 60
"""Characters of what is said to have been found elsewhere."""
_AT_ONCE = 500
MOST_EFFORT = 2_000_000
"""Of one search (see :attr:`.finding.Finder.effort`): some hundredths of a second. A page of letters takes a tenth of it, or a
fifth; where there are many long texts in which something is not found, the last rows show their openings.
"""

_FOUND = """
    SELECT p.key, f.name, c.subject, c.sender_name, c.sender_address, c.opening, t.packed
    FROM files p JOIN messages m USING (id) JOIN folders f ON f.id = m.folder
        JOIN faces c USING (id) JOIN matter t USING (id)
    WHERE p.key IN ({marks})
"""


class _Message(NamedTuple):
    """What its row shows, and what not."""

    sent: bool
    """Its row shows whom it is to, not whom it is from."""
    subject: str
    sender: Correspondent
    opening: str
    matter: Matter


class _Line(NamedTuple):
    """What else is searched."""

    searched: str
    shown: tuple[str, ...]
    """What of it may be shown: the first of these that has the word."""


def hits(
    connection: sqlite3.Connection, finder: Finder, keys: Sequence[MessageKey]
) -> dict[MessageKey, Hit]:
    """Of those of *keys* whose rows would not show what was found."""
    found: dict[MessageKey, Hit] = {}
    for start in range(0, len(keys) if finder.words else 0, _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        statement = _FOUND.format(marks=",".join("?" * len(some)))
        messages = {key: columns for key, *columns in connection.execute(statement, some)}
        for key in some:
            if key in messages and finder.effort < MOST_EFFORT:
                hit = _hit(finder, _message(*messages[key]))
                if hit != Hit():
                    found[key] = hit
    return found


def _message(
    folder: bytes, subject: str, name: str, address: str, opening: str, packed: bytes
) -> _Message:
    sender = Correspondent(name, address)
    return _Message(name_of(folder) == SENT, subject, sender, opening, unpack(packed))


def _hit(finder: Finder, message: _Message) -> Hit:
    anywhere = [n for n, word in enumerate(finder.words) if word.field is None]
    places = finder.places(message.matter.text, anywhere)
    in_text = {place.word for place in places}
    opening = within(message.opening, NARROW)
    shown_by_opening = in_text <= {place.word for place in finder.places(opening, in_text)}
    missing = set(range(len(finder.words))) - in_text - _in_row(finder, message)
    return Hit(
        pieces=() if shown_by_opening else passages(message.matter.text, places),
        elsewhere=tuple(_elsewhere(finder, message, missing)) if missing else (),
    )


def _in_row(finder: Finder, message: _Message) -> set[int]:
    """Which words the row shows beside the text."""
    people = message.matter.people if message.sent else (message.sender,)
    lines = {
        "subject": message.subject,
        "recipients" if message.sent else "sender": ", ".join(map(str, people)),
    }
    return {
        place.word
        for field, line in lines.items()
        for place in finder.places(within(line, ROOM), _of_field(finder, field))
    }


def _elsewhere(finder: Finder, message: _Message, missing: set[int]) -> Iterable[tuple[Where, str]]:
    said: dict[tuple[Where, str], None] = {}
    matter = message.matter
    for where, field, lines in (
        (Where.SUBJECT, "subject", [_Line(message.subject, (message.subject,))]),
        (Where.SENDER, "sender", [_person(message.sender)]),
        (Where.RECIPIENT, "recipients", list(map(_person, matter.people))),
        (Where.FILE, "files", [_Line(name, (name,)) for name in matter.files]),
    ):
        together = "\n".join(line.searched for line in lines)
        for place in finder.places(together, missing & _of_field(finder, field)):
            if place.word in missing:
                missing = missing - {place.word}
                line = lines[together.count("\n", 0, place.start)]
                said[where, _part_of(line, finder, place.word)] = None
    return list(said)[:MOST_ELSEWHERE]


def _person(person: Correspondent) -> _Line:
    name, address = person.name, person.address
    return _Line(f"{name} {address}", (name, address, f"{name} <{address}>"))


def _part_of(line: _Line, finder: Finder, word: int) -> str:
    for text in line.shown:
        if places := finder.places(text, {word}):
            return around(text, places[0], _LONGEST)
    return around(line.shown[-1], None, _LONGEST)  # it begins in one line, and ends in another


def _of_field(finder: Finder, field: str) -> set[int]:
    """Which words may be in it."""
    return {n for n, word in enumerate(finder.words) if word.field in (None, field)}
