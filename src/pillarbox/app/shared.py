"""Memory that the processes share: who is alive, and who is connected from where.

One anonymous map, made before the first fork, cut into columns. A process writes only
into its own column and anybody reads all of them (what throttling shares is in
:mod:`.shared_times`), so there are no locks to die with their holder; the supervisor wipes the column of a process that has ended. Two workers that ask
at the very same moment may both be let in: a limit can be passed by as many connections
as there are workers, less one.

Connections per address are counted in two rows of hashed cells (a count-min sketch): an
address has one cell in each row, and the smaller of the two sums is its count, never too
small. It is too large only if other addresses fill both cells, which nobody can arrange,
since the hash has a secret key. An IPv6 client owns a whole /64, so that is what counts
as its address.

::

    page 0      restarts, columns ever used, leaving
    column 0    state pid generation connections  heartbeat  row row
    column 1    …
"""

from __future__ import annotations

import enum
import hashlib
import mmap
import os
import time
from collections.abc import Iterator

from pillarbox.app.shared_times import SharedTimes
from pillarbox.auth.throttle import SharedMemory
from pillarbox.peers import KNOWN_PEERS, UNIX, Networks, network_of

# Columns for all generations that are still draining, beside the one that serves. The map
# is sparse: a column that was never used takes no memory.
COLUMNS = 256
CELLS = 1 << 14
ROWS = 2

# Four addresses that guess at the same time, and eight networks from which one account or another
# has signed in lately, have a place in each: 256 KiB and 1 MiB, where they are used.
ADDRESS_SETS = 1 << 12
FAMILIAR_SETS = 1 << 14

_WORD = 4
_PAGE = mmap.PAGESIZE
_HEAD = _PAGE // _WORD
_RESTARTS, _USED, _LEAVING = range(3)
_STATE, _PID, _GENERATION, _CONNECTIONS = range(4)
_BEAT = 2  # in eight-byte units from the column's start: after the four words
_CELLS = 16
_COLUMN = (_CELLS + ROWS * CELLS) * _WORD
_COLUMN_BYTES = -(-_COLUMN // _PAGE) * _PAGE
_COLUMN_WORDS = _COLUMN_BYTES // _WORD


class State(enum.IntEnum):
    """What a process is doing."""

    FREE = 0
    STARTING = 1
    READY = 2
    DRAINING = 3


class SharedTable:
    """The map as a whole. The supervisor makes it; children inherit it."""

    def __init__(self, columns: int = COLUMNS) -> None:
        self._map = mmap.mmap(-1, _PAGE + columns * _COLUMN_BYTES)
        view = memoryview(self._map)
        self.words = view.cast("I")
        self.doubles = view.cast("d")
        self._secret = os.urandom(16)
        self.throttling = SharedMemory(
            addresses=SharedTimes(ADDRESS_SETS), familiar=SharedTimes(FAMILIAR_SETS)
        )
        self._cells: dict[str, tuple[int, int]] = {}  # looked up before, up to KNOWN_PEERS
        self.columns = tuple(Column(self, number) for number in range(columns))

    @property
    def restarts(self) -> int:
        """How many workers have been replaced after dying."""
        return self.words[_RESTARTS]

    def count_restart(self) -> None:
        self.words[_RESTARTS] += 1

    @property
    def is_leaving(self) -> bool:
        """Whether the server has been told to end, though it may accept for a while yet."""
        return bool(self.words[_LEAVING])

    def leave(self) -> None:
        self.words[_LEAVING] = 1

    def take(self, generation: int) -> Column | None:
        """A free column, marked STARTING; None when all are taken."""
        for column in self.columns:
            if column.state is State.FREE:
                self.words[_USED] = max(self.words[_USED], column.number + 1)
                column.begin(generation)
                return column
        return None

    def used(self) -> Iterator[Column]:
        """The columns that some process has."""
        known = self.columns[: self.words[_USED]]
        return (column for column in known if column.state is not State.FREE)

    def cells(self, address: str) -> tuple[int, int]:
        """Where *address* is counted: its place in each row, from a column's start."""
        found = self._cells.get(address)
        if found is None:
            if len(self._cells) >= KNOWN_PEERS:
                self._cells.clear()
            found = self._cells[address] = self._cells_of(address)
        return found

    def _cells_of(self, address: str) -> tuple[int, int]:
        digest = hashlib.blake2b(address.encode(errors="replace"), digest_size=8, key=self._secret)
        number = int.from_bytes(digest.digest(), "big")
        return _CELLS + number % CELLS, _CELLS + CELLS + (number >> 32) % CELLS

    def wipe(self, column: Column) -> None:
        """Forget what a process that has ended wrote."""
        start = column.first * _WORD
        self._map[start : start + _COLUMN_BYTES] = bytes(_COLUMN_BYTES)


class Column:
    """What one process says of itself."""

    __slots__ = ("_table", "first", "number")

    def __init__(self, table: SharedTable, number: int) -> None:
        self._table = table
        self.number = number
        self.first = _HEAD + number * _COLUMN_WORDS

    def begin(self, generation: int) -> None:
        self._table.words[self.first + _GENERATION] = generation
        self.state = State.STARTING
        self.beat()

    @property
    def state(self) -> State:
        return State(self._table.words[self.first + _STATE])

    @state.setter
    def state(self, state: State) -> None:
        self._table.words[self.first + _STATE] = state

    @property
    def pid(self) -> int:
        return self._table.words[self.first + _PID]

    @pid.setter
    def pid(self, pid: int) -> None:
        self._table.words[self.first + _PID] = pid

    @property
    def generation(self) -> int:
        return self._table.words[self.first + _GENERATION]

    @property
    def connections(self) -> int:
        """Connections that are open in this process."""
        return self._table.words[self.first + _CONNECTIONS]

    def beat(self) -> None:
        """Say that this process is alive and not stuck."""
        self._table.doubles[self.first // 2 + _BEAT] = time.monotonic()

    def silence(self) -> float:
        """Seconds since the last beat (the clock is the same in all processes)."""
        return time.monotonic() - self._table.doubles[self.first // 2 + _BEAT]


class SharedTally:
    """Counts connections over all workers (an ``AddressTally`` of ``server.limits``)."""

    def __init__(
        self,
        table: SharedTable,
        column: Column,
        *,
        total: int,
        per_address: int,
        unlimited: Networks | None = None,
    ) -> None:
        self._table = table
        self._column = column.first
        self._total = total
        self._per_address = per_address
        self._unlimited = unlimited or Networks()

    def enter(self, address: str) -> bool:
        """Count one connection from *address*; False when a limit is reached."""
        words = self._table.words
        one, two = self._table.cells(network_of(address))
        total = first = second = 0
        # All columns up to the last that was ever used; a free one holds zeros.
        for at in range(_HEAD, _HEAD + words[_USED] * _COLUMN_WORDS, _COLUMN_WORDS):
            total += words[at + _CONNECTIONS]
            first += words[at + one]
            second += words[at + two]
        if total >= self._total:
            return False
        # Connections over a socket file have no address to be limited by.
        if (
            min(first, second) >= self._per_address
            and address != UNIX
            and address not in self._unlimited
        ):
            return False
        for word in (_CONNECTIONS, one, two):
            words[self._column + word] += 1
        return True

    def leave(self, address: str) -> None:
        """The connection that :meth:`enter` counted has ended."""
        words = self._table.words
        for word in (_CONNECTIONS, *self._table.cells(network_of(address))):
            words[self._column + word] -= 1
