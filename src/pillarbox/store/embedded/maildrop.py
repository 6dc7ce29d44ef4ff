"""One open maildrop: numbers that stay, read from an index that moves on.

A message's number is its rank among the sequence numbers below the one that was next when
the maildrop was opened. Nobody else deletes while the session holds the lock, and new mail
only gets higher numbers: so the ranks are fixed without being written down, and opening
costs the same for three messages or for a hundred thousand. (Other views delete too, but not
what this one holds. Repair deletes in spite of the lock, and who has taken it away does: so the
first look at the list sees that it has only grown since. From then on the session knows its
sequence numbers, and nothing else is kept: what it says of its messages is read each time.)

As long as a maildrop has no gaps (mail is mostly collected whole, or from the oldest on), number
and sequence number differ by a constant. One with gaps has its sequence numbers read once, eight
bytes a message; those of a large one by a thread.

Bodies are read when they are asked for; those of a client that takes one message after the other,
some at a time (see ``ahead``).

A view that does not list all of its maildrop (as others still want what it has deleted) has its
sequence numbers read once too, unless two numbers tell already that there are no gaps. By
these it reads the rest: never again does it have to look through what it does not list.

*Listings.* SQLite hands over a page of one column as one text, a tenth of a microsecond a message;
rows would be three. But it promises no order inside ``group_concat``, and to ask for one costs
half as much again. There is one index by which it can find these messages, and that has them in
order: whether it was walked forwards is seen at both ends of the page. Were it not, or did they not
tell (the first message may have as many octets as the last), the rows would be read, in an order
that is promised.
"""

from __future__ import annotations

import asyncio
import sqlite3
from array import array
from collections.abc import Collection, Hashable, Iterable, Sequence, Set  # noqa: PYI025 - read only
from concurrent.futures import Executor
from contextlib import closing, suppress
from time import monotonic

from pillarbox.contracts.errors import BodyDamaged, LockLost, StoreUnavailable
from pillarbox.contracts.store import Body, column_of
from pillarbox.model import Column, Identity, MessageInfo
from pillarbox.store.ahead import STALE_SECONDS, WINDOW_MESSAGES, window
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.jobs import Delete
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.shards import BodyRow, Shard, ViewRow
from pillarbox.store.embedded.stream import FileStream
from pillarbox.store.embedded.these import These, run, these
from pillarbox.store.embedded.views import LISTED, Holding

SMALL = 256
"""Messages up to which a maildrop is read whole at the first look, and without a thread."""
AT_HAND = 1024
"""Messages of a maildrop that are looked through at once for those of a view; for more there is
a thread. (A view may list ten messages and have hidden a hundred thousand.)"""

_NONE: frozenset[int] = frozenset()

_LISTING = "SELECT m.seq, m.octets, m.unique_id FROM messages AS m WHERE {which} ORDER BY m.seq"
_COLUMN = """
    SELECT group_concat(m.{column}, ' '),
        (SELECT {column} || '' FROM messages WHERE maildrop = :maildrop AND seq = :low),
        (SELECT {column} || '' FROM messages WHERE maildrop = :maildrop AND seq = :high)
    FROM messages AS m WHERE {which}
"""
"""Neither octets nor unique-ids have a space in them."""
_OCTETS = "SELECT count(*), sum(m.octets) FROM messages AS m WHERE {which}"
_ENDS = """
    SELECT (SELECT min(seq) FROM messages WHERE maildrop = d.id),
           (SELECT max(seq) FROM messages WHERE maildrop = d.id AND seq < ?),
           d.next_seq, v.messages
    FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id
    WHERE d.id = ? AND v.id = ?
"""
_NOW = """
    SELECT d.next_seq, v.messages, v.since FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id
    WHERE d.id = ? AND v.id = ?
"""
_SEQS = "SELECT seq FROM messages WHERE maildrop = ? AND seq < ? ORDER BY seq"
_SEQS_OF_VIEW = f"""
    SELECT m.seq FROM views AS v JOIN messages AS m ON m.maildrop = v.maildrop
    WHERE m.maildrop = ? AND m.seq < ? AND v.id = ? AND {LISTED} ORDER BY m.seq
"""  # noqa: S608 - our own text
_BODIES = """
    SELECT m.seq, m.octets, m.body, b.stored, b.international, b.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.id = m.body
    WHERE m.maildrop = ? AND m.seq BETWEEN ? AND ? ORDER BY m.seq
"""


class EmbeddedMaildrop:
    """Implements :class:`~pillarbox.contracts.store.Maildrop`."""

    __slots__ = (
        "_committing",
        "_deleted",
        "_executor",
        "_holding",
        "_identity",
        "_latest",
        "_latest_at",
        "_offset",
        "_row",
        "_seqs",
        "_shard",
        "_whole",
        "count",
        "octets",
        "released",
    )

    def __init__(
        self,
        shard: Shard,
        identity: Identity,
        row: ViewRow,
        executor: Executor,
        holding: Holding,
    ) -> None:
        """*row* has been read under the lock that it names, which this object now owns."""
        self._shard = shard
        self._identity = identity
        self._row = row
        self._executor = executor
        self._holding = holding
        self._whole = row.messages == row.in_maildrop
        """Whether the view lists all that is in the maildrop: then nobody has to ask it."""
        self._deleted: Set[int] = _NONE
        """Sequence numbers of what this session has deleted, and others may still want."""
        self.count = row.messages
        self.octets = row.octets
        self.released = False
        self._committing: asyncio.Future[Exception | None] | None = None
        self._latest = -1
        """The number of the message whose body was asked for last."""
        self._latest_at = 0.0
        """When that was, by the monotonic clock."""
        self._offset: int | None = None
        """Sequence number minus number, when that is a constant."""
        self._seqs: array[int] | None = None
        """Else the sequence number of each number."""

    @property
    def listing_key(self) -> Hashable:
        """New mail raises the next sequence number, a deletion lowers the view's count, and
        neither is ever undone: while both are what they were, so is the listing. (But by a
        backup that is put back into the index while servers run. Mail that comes then gets
        the same numbers, but other unique-ids.)
        """
        row = self._row
        return self._shard.folder, row.view, row.next_seq, row.messages, row.newest

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        if first > last:
            return []
        self._must_exist(first)
        self._must_exist(last)
        if self._whole and self.count <= SMALL and not self._is_placed:
            return self._read_small()[first - 1 : last]
        await self._place()
        page = self._page(first, last)
        rows = self._shard.rows_by_name(_LISTING.format(which=page.condition), page.values)
        if len(rows) != last - first + 1:
            raise self._moved_on()
        _, octets, unique_ids = zip(*rows, strict=True)
        return list(map(MessageInfo, range(first, last + 1), octets, unique_ids))

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        if first > last:
            return []
        self._must_exist(first)
        self._must_exist(last)
        await self._place()
        page = self._page(first, last)
        query = _COLUMN.format(which=page.condition, column=column)
        values = page.with_values(low=self._seq(first), high=self._seq(last))
        ((text, *ends),) = self._shard.rows_by_name(query, values)
        said: list[str] = text.split(" ") if text else []
        if len(said) == last - first + 1 and [said[0], said[-1]] == ends and _tell(ends, said):
            return said
        return column_of(await self.messages(first, last), column)  # or finds what has changed

    async def octets_of(self, numbers: Collection[int]) -> int:
        if not numbers:
            return 0
        await self._place()
        which = these(self._row.maildrop, self._seqs_of(numbers))
        query = _OCTETS.format(which=which.condition)
        ((count, octets),) = self._shard.rows_by_name(query, which.values)
        if count != len(numbers):
            raise self._moved_on()
        return int(octets)

    async def body(self, number: int) -> Body:
        if self._offset is None:
            await self._place()
        found = self._body_row(number)
        if found is None:
            raise self._moved_on()
        _, octets, body, stored, international, data = found
        if stored is None:
            raise BodyDamaged(f"body {body} is missing from {self._shard.index}")
        if data is None:
            return Body(octets, stored, bool(international), self._stream(body, stored))
        if len(data) != stored:
            raise BodyDamaged(
                f"body {body} in {self._shard.index} has {len(data)} bytes, not {stored}"
            )
        return Body(octets, stored, bool(international), data)

    def _body_row(self, number: int) -> BodyRow | None:
        """A message as the index has it, or had it when the one before was read; None: gone."""
        seq, shard, maildrop = self._seq(number), self._shard, self._row.maildrop
        now = monotonic()
        follows = number == self._latest + 1 and now - self._latest_at < STALE_SECONDS
        self._latest, self._latest_at = number, now
        if seq in self._deleted:
            return None
        waiting = shard.ahead.take(self, seq, now)
        if waiting is not None:
            return waiting
        rows: list[BodyRow] = []
        if follows and not self.released and shard.ahead.has_room(now):
            last = self._last_of_run(number)
            with suppress(StoreUnavailable):  # one of those that nobody has asked for, perhaps
                rows = shard.first_rows(window, _BODIES, maildrop, seq, last)
                shard.keep_ahead(self, rows[1:], now)
        rows = rows or shard.rows(_BODIES, maildrop, seq, seq)
        return rows[0] if rows and rows[0][0] == seq else None

    def _last_of_run(self, number: int) -> int:
        """The sequence number up to which a body may be read together with that of *number*."""
        last = min(number + WINDOW_MESSAGES - 1, self.count)
        if not self._whole and self._seqs is not None:  # pass over nothing that is not listed
            first_seq = self._seqs[number - 1]
            while self._seqs[last - 1] - first_seq > last - number:
                last -= 1
        return self._seq(last)

    async def commit(self, numbers: Collection[int]) -> None:
        if not numbers:
            return
        if self.released:
            raise LockLost("this session has ended")
        self._shard.ahead.let_go(self)
        try:
            await self._place()
        except StoreUnavailable as error:
            if self._holds_lock():
                raise
            raise LockLost("the lock of this session has been taken away") from error
        row, seqs = self._row, self._seqs_of(numbers)
        job = Delete(row.maildrop, row.view, row.epoch, seqs, self._holding)
        self._committing = self._shard.writer.submit(job)
        # Shielded, so that release() can tell whether the job is still under way.
        outcome = await asyncio.shield(self._committing)
        if outcome is not None:
            raise outcome
        self._deleted = self._deleted | seqs if self._deleted else seqs

    async def release(self) -> None:
        if self.released:
            return
        self.released = True
        self._shard.ahead.let_go(self)
        if self._committing is not None and not self._committing.done():
            # The caller was cancelled in commit(): nobody may open the maildrop before the
            # deletion is decided, or its messages would vanish under the next session.
            self._committing.add_done_callback(lambda _: self._unlock())
            return
        self._unlock()

    def _unlock(self) -> None:
        self._shard.unlock(self._row.byte)

    def _must_exist(self, number: int) -> None:
        if not 1 <= number <= self.count:
            raise self._no_message(number)

    def _no_message(self, number: int) -> IndexError:
        return IndexError(f"no message {number} among {self.count}")

    def _seq(self, number: int) -> int:
        """The sequence number of *number*; :meth:`_place` comes first."""
        if not 1 <= number <= self.count:
            raise self._no_message(number)
        if self._offset is not None:
            return self._offset + number
        assert self._seqs is not None  # noqa: S101 - _place sets one of the two
        return self._seqs[number - 1]

    @property
    def _is_placed(self) -> bool:
        return self._offset is not None or self._seqs is not None

    def _seqs_of(self, numbers: Collection[int]) -> set[int]:
        """The same for many, one at least."""
        self._must_exist(min(numbers))
        self._must_exist(max(numbers))
        offset = self._offset
        if offset is not None:
            return {offset + number for number in numbers}
        return {self._seq(number) for number in numbers}

    async def _place(self) -> None:
        """Find out how numbers and sequence numbers belong together."""
        if self._is_placed:
            return
        if not self._whole:
            await self._place_of_view()
            return
        maildrop, next_seq = self._row.maildrop, self._row.next_seq
        found = self._shard.rows(_ENDS, next_seq, maildrop, self._row.view)
        if not found:
            raise self._moved_on()
        ((first, last, next_now, count_now),) = found
        self._must_only_have_grown(next_now, count_now)
        if self.count == 0:
            self._offset = 0
        elif first is not None and last - first + 1 == self.count:
            self._offset = first - 1
        elif self.count <= SMALL:
            self._set_seqs(seq for (seq,) in self._shard.rows(_SEQS, maildrop, next_seq))
        else:
            self._set_seqs(await self._seqs_of_thread(_SEQS, maildrop, next_seq))

    async def _place_of_view(self) -> None:
        """The same for a view that does not list all of its maildrop."""
        row = self._row
        found = self._shard.rows(_NOW, row.maildrop, row.view)
        if not found:
            raise self._moved_on()
        ((next_now, count_now, since),) = found
        self._must_only_have_grown(next_now, count_now)
        if row.next_seq - since == self.count:  # as many numbers as messages
            self._offset = since - 1
            return
        which = row.maildrop, row.next_seq, row.view
        if row.in_maildrop <= AT_HAND:
            self._set_seqs(seq for (seq,) in self._shard.rows(_SEQS_OF_VIEW, *which))
        else:
            self._set_seqs(await self._seqs_of_thread(_SEQS_OF_VIEW, *which))

    def _must_only_have_grown(self, next_now: int, count_now: int) -> None:
        if count_now - self.count != next_now - self._row.next_seq:
            raise self._moved_on()

    def _set_seqs(self, seqs: Iterable[int]) -> None:
        found = array("q", seqs)
        if len(found) != self.count:
            raise self._moved_on()
        self._seqs = found

    async def _seqs_of_thread(self, query: str, *values: int) -> array[int]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._read_seqs, query, values)

    def _read_seqs(self, query: str, values: Sequence[int]) -> array[int]:
        """All sequence numbers, by a connection of this thread's own."""
        try:
            with closing(connect(self._shard.index, read_only=True)) as sql:
                return array("q", (seq for (seq,) in sql.execute(query, values)))
        except sqlite3.Error as error:
            raise unavailable(error, self._shard.index) from error

    def _read_small(self) -> list[MessageInfo]:
        """All messages; :meth:`_place` has nothing left to do."""
        whole = run(self._row.maildrop, 0, self._row.next_seq - 1)
        rows = self._shard.rows_by_name(_LISTING.format(which=whole.condition), whole.values)
        if len(rows) != self.count:
            raise self._moved_on()
        seqs, octets, unique_ids = zip(*rows, strict=True)
        if seqs[-1] - seqs[0] + 1 == self.count:
            self._offset = seqs[0] - 1
        else:
            self._seqs = array("q", seqs)
        return list(map(MessageInfo, range(1, self.count + 1), octets, unique_ids))

    def _page(self, first: int, last: int) -> These:
        """Messages *first* to *last*."""
        maildrop = self._row.maildrop
        if self._whole or self._seqs is None:
            return run(maildrop, self._seq(first), self._seq(last))
        return these(maildrop, self._seqs[first - 1 : last])

    def _stream(self, body: int, stored: int) -> FileStream:
        path = self._shard.bodies.path(body)
        try:
            return FileStream(path, stored, self._executor)
        except OSError as error:
            raise unavailable(error, path) from error

    def _holds_lock(self) -> bool:
        row = self._shard.find(self._identity)
        return row is not None and row.byte == self._row.byte

    def _moved_on(self) -> StoreUnavailable:
        """The listing is not the one that was opened."""
        user = self._identity.user
        return StoreUnavailable(
            f"the listing of {user} in {self._shard.index} has changed during a session: "
            "its lock was taken away, it was repaired, or its counters are wrong "
            f"(see: pillarbox maildrop check {user})",
            temporary=True,
        )


def _tell(ends: Sequence[str], said: Sequence[str]) -> bool:
    """Whether the ends of a page tell in which direction it was read, or it does not matter."""
    return ends[0] != ends[1] or said.count(ends[0]) == len(said)
