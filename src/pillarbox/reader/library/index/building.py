"""An index made anew, beside the one that is in use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pillarbox.reader.library.index.arrival import Arrival, octets_of
from pillarbox.reader.library.index.file import connect, make, remove
from pillarbox.reader.library.index.writing import Writing
from pillarbox.reader.model import Folder, MessageKey

_WORDS_IN_MEMORY = 32 * 1024 * 1024
"""Octets: the words of some 10,000 messages."""
_USUAL = 1024 * 1024
"""What SQLite begins with (sqlite.org/fts5.html, 6.5)."""


def build(
    path: Path,
    arrivals: Iterable[list[Arrival]],
    stamps: Mapping[Folder, bytes],
    key_of: Callable[[str], MessageKey],
) -> None:
    """Write an index to *path*, where there is none that anybody uses; durable, and complete, when this returns.
    If it does not, there is nothing.

    Raises:
        sqlite3.Error, OSError: it cannot be written.
    """
    remove(path)
    connection = connect(path, bulk=True)
    try:
        make(connection)
        # One transaction, though nothing is to be taken back: words are written out at its end, and when there
        # are very many of them; each time makes a part of the full text that has to be merged.
        connection.execute("BEGIN")
        _set(connection, "hashsize", _WORDS_IN_MEMORY)
        for batch in arrivals:
            writing = Writing(connection, key_of)
            writing.put(batch)
            writing.finish()
        _set(connection, "hashsize", _USUAL)
        connection.executemany(
            "INSERT INTO stamps VALUES (?, ?)",
            [(octets_of(folder), stamp) for folder, stamp in stamps.items()],
        )
        connection.execute("COMMIT")
        connection.close()
        _sync(path)
    except BaseException:
        connection.close()
        remove(path)
        raise


def _set(connection: sqlite3.Connection, option: str, value: int) -> None:
    connection.execute("INSERT INTO words (words, rank) VALUES (?, ?)", (option, value))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
