"""The numbers of an open maildrop, and what is said of its messages: read from tables that move on.

A message's number is its rank among those that the view listed when it was opened. While the lease is
held, nobody takes any of them away (other views delete, but not what this one holds), and new mail only gets
higher sequence numbers: so the ranks are fixed without being written down. (Repair takes away in spite of
the lease, and who has taken it over does: what is read then is not whole, and refused.)

The listing of a small maildrop came along with its lease, and is kept as texts. Of a large one nothing is
kept but, where there are gaps, its sequence numbers, eight bytes a message: pages are ranges of
an index.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Column, MessageInfo
from pillarbox.store.cluster.opening import Lease, Small
from pillarbox.store.cluster.removing import These
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import listed, same_maildrop

_ENDS = """
    SELECT (SELECT m.seq FROM messages AS m WHERE m.maildrop = $1 ORDER BY m.seq LIMIT 1),
        (SELECT m.seq FROM messages AS m WHERE m.maildrop = $1 AND m.seq < $2
            ORDER BY m.seq DESC LIMIT 1)
"""
_SEQS = f"""
    SELECT array_agg(m.seq ORDER BY m.seq) FROM views AS v JOIN messages AS m
        ON m.maildrop = v.maildrop AND m.seq < $3
    WHERE v.maildrop = $1 AND v.name = $2 AND {listed()}
"""  # noqa: S608 -- our own text
_PAGE = f"""
    SELECT m.octets, m.unique_id FROM messages AS m
    WHERE m.maildrop = $1 AND {{which}} AND {same_maildrop("$1", "$2")} ORDER BY m.seq
"""  # noqa: S608 -- our own text
_COLUMN = f"""
    SELECT count(*), string_agg(m.{{column}}::TEXT, ' ' ORDER BY m.seq) FROM messages AS m
    WHERE m.maildrop = $1 AND {{which}} AND {same_maildrop("$1", "$2")}
"""  # noqa: S608 -- our own text
"""Neither octets nor unique-ids have a space in them."""
_OCTETS = f"""
    SELECT count(*), coalesce(sum(m.octets), 0)::BIGINT FROM messages AS m
    WHERE m.maildrop = $1 AND {{which}} AND {same_maildrop("$1", "$2")}
"""  # noqa: S608 -- our own text


class Listing:
    """Of one session."""

    __slots__ = ("_lease", "_offset", "_seqs", "_small", "_tables")

    def __init__(self, tables: Tables, lease: Lease) -> None:
        self._tables = tables
        self._lease = lease
        self._small: Small | None = lease.small
        self._offset: int | None = None
        """Sequence number minus number, when that is a constant."""
        self._seqs: array[int] | None = lease.small.seqs if lease.small else None
        """Else the sequence number of each number."""
        if not lease.count:
            self._offset = 0

    async def messages(self, first: int, last: int) -> list[MessageInfo]:
        """See :meth:`Maildrop.messages`."""
        if not self._must_be_pages(first, last):
            return []
        if self._small is not None:
            sizes = map(int, _some(self._small.sizes, first, last))
            ids = _some(self._small.unique_ids, first, last)
            return list(map(MessageInfo, range(first, last + 1), sizes, ids))
        page = await self.these(range(first, last + 1))
        rows = await self._ask(_PAGE.format(which=page.condition(at=3)), page)
        if len(rows) != last - first + 1:
            raise self.moved_on()
        return [MessageInfo(first + n, *row) for n, row in enumerate(rows)]

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        """See :meth:`Maildrop.column`."""
        if not self._must_be_pages(first, last):
            return []
        if self._small is not None:
            ids = column is Column.UNIQUE_ID
            return _some(self._small.unique_ids if ids else self._small.sizes, first, last)
        page = await self.these(range(first, last + 1))
        query = _COLUMN.format(which=page.condition(at=3), column=column)
        ((count, text),) = await self._ask(query, page)
        if count != last - first + 1:
            raise self.moved_on()
        said: list[str] = text.split(" ")
        return said

    async def octets_of(self, numbers: Collection[int]) -> int:
        """See :meth:`Maildrop.octets_of`."""
        if not numbers:
            return 0
        which = await self.these(numbers)
        if self._small is not None:
            sizes = self._small.sizes.split(" ")
            return sum(int(sizes[number - 1]) for number in numbers)
        query = _OCTETS.format(which=which.condition(at=3))
        ((count, octets),) = await self._ask(query, which)
        if count != len(numbers):
            raise self.moved_on()
        return int(octets)

    async def seq(self, number: int) -> int:
        """The sequence number of message *number*.

        Raises:
            IndexError: there is no such number.
            StoreUnavailable: it cannot be asked.
        """
        self._must_exist(number)
        await self._place()
        return self._seq(number)

    async def these(self, numbers: Collection[int]) -> These:
        """The messages with these numbers, one at least.

        Raises:
            IndexError: there is no such number.
            StoreUnavailable: it cannot be asked.
        """
        low, high = min(numbers), max(numbers)
        self._must_exist(low)
        self._must_exist(high)
        await self._place()
        if isinstance(numbers, range) and numbers.step == 1:
            first, last = self._seq(low), self._seq(high)
            if last - first == high - low:
                return These(first, last, None)
        return These.of([self._seq(number) for number in numbers])

    def moved_on(self) -> StoreUnavailable:
        """The listing is not the one that was opened."""
        user = self._lease.identity.user
        return StoreUnavailable(
            f"the listing of {user} in database {self._tables.name} has changed during a session: "
            "its lock was taken away, it was repaired, or its counters are wrong "
            f"(see: pillarbox maildrop check {user})",
            temporary=True,
        )

    async def _ask(self, query: str, which: These) -> Sequence[tuple[int, str]]:
        lease = self._lease
        where = lease.identity.user, lease.maildrop_id
        return await self._tables.ask(query, *where, *which.values)

    def _must_be_pages(self, first: int, last: int) -> bool:
        """Whether there is anything from *first* to *last*."""
        if first > last:
            return False
        self._must_exist(first)
        self._must_exist(last)
        return True

    def _must_exist(self, number: int) -> None:
        if not 1 <= number <= self._lease.count:
            raise IndexError(f"no message {number} among {self._lease.count}")

    def _seq(self, number: int) -> int:
        if self._offset is not None:
            return self._offset + number
        assert self._seqs is not None  # noqa: S101 -- _place sets one of the two
        return self._seqs[number - 1]

    async def _place(self) -> None:
        """Find out how numbers and sequence numbers belong together."""
        if self._offset is not None or self._seqs is not None:
            return
        lease = self._lease
        user, view = lease.identity
        if lease.next_seq - lease.since == lease.count:  # as many numbers as messages
            self._offset = lease.since - 1
            return
        if lease.in_maildrop == lease.count:
            ((first, last),) = await self._tables.ask(_ENDS, user, lease.next_seq)
            if first is not None and last - first + 1 == lease.count:
                self._offset = first - 1
                return
        ((seqs,),) = await self._tables.ask(_SEQS, user, view, lease.next_seq)
        if len(seqs or ()) != lease.count:
            raise self.moved_on()
        self._seqs = array("q", seqs)


def _some(text: str, first: int, last: int) -> list[str]:
    return text.split(" ")[first - 1 : last]
