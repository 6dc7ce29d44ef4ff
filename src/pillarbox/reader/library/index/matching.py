"""A query as SQL: which numbers it finds, latest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

from pillarbox.reader.library.index.arrival import FLAG_BITS, name_of
from pillarbox.reader.library.index.folding import fold, spaced
from pillarbox.reader.library.index.query import (
    ANYWHERE,
    Condition,
    Dated,
    Has,
    In,
    Is,
    Query,
    Sized,
    Words,
)
from pillarbox.reader.library.index.schema import INBOXES, NUMBERS_A_SECOND
from pillarbox.reader.model import TRASH

_SHIFT = 86_400
"""Seconds by which numbers may run ahead of their dates, where very many messages have the same one. Only to read
less: what is found is compared by its date."""

Sql = tuple[str, list[Any]]


def select(
    connection: sqlite3.Connection, query: Query, within: Collection[int] | None, most: int
) -> list[int]:
    """Numbers of the latest *most* messages that *query* finds. *within*: in these folders; None: everywhere but
    Trash, if the query names no folder.
    """
    positive = [word for word in query.words if not word.negative]
    negative = [word for word in query.words if word.negative]
    if not (query.words or query.conditions):
        return []
    clauses = [_condition(one) for one in query.conditions if not isinstance(one, In)]
    clauses += _places(connection, query, within)
    if positive:
        match = _all(positive)
        if negative:
            match = f"({match}) NOT ({_any(negative)})"
        # CROSS: words are looked up first, in whatever way SQLite would rather do it.
        source, number = "words CROSS JOIN messages m ON m.id = words.rowid", "words.rowid"
        clauses.append(("words MATCH ?", [match]))
    else:
        source, number = "messages m", "m.id"
        if negative:
            clauses.append(
                ("m.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)", [_any(negative)])
            )
    clauses += _range(query, number)
    where = " AND ".join(clause for clause, _ in clauses) or "1"
    found = connection.execute(
        f"SELECT m.id FROM {source} WHERE {where} ORDER BY {number} DESC LIMIT ?",  # noqa: S608 - ours alone
        [*(value for _, values in clauses for value in values), most],
    )
    return [number for (number,) in found]


def _all(words: Collection[Words]) -> str:
    return " AND ".join(map(_phrase, words))


def _any(words: Collection[Words]) -> str:
    return " OR ".join(map(_phrase, words))


def _phrase(words: Words) -> str:
    """As FTS5 wants it: within quotes, nothing of the text means anything (sqlite.org/fts5.html, 3.1)."""
    quoted = '"' + spaced(words.text).replace('"', '""') + '"'
    star = " *" if words.beginning else ""
    field = f"{words.field} : " if words.field else ""
    return f"{field}{quoted}{star}"


def _condition(condition: Condition) -> Sql:
    match condition:
        case Is(flag, on):
            return f"m.flags & {FLAG_BITS[flag]} {'<>' if on else '='} 0", []
        case Has(on):
            return "m.attachments" if on else "NOT m.attachments", []
        case Dated(begin, end, negative):
            return _between("m.date", begin, end, negative=negative)
        case Sized(least, below, negative):
            return _between("m.octets", least, below, negative=negative)
    raise AssertionError(condition)


def _between(column: str, least: int | None, below: int | None, *, negative: bool) -> Sql:
    parts, values = ["1"], []
    if least is not None:
        parts.append(f"{column} >= ?")
        values.append(least)
    if below is not None:
        parts.append(f"{column} < ?")
        values.append(below)
    return f"{'NOT ' if negative else ''}({' AND '.join(parts)})", values


def _range(query: Query, number: str) -> list[Sql]:
    """Where in the order of numbers there is anything to be found."""
    clauses: list[Sql] = []
    for one in query.conditions:
        if isinstance(one, Dated) and not one.negative:
            if one.begin is not None:
                clauses.append((f"{number} >= ?", [one.begin * NUMBERS_A_SECOND]))
            if one.end is not None:
                clauses.append((f"{number} < ?", [(one.end + _SHIFT) * NUMBERS_A_SECOND]))
    return clauses


def _places(
    connection: sqlite3.Connection, query: Query, within: Collection[int] | None
) -> list[Sql]:
    names = {
        int(number): name_of(name)
        for number, name in connection.execute("SELECT id, name FROM folders WHERE total > 0")
        if number != INBOXES
    }
    asked = [one for one in query.conditions if isinstance(one, In)]
    folders = set(names) if within is None else set(names) & set(within)
    if within is None and not any(not one.negative for one in asked):
        folders = {number for number in folders if names[number] != TRASH}
    for one in asked:
        meant = _meant(names, one.name)
        folders = folders - meant if one.negative else folders & meant
    if folders == set(names):
        return []
    # +: rows are read in the order of their numbers; by folder, all of them would have to be sorted.
    return [(f"+m.folder IN ({','.join(map(str, sorted(folders)))})", [])]


def _meant(names: dict[int, str], said: str) -> set[int]:
    """Folders that somebody means who says this: its path, its last part, or, if there is none such, a beginning
    of either. A folder is meant with those in it.
    """
    if said in ANYWHERE:
        return set(names)
    paths = {number: fold(name) for number, name in names.items()}
    exact = {number for number, path in paths.items() if f"/{said}/" in f"/{path}/"}
    return exact or {number for number, path in paths.items() if f"/{said}" in f"/{path}"}
