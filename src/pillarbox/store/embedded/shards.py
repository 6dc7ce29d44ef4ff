"""One shard as one process sees it: its reading connection, its locks, its writer.

All is opened when first needed, so that a store may be made before the worker processes are
forked (SQLite connections and POSIX locks must not cross a fork). Who serves opens the
reading connection at once and keeps it whatever happens: as long as one connection is open
SQLite keeps its ``-shm`` file beside the index, and when the disk is full nobody could make
it anew, not even for reading.

Reads are made on the event loop's own thread: from the page cache they take microseconds,
less than handing them to another thread would. Every read fetches all rows, or drops the
rest, which ends SQLite's read transaction at once: the next read sees the newest commit, and
the log can always be copied into the index.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity
from pillarbox.store.ahead import STALE_SECONDS, ReadAhead
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.locks import LockFile, SessionLocks, byte_of
from pillarbox.store.embedded.schema import SameFile, connect
from pillarbox.store.embedded.seen import SeenNotes
from pillarbox.store.embedded.transaction import Job
from pillarbox.store.embedded.views import HOLDS, Holding
from pillarbox.store.embedded.writer import Writer

T = TypeVar("T")

BodyRow = tuple[int, int, int, int | None, int | None, bytes | None]
"""Of a message: sequence number, octets, number of the body; of the body, unless the index does
not have it: size, whether it is international, and itself (None: it is a file)."""

REMEMBERED_VIEWS = 50_000
"""Views whose lock byte a process remembers; more, and it starts to remember anew."""

_VIEW = """
    SELECT v.id, v.epoch, v.messages, v.octets, v.opened_at, iif(v.absent, NULL, v.seen_at),
        d.id, d.next_seq, d.messages,
        (SELECT unique_id FROM messages WHERE maildrop = d.id AND seq = d.next_seq - 1),
        EXISTS (SELECT 1 FROM arrivals WHERE maildrop = d.id AND NOT complete)
    FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id
    WHERE d.name = ? AND v.name = ?
"""
_MAY_LOSE = f"""
    SELECT 1 FROM views AS v WHERE v.id = :view AND NOT {HOLDS}
    AND EXISTS (SELECT 1 FROM views AS o WHERE o.maildrop = v.maildrop AND o.id <> v.id)
"""  # noqa: S608 - our own text
_CLOSED = "SELECT 1 FROM arrivals WHERE maildrop = ? AND NOT complete"
_ALL_VIEWS = "SELECT id, epoch FROM views WHERE maildrop = ? ORDER BY id"


class ViewRow(NamedTuple):
    """A view and its maildrop, as one read found them."""

    view: int
    epoch: int
    messages: int
    octets: int
    opened_at: float | None
    """When it was last opened with a minimum interval."""
    seen_at: float | None
    """When it was last opened, give or take ``SEEN_PRECISION`` seconds; None: never, or it counts
    as absent."""
    maildrop: int
    next_seq: int
    in_maildrop: int
    """How many messages there are, whether this view lists them or not."""
    newest: str | None
    """The unique-id of the message that came last; None: it is not there any more."""
    closed: int
    """Whether the maildrop is being moved here, and not whole yet."""

    @property
    def byte(self) -> int:
        return byte_of(self.view, self.epoch)


class ViewLock(NamedTuple):
    """What a session of a view locks."""

    view: int
    epoch: int

    @property
    def byte(self) -> int:
        return byte_of(self.view, self.epoch)


class Shard:
    """One shard of the store. Used from one event loop's thread."""

    __slots__ = (
        "_cursor",
        "_ending",
        "_known",
        "_letting_go",
        "_locks",
        "_mine",
        "_same",
        "ahead",
        "bodies",
        "exists",
        "folder",
        "index",
        "seen",
        "turns",
        "writer",
    )

    def __init__(self, folder: Path, *, exists: bool = True) -> None:
        """*exists*: False of a shard that nobody has made yet; there is nothing in it."""
        self.folder = folder
        self.exists = exists
        self.index = folder / "index.db"
        self.turns = folder / "writer.lock"
        self.bodies = BodyFiles(folder)
        self._same = SameFile(self.index)
        self.writer = Writer(self.index, self.turns, self.bodies, self._same)
        self.seen = SeenNotes(self.writer)
        self.ahead: ReadAhead[BodyRow] = ReadAhead()
        self._letting_go: asyncio.TimerHandle | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._locks = SessionLocks(folder)
        self._known: dict[Identity, int] = {}
        self._mine: set[int] = set()
        self._ending: dict[int, asyncio.Future[Any]] = {}
        """Bytes that are unlocked when the last of their sessions' jobs is settled."""

    def lock_file(self, byte: int) -> LockFile:
        """The lock file of *byte*.

        Raises:
            StoreUnavailable: it cannot be opened.
        """
        try:
            return self._locks.file(byte)
        except OSError as error:
            raise unavailable(error, self.folder) from error

    def rows(self, sql: str, *values: object) -> list[Any]:
        """All rows of a query, as tuples.

        Raises:
            StoreUnavailable: the index cannot be read.
        """
        if not self.exists:
            return []
        try:
            return self._reading().execute(sql, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from error

    def rows_by_name(self, sql: str, values: Mapping[str, object]) -> list[Any]:
        """The same, for a query that names its *values*."""
        if not self.exists:
            return []
        try:
            return self._reading().execute(sql, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from error

    def first_rows(
        self, wanted: Callable[[Iterable[Any]], list[Any]], sql: str, *values: object
    ) -> list[Any]:
        """What *wanted* takes of the rows of a query; the others are not read.

        Raises:
            StoreUnavailable: the index cannot be read.
        """
        if not self.exists:
            return []
        try:
            with closing(self._reading().connection.cursor()) as cursor:
                return wanted(cursor.execute(sql, values))
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from error

    def keep_ahead(self, whose: object, rows: Sequence[BodyRow], now: float) -> None:
        """Have bodies wait for the session *whose*, and let them go if it stops."""
        self.ahead.keep(whose, rows, now)
        if self._letting_go is None:
            self._let_go_later()

    def _let_go_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._letting_go = loop.call_later(STALE_SECONDS, self._let_stale_go)

    def _let_stale_go(self) -> None:
        self._letting_go = None
        if self.ahead.let_stale_go(monotonic()):
            self._let_go_later()

    def _reading(self) -> sqlite3.Cursor:
        if self._cursor is None:
            self._same.confirm()
            self._cursor = connect(self.index, read_only=True).cursor()
        return self._cursor

    def _unreadable(self, error: sqlite3.Error | OSError) -> StoreUnavailable:
        """What to say of *error*, met while reading; what comes after it reads afresh."""
        if is_damage(error):  # until it has been put right
            self._drop_connection()
        elif isinstance(error, sqlite3.Error):
            self._renew_connection()
        return unavailable(error, self.index)

    def hold(self) -> None:
        """Open the reading connection, with all that it takes to read.

        Raises:
            StoreUnavailable: the index cannot be read.
        """
        self.rows("SELECT at FROM pulse")

    async def write(self, job: Job[T]) -> T:
        """The outcome of *job*, when it is durable.

        Raises:
            StoreError: it was refused or failed.
        """
        outcome = await self.writer.submit(job)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def holder(self, byte: int) -> int | None:
        """The process that holds *byte*; None when nobody does.

        Raises:
            StoreUnavailable: the lock file cannot be read.
        """
        try:
            return self._locks.holder(byte)
        except OSError as error:
            raise unavailable(error, self.folder) from error

    def find(self, identity: Identity) -> ViewRow | None:
        """A view as it is now; None: there is no such view, or no such maildrop."""
        found = self.rows(_VIEW, *identity)
        return ViewRow._make(found[0]) if found else None

    def may_lose(self, row: ViewRow, holding: Holding) -> bool:
        """Whether other views can take messages away from this one, as it holds none back."""
        return bool(self.rows_by_name(_MAY_LOSE, holding.parameters(view=row.view)))

    def lock(self, identity: Identity) -> ViewRow | None:
        """Lock a view: its row, read under the lock.

        None when another session has it, or when there is no such view; the caller can
        tell by :meth:`find`. The byte to lock depends on the row, and the row counts only
        when read under the lock: so the byte is guessed from memory, and confirmed.
        """
        byte = self._known.get(identity)
        while True:
            if byte is not None and self._acquire(byte):
                row = self.confirmed(identity, byte)
                if row is not None:
                    return row
            row = self.find(identity)
            if row is None or row.byte == byte:
                return None
            byte = row.byte
            if len(self._known) >= REMEMBERED_VIEWS:
                self._known.clear()
            self._known[identity] = byte

    def lock_all(self, maildrop: int, *, also_closed: bool = False) -> list[ViewLock] | None:
        """Lock all views of a maildrop, or none of them: None, as somebody has one open, or as it
        is not whole yet (unless it may be *also_closed*).

        Views that are added from then on are not locked, of course.
        """
        if not also_closed and self.rows(_CLOSED, maildrop):
            return None
        views = self._all_views(maildrop)
        locked: list[int] = []
        try:
            acquired = all(self._acquired(view.byte, locked) for view in views)
            if acquired and self._all_views(maildrop) == views:
                return views
            self._unlock_bytes(locked)
        except BaseException:
            self._unlock_bytes(locked)
            raise
        return None

    def _all_views(self, maildrop: int) -> list[ViewLock]:
        return [ViewLock._make(row) for row in self.rows(_ALL_VIEWS, maildrop)]

    def _acquired(self, byte: int, locked: list[int]) -> bool:
        if not self._acquire(byte):
            return False
        locked.append(byte)
        return True

    def _unlock_bytes(self, locked: Iterable[int]) -> None:
        for byte in locked:
            self.unlock(byte)

    def are_locked(self, maildrop: int, views: Iterable[ViewLock]) -> bool:
        """Whether nobody else can have locked these since :meth:`lock_all`."""
        return set(views).issubset(self._all_views(maildrop))

    def unlock_all(self, views: Iterable[ViewLock]) -> None:
        """Unlock what :meth:`lock_all` has locked."""
        self._unlock_bytes(view.byte for view in views)

    def unlock(self, byte: int) -> None:
        """Unlock a byte that :meth:`lock` has locked; once is enough."""
        if byte in self._mine:
            self._mine.discard(byte)
            self.lock_file(byte).release(byte)

    def unlock_after(self, byte: int, job: asyncio.Future[Any]) -> None:
        """Unlock *byte* when *job* has its outcome, whatever that is."""
        self._ending[byte] = job
        job.add_done_callback(lambda _: self._end(byte))

    async def has_ended(self, byte: int) -> bool:
        """Wait until :meth:`unlock_after` has unlocked *byte*; False: it was not told to."""
        job = self._ending.get(byte)
        if job is None:
            return False
        await asyncio.wait([job])  # which does not cancel it with us
        return True

    def _end(self, byte: int) -> None:
        del self._ending[byte]
        self.unlock(byte)

    def _acquire(self, byte: int) -> bool:
        try:
            acquired = self._locks.file(byte).acquire(byte)
        except OSError as error:
            raise unavailable(error, self.folder) from error
        if acquired:
            self._mine.add(byte)
        return acquired

    def confirmed(self, identity: Identity, byte: int) -> ViewRow | None:
        """The row of a view, if *byte* is the one that it wants locked; else unlocks it."""
        row = None
        try:
            row = self.find(identity)
        finally:
            if row is None or row.byte != byte:
                self._known.pop(identity, None)
                self.unlock(byte)
        return row if row is not None and row.byte == byte else None

    async def close(self) -> None:
        """Finish what is queued, free the locks, close the files."""
        if self._letting_go is not None:
            self._letting_go.cancel()
        await asyncio.to_thread(self.writer.close)
        for byte in tuple(self._mine):
            self.unlock(byte)
        self._locks.close()
        self._drop_connection()

    def _renew_connection(self) -> None:
        """After a failure nothing is taken on trust; but the old one is better than none."""
        with contextlib.suppress(sqlite3.Error, OSError, StoreUnavailable):
            self._same.confirm()
            fresh = connect(self.index, read_only=True).cursor()
            self._drop_connection()
            self._cursor = fresh

    def _drop_connection(self) -> None:
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            with contextlib.suppress(sqlite3.Error):
                cursor.connection.close()
