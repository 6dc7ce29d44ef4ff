"""Where things lie on disk, and the one file that says how many shards there are.

::

    store.json            {"format": 1, "shards": 2}; written once, when all indexes are there
    staging/              large bodies on their way in (see bodies)
    shard-00/
        index.db          SQLite: maildrops, listings, small bodies
        sessions-0.lock   one byte-range lock for each open session (see locks); 0 to f
        writer.lock       held by the one process that writes to the index (see writer)
        bodies/0000/1f    large bodies, by number
        lost/             what was set aside (see lost)

A maildrop lies in the shard ``crc32(name) mod shards``. That number is therefore fixed when
the store is made: a store opened with another one keeps its own. Folders are made with mode
0700 and files with 0600.

As the description is written last, a store that has one has had all its indexes: one that is
missing now is lost, with mail in it, and is never silently made anew. And a folder with mail
in it but without the description is no place for a new store.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.durable import sync_folder

FORMAT = 1
DEFAULT_SHARDS = 2
"""Measured: experiments/store.md."""
MAXIMUM_SHARDS = 256
_DESCRIPTION = "store.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one store."""

    root: Path
    shards: int

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    def shard(self, number: int) -> Path:
        return self.root / f"shard-{number:02d}"

    def shard_number(self, user: str) -> int:
        return zlib.crc32(user.encode()) % self.shards


def settle(root: Path, shards: int = DEFAULT_SHARDS) -> tuple[Layout, bool]:
    """The folders of the store at *root*, made if missing, and whether the store is new.

    A new one is finished by :func:`describe`, when its indexes have been made.

    Raises:
        StoreUnavailable: the description cannot be understood, or is missing where mail is.
        OSError: the folder cannot be made or read.
        ValueError: *shards* is out of range.
    """
    if not 1 <= shards <= MAXIMUM_SHARDS:
        raise ValueError(f"a store has 1 to {MAXIMUM_SHARDS} shards, not {shards}")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout = described(root)
    new = layout is None
    layout = layout or Layout(root, shards)
    layout.staging.mkdir(mode=0o700, exist_ok=True)
    for number in range(layout.shards):
        (layout.shard(number) / "bodies").mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.shard(number).chmod(0o700)
        sync_folder(layout.shard(number))
    sync_folder(root)
    return layout, new


def described(root: Path) -> Layout | None:
    """The layout of the store at *root* as it is described there; None: there is no store.

    Changes nothing.

    Raises:
        StoreUnavailable: the description cannot be understood, or is missing where mail is.
        OSError: the folder cannot be read.
    """
    description = root / _DESCRIPTION
    # The second look is for another process that makes the store just now.
    if not description.exists() and _has_mail(root) and not description.exists():
        raise _not_understood(description, "it is missing, but there is mail beside it")
    return Layout(root, _shards_of(description)) if description.exists() else None


def describe(layout: Layout) -> Layout:
    """Finish a new store; its layout, which is another one if another process was first.

    Raises:
        StoreUnavailable: the other one's description cannot be understood.
        OSError: it cannot be written.
    """
    description = layout.root / _DESCRIPTION
    _describe(description, layout.shards)
    return Layout(layout.root, _shards_of(description))


def _has_mail(root: Path) -> bool:
    return any(
        any(shard.glob("bodies/*/*")) or _lists_mail(shard / "index.db")
        for shard in root.glob("shard-*")
    )


def _lists_mail(index: Path) -> bool:
    """Whether *index* knows a maildrop; what cannot be read may be one that does."""
    log = index.with_name(f"{index.name}-wal")
    if not index.exists() or not index.stat().st_size:
        return log.exists() and log.stat().st_size > 0
    try:
        with closing(sqlite3.connect(f"{index.absolute().as_uri()}?mode=rw", uri=True)) as sql:
            if not sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'maildrops'").fetchall():
                return False
            return bool(sql.execute("SELECT 1 FROM maildrops LIMIT 1").fetchall())
    except sqlite3.Error:
        return True


def _describe(description: Path, shards: int) -> None:
    """Write the description whole or not at all; another process that was first wins."""
    draft = description.with_name(f"{_DESCRIPTION}.{os.getpid()}")
    with open(draft, "wb", opener=_private) as file:
        file.write(json.dumps({"format": FORMAT, "shards": shards}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, description)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync_folder(description.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _shards_of(description: Path) -> int:
    try:
        told = json.loads(description.read_bytes())
        found, shards = told["format"], told["shards"]
    except (ValueError, KeyError, TypeError) as error:
        raise _not_understood(description, f"it is not a description ({error})") from error
    if found != FORMAT:
        raise _not_understood(description, f"its format is {found}, this version reads {FORMAT}")
    if not isinstance(shards, int) or not 1 <= shards <= MAXIMUM_SHARDS:
        raise _not_understood(description, f"its number of shards is {shards!r}")
    return shards


def _not_understood(description: Path, why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"cannot understand the store's description {description}: {why}; restore it from a "
        f'backup, or write it anew: {{"format": {FORMAT}, "shards": N}}, where N is the number '
        "of the shard-NN folders beside it",
        temporary=False,
    )
