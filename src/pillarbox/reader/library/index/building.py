"""An index made anew, beside the one that is in use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pillarbox.reader.library.index.arrival import Arrival, octets_of
from pillarbox.reader.library.index.file import connect, make, remove
from pillarbox.reader.library.index.writing import Writing
from pillarbox.reader.model import Folder, MessageKey


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
        # Merged once at the end, not again and again on the way.
        connection.execute("INSERT INTO words (words, rank) VALUES ('automerge', 0)")
        for batch in arrivals:
            connection.execute("BEGIN")
            writing = Writing(connection, key_of)
            writing.put(batch)
            writing.finish()
            connection.execute("COMMIT")
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        connection.execute("INSERT INTO words (words, rank) VALUES ('automerge', 4)")
        connection.executemany(
            "INSERT INTO stamps VALUES (?, ?)",
            [(octets_of(folder), stamp) for folder, stamp in stamps.items()],
        )
        connection.close()
        _sync(path)
    except BaseException:
        connection.close()
        remove(path)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
