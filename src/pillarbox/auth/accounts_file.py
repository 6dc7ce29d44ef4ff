"""The SQLite file behind the accounts of one machine: made whole, opened per process, never shared by
a fork.

Making
    A new file is built under a temporary name, with its schema and in WAL mode, and then
    linked to its own name. Processes that start together see no file or a complete one;
    only one of them wins the link, and all use the winner's. A crash leaves at most a
    temporary file. Mode 0600 from its first byte; SQLite gives ``-wal`` and ``-shm`` the
    same. Made by root, the file belongs to the owner of its folder, since the server drops
    its privileges.

Opening
    One connection for reading and one for writing, at first use, each behind a lock, so
    that threads may share them. A reader in WAL mode never waits for a writer. A file of an
    older version is brought up to date (:mod:`.accounts_schema`).

Remembering
    A poll asks what it asked a minute ago, and accounts change once in a while. So what was found is
    remembered as long as nobody has committed anything, which is seen without a system call
    (:mod:`.wal_index`). It is never older than what a SELECT would find.

Forking
    SQLite's connections must not cross a fork. Ours are closed just before one and opened
    again when they are next needed, in the parent and in the child.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pillarbox.auth.accounts_schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    bring_up_to_date,
    write_schema,
)
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.file_change import FileChange
from pillarbox.auth.kept_secrets import are_there, take_over
from pillarbox.auth.place import Change, Row, Rows
from pillarbox.auth.wal_index import WalIndex, borrow, opening
from pillarbox.durable import sync_folder
from pillarbox.room import is_lack_of_room

READ_WAIT_SECONDS = 1.0
"""Readers wait only while another process recovers the log after a crash. The wait may be
on the event loop, hence short."""

WRITE_WAIT_SECONDS = 10.0
"""For other writers; each holds the lock for milliseconds, so longer means that one hangs."""

REMEMBERED = 16_384
"""Answers that are remembered; more, and it starts to remember anew. Some 800 octets each, and an
active account has one or two."""

_REMEDIES = {  # primary SQLite result code: what an operator can do
    sqlite3.SQLITE_BUSY: "another program holds it; find it with `fuser` and end it",
    sqlite3.SQLITE_CANTOPEN: "its folder and the file must be open to the user that runs this",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_IOERR: "the disk fails; see the system's log",
    sqlite3.SQLITE_NOTADB: "it is not an accounts file; restore it from a backup",
    sqlite3.SQLITE_PERM: "the file must be open to the user that runs this",
    sqlite3.SQLITE_READONLY: "file and folder must be writable by the user that runs this",
}


T = TypeVar("T")


class AccountsFile:
    """Connections to one accounts file: a :class:`.place.Place`."""

    remedy = "check store.path"

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._create = create
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._index: WalIndex | None = None
        self._borrowed: list[WalIndex] = []
        """One for each connection."""
        self._as_of: bytes | None = None
        """The version of the file of which :attr:`_found` is true."""
        self._found: dict[tuple[str, tuple[Any, ...]], list[tuple[Any, ...]]] = {}
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        _FILES.add(self)

    @property
    def name(self) -> str:
        """See :class:`.place.Place`."""
        return str(self.path)

    def is_lost(self) -> bool:
        """See :class:`.place.Place`."""
        return not self.path.exists()

    def read(self, statement: str, values: Row = ()) -> Rows:
        """See :class:`.place.Place`."""
        with self._reading:
            return self._rows(statement, values)

    async def ask(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """See :class:`.place.Place`; never suspends."""
        return self.find(statement, values)

    def find(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """See :class:`.place.Place`."""
        question = statement, values
        with self._reading:
            version = self._version()
            if version is None:
                return self._rows(statement, values)
            if version != self._as_of:
                self._found.clear()
                self._as_of = version
            found = self._found.get(question)
            if found is None:
                # If somebody commits meanwhile, this is newer than its version, which then never
                # comes again.
                found = self._rows(statement, values)
                if len(self._found) >= REMEMBERED:
                    self._found.clear()
                self._found[question] = found
            return found

    def version(self) -> bytes | None:
        """See :meth:`.WalIndex.version`; None, too, before the first read."""
        with self._reading:
            return self._version()

    def _version(self) -> bytes | None:
        return None if self._index is None else self._index.version()

    def _rows(self, statement: str, values: Row) -> list[tuple[Any, ...]]:
        """The caller holds the lock for reading."""
        try:
            reader = self._reader
            if reader is None:
                reader, self._index = self._opened(READ_WAIT_SECONDS)
                reader.execute("PRAGMA query_only = ON")
                self._reader = reader
            return reader.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable("read", error) from error

    async def ask_secret(self, name: str) -> bytes:
        """See :class:`.place.Place`; never suspends."""
        return self.secret(name)

    def secret(self, name: str) -> bytes:
        """A secret of this file (of :mod:`.accounts_schema`)."""
        rows = self.find("SELECT value FROM secret WHERE name = ?", (name,))
        if not rows:
            raise AccountsUnavailable(
                f"{self.path} has lost a secret ({name}): restore it from a backup"
            )
        secret: bytes = rows[0][0]
        return secret

    def change(self, work: Callable[[Change], T]) -> T:
        """See :class:`.place.Place`."""
        with self.writing() as connection:
            return work(FileChange(connection))

    def adopt(self, secrets: dict[str, bytes], *, dry_run: bool = False) -> None:
        """See :class:`.place.Place`; those that nothing has been made with yet go."""
        there = are_there(secrets, self.read, place=self.name, may_go=True)
        if not (there or dry_run):
            self.change(lambda change: take_over(change, secrets, place=self.name, may_go=True))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone with the file: durable at the end, or undone by an error."""
        try:
            with self._writing:
                if self._writer is None:
                    self._writer, _ = self._opened(WRITE_WAIT_SECONDS)
                    self._writer.execute("PRAGMA secure_delete = ON")  # old verifiers leave
                with _transaction(self._writer):
                    yield self._writer
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable("written", error) from error

    def close(self) -> None:
        """Close what this process has open; the next use opens it again."""
        with self._writing, self._reading:
            self._forget()

    def __del__(self) -> None:
        # SQLite's descriptors go with their objects; the one of the index is shared by name.
        self._forget()

    def _forget(self) -> None:
        """Close both connections; the caller holds both locks."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None
        while self._borrowed:
            self._borrowed.pop().give_back()
        self._index = self._as_of = None
        self._found = {}

    def _opened(self, wait: float) -> tuple[sqlite3.Connection, WalIndex | None]:
        """A connection, and by what it is seen that somebody has committed, if it can be."""
        if not self.path.exists():
            if not self._create:
                raise AccountsUnavailable(
                    f"{self.path} does not exist: check store.path and that its disk is mounted, "
                    "restore the file from a backup, or begin with `pillarbox user add NAME`"
                )
            self._make()
        with opening():
            connection = _connect(self.path, wait)
            try:
                version = self._recognised(connection)
                # A restored copy may have lost it; where there can be none, it stays as it is.
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
                connection.execute("PRAGMA synchronous = FULL")
                if version < SCHEMA_VERSION:
                    with _transaction(connection):
                        bring_up_to_date(connection)
            except BaseException:
                connection.close()
                raise
            index = borrow(self.path) if mode == "wal" else None
        if index is not None:
            self._borrowed.append(index)
        return connection, index

    def _recognised(self, connection: sqlite3.Connection) -> int:
        """The version of our file."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise AccountsUnavailable(
                f"{self.path} is not an accounts file: move it away, or restore it from a backup"
            )
        if not 1 <= version <= SCHEMA_VERSION:
            raise AccountsUnavailable(
                f"{self.path} has the format {version}, and this Pillarbox knows those up to "
                f"{SCHEMA_VERSION}: run the Pillarbox that wrote it, or a newer one"
            )
        return int(version)

    def _make(self) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            if os.geteuid() == 0:
                owner = folder.stat()
                os.chown(draft, owner.st_uid, owner.st_gid)
            _write_schema(draft)
            with suppress(FileExistsError):  # another process was first: its file is as good
                os.link(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(folder)

    def _unavailable(self, done: str, error: Exception) -> AccountsUnavailable:
        code = getattr(error, "sqlite_errorcode", None)
        if is_lack_of_room(error, self.path.parent):
            code = sqlite3.SQLITE_FULL  # whatever it says
        remedy = _REMEDIES.get(code & 0xFF) if code is not None else None
        hint = f": {remedy}" if remedy else ""
        return AccountsUnavailable(f"{self.path} cannot be {done} ({error}){hint}")


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=wait,
        isolation_level=None,
        check_same_thread=False,  # each connection has a lock of its own
    )


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write_schema(draft: Path) -> None:
    with closing(_connect(draft, WRITE_WAIT_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        with _transaction(connection):
            write_schema(connection)


_FILES: weakref.WeakSet[AccountsFile] = weakref.WeakSet()
_held_over_fork: list[AccountsFile] = []


def _before_fork() -> None:
    for file in list(_FILES):
        file._writing.acquire()  # noqa: SLF001 - this module's own class
        file._reading.acquire()  # noqa: SLF001
        file._forget()  # noqa: SLF001
        _held_over_fork.append(file)


def _after_fork() -> None:
    while _held_over_fork:
        file = _held_over_fork.pop()
        file._reading.release()  # noqa: SLF001
        file._writing.release()  # noqa: SLF001


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
