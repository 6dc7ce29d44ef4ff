"""The outbox's files: for each message ``ID.eml``, and ``ID.json``, which says what has become of it.

A message is there once its record is: the message is written first, and removed last. So a message without a record is
what a crash has left of one that was never promised, or that has gone.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pillarbox.durable import replace_file, sync_folder
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.outbox.record import Record, decode, encode

_log = logging.getLogger(__name__)

MESSAGE, RECORD, DAMAGED = ".eml", ".json", ".damaged"
_FOR_GOOD = frozenset(
    {
        errno.ENOENT,
        errno.EIO,
        errno.ELOOP,
        errno.EISDIR,
        errno.EBADMSG,  # these two: what Linux says of a damaged file system
        getattr(errno, "EUCLEAN", errno.EIO),
    }
)
"""Why a file cannot be read that will hardly ever be read again, without a backup."""


class MessageUnreadable(LibraryUnusable):
    """What is known of a message is there, and the message cannot be read."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.is_lost = error.errno in _FOR_GOOD
        """The file is not there, or damaged; else the next try may read it (too many open files, no memory, no permission)."""
        advice = (
            "Check its disk, or put the file back from a backup."
            if self.is_lost
            else "Put that right, and try again."
        )
        super().__init__(f"The message in {path} cannot be read: {error.strerror}. {advice}")


def new_id() -> str:
    """In the order of time, and never the same twice."""
    return f"{time.time_ns():016x}{secrets.token_hex(4)}"


class Shelf:
    """All messages of an outbox. Blocking; from any thread. What returns is durable."""

    def __init__(self, folder: Path, told: Callable[[], None]) -> None:
        """Open the outbox in *folder*, made if need be; *told* is called after each change, in its thread."""
        self._folder = folder
        self._told = told
        self._lock = threading.RLock()
        self.problem = ""
        """Why the whole outbox cannot be read, and what to do: nothing is in it, and nothing can be put there."""
        self._unreadable: list[Path] = []
        self._records: Mapping[str, Record] = MappingProxyType({})
        self.damaged: tuple[Path, ...] = ()
        """Records that could not be read: nobody knows whom their messages are for, or whether these have left."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder.parent)
            names = sorted(os.listdir(folder))  # noqa: PTH208 -- glob passes over what it may not read
        except OSError as error:
            self.problem = (
                f"The outbox in {folder} cannot be read: {error.strerror or error}. What waits in it is not sent, and nothing can "
                "be put there. End Pillarbox, put that right, and start again."
            )
            _log.warning(self.problem)
            return
        self._records = MappingProxyType(self._read_all(names))
        self.damaged = self._find_damaged()
        self._sweep(names)

    def all(self) -> list[Record]:
        """In the order in which they came."""
        return list(self._records.values())

    def find(self, record_id: str) -> Record | None:
        """What is known of a message; None: it is not here any more."""
        return self._records.get(record_id)

    def message(self, record_id: str) -> bytes | None:
        """The message itself; None: it is not here any more.

        Raises:
            MessageUnreadable: it should be.
        """
        if record_id not in self._records:
            return None
        path = self._path(record_id, MESSAGE)
        try:
            return path.read_bytes()
        except OSError as error:
            if record_id not in self._records:
                return None
            raise MessageUnreadable(path, error) from error

    def file_of(self, record_id: str) -> int:
        """The number of the message's file on the disk; 0: it cannot be told."""
        try:
            return self._path(record_id, MESSAGE).stat().st_ino
        except OSError:
            return 0

    def put(self, record: Record, message: bytes) -> None:
        """Keep a new message."""
        if self.problem:
            raise LibraryUnusable(self.problem)
        with self._lock:
            try:
                self._write(record.id, MESSAGE, message)
                record = replace(record, file=self.file_of(record.id))
                self._write(record.id, RECORD, encode(record))
            except LibraryUnusable:
                # Whoever is told that it is not kept will send it again: it must not be found later.
                for kind in (RECORD, MESSAGE):
                    with suppress(OSError):
                        self._path(record.id, kind).unlink(missing_ok=True)
                raise
            self._set(record)
        self._told()

    def change(self, record_id: str, step: Callable[[Record], Record | None]) -> Record | None:
        """Take a *step* with a message: what it is then. None: it is not here any more, or the step leads nowhere."""
        with self._lock:
            record = self._records.get(record_id)
            changed = step(record) if record is not None else None
            if changed is None:
                return None
            if changed != record:
                self._write(record_id, RECORD, encode(changed))
                self._set(changed)
        self._told()
        return changed

    def remove(self, record_id: str, unless: Callable[[Record], bool]) -> Record | None:
        """Forget a message: what it was. None: it is not here any more, or *unless* holds for it."""
        with self._lock:
            record = self._records.get(record_id)
            if record is None or unless(record):
                return None
            try:
                self._path(record_id, RECORD).unlink(missing_ok=True)
                sync_folder(self._folder)
                self._path(record_id, MESSAGE).unlink(missing_ok=True)
            except OSError as error:
                raise self._unusable(error) from error
            self._records = MappingProxyType(
                {key: value for key, value in self._records.items() if key != record_id}
            )
        self._told()
        return record

    def _set(self, record: Record) -> None:
        # A new mapping each time: who looks needs no lock.
        self._records = MappingProxyType({**self._records, record.id: record})

    def _read_all(self, names: Iterable[str]) -> dict[str, Record]:
        records = {}
        for path in (self._folder / name for name in names if name.endswith(RECORD)):
            try:
                record = self._read(path)
                if record is not None:
                    records[record.id] = record
                else:
                    # Not thrown away: with the message beside it, somebody can make sense of it.
                    path.replace(path.with_suffix(DAMAGED))
            except OSError:
                self._unreadable.append(path)  # it stays: at the next start it may be readable
        return records

    def _read(self, path: Path) -> Record | None:
        """None: it is none, or not of the message beside it. Raises OSError."""
        try:
            record = decode(path.read_bytes())
        except ValueError:
            return None
        there = record.id == path.stem and os.path.lexists(self._path(record.id, MESSAGE))
        return record if there else None

    def _find_damaged(self) -> tuple[Path, ...]:
        found = (*sorted(self._folder.glob(f"*{DAMAGED}")), *self._unreadable)
        for path in found:
            _log.warning(
                "a message in the outbox is damaged and will not be sent: %s; its text, if any is left, is in %s",
                path,
                path.with_suffix(MESSAGE),
            )
        return found

    def _sweep(self, names: Iterable[str]) -> None:
        """Remove what crashes have left: messages without a record, and files half written. What the disk does not let
        go stays.
        """
        kept = {*self._records, *(path.stem for path in self.damaged)}
        for path in map(self._folder.joinpath, names):
            orphan = path.suffix == MESSAGE and path.stem not in kept
            if orphan or path.name.startswith("."):
                with suppress(OSError):
                    path.unlink()

    def _path(self, record_id: str, kind: str) -> Path:
        return self._folder / f"{record_id}{kind}"

    def _write(self, record_id: str, kind: str, content: bytes) -> None:
        try:
            replace_file(self._path(record_id, kind), content)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> LibraryUnusable:
        return LibraryUnusable(
            f"The outbox in {self._folder} cannot be used: {error.strerror or error}. Make room on its disk, or "
            "give write permission to it."
        )
