"""Messages on their way into a Maildir: written whole to ``tmp``, and synced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.fetch.destinations.staging import FileStaging, sync_all
from pillarbox.fetch.errors import DestinationUnusable
from pillarbox.fetch.line_ends import UnixLines
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.library.names import new_base
from pillarbox.reader.model import Flag


class Arrival(NamedTuple):
    """A message to be added."""

    message: bytes
    """CRLF or LF."""
    flags: frozenset[Flag] = frozenset()
    base: str | None = None
    arrived: float | None = None
    """POSIX time; None: now."""


def stage(tmp: Path, arrivals: Sequence[Arrival]) -> list[Path]:
    """The messages as files in *tmp*, durable.

    Raises:
        LibraryUnusable: none is left.
    """
    paths = [tmp / new_base() for _ in arrivals]
    stagings: list[FileStaging] = []
    try:
        for path, arrival in zip(paths, arrivals, strict=True):
            stagings.append(FileStaging(os.fspath(path), UnixLines(), str))
            stagings[-1].write(arrival.message)
            stagings[-1].finish()
            if arrival.arrived is not None:
                os.utime(path, (arrival.arrived, arrival.arrived))
        sync_all(stagings, tmp)
    except BaseException as error:
        for path in paths:
            path.unlink(missing_ok=True)
        if isinstance(error, DestinationUnusable):
            raise LibraryUnusable(f"{error}.") from error
        raise
    return paths
