"""Many clients at once, each on a thread of its own, and what came of it."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from bench.client import Client
from bench.cluster.mail import SEATS, Lot
from bench.cluster.places import NODES, Place
from bench.cluster.spent import CORES, Moment, now
from bench.figures import MICRO, MILLI
from bench.peers.contract import PASSWORD

_P99 = 0.99
_NEARLY_ALL = 0.9
_HEARD = 256 * 1024


class OwnClient(Client):
    """One that may be used beside others, in other threads: it compares in a place of its own."""

    def __init__(self, port: int, heard: bytearray) -> None:
        super().__init__(port)
        self._heard = heard


@dataclass(frozen=True)
class Seat:
    """One of the clients."""

    place: Place
    number: int
    heard: bytearray = field(default_factory=lambda: bytearray(_HEARD))

    @property
    def pop3(self) -> int:
        return self.place.pop3[self.number % len(self.place.pop3)]

    @property
    def lmtp(self) -> int:
        return self.place.lmtp[self.number % len(self.place.lmtp)]

    @contextmanager
    def session(self, user: str) -> Iterator[Client]:
        """A session, signed in; ends with QUIT."""
        with OwnClient(self.pop3, self.heard).meet() as client:
            client.sign_in(user, PASSWORD)
            yield client
            client.command(b"QUIT")


Operation = Callable[[], None]


@dataclass(frozen=True)
class Work:
    """Something that is done again and again."""

    name: str
    begin: Callable[[Seat], AbstractContextManager[Operation]]
    """What a client does before and after, around the operation that counts."""
    lot: Lot
    """Whose maildrops it takes."""
    seats: int = SEATS
    warm: int = 4
    """Operations of each client before it counts."""


@dataclass(frozen=True)
class Cost:
    """What a work has come to at one place."""

    work: str
    place: str
    nodes: int
    """Workers, of which each has a core at the most."""
    seats: int
    operations: int
    per_second: float
    median: float
    """Milliseconds of an operation; among so many at once."""
    p99: float
    cpu: Mapping[str, float]
    """Microseconds for each operation, by party."""
    idle: float
    """Cores that had nothing to do, or waited."""

    @property
    def scarce(self) -> str:
        """What there was no more of."""
        if self.idle < (1 - _NEARLY_ALL) * CORES:
            return "cores of the machine"
        if self.cpu[NODES] * self.per_second / MICRO > _NEARLY_ALL * self.nodes:
            return "cores of the nodes: one each"
        return "time: all wait for a disk or each other"


def drive(place: Place, work: Work, seconds: float) -> Cost:
    """Have *work* done at *place* for so long.

    Raises:
        AssertionError, OSError: a client was not answered as it should be.
    """
    turn = _Turn(place, work, seconds)
    threads = [threading.Thread(target=turn.sit, args=(n,)) for n in range(work.seats)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turn.cost()


class _Turn:
    """One work at one place."""

    def __init__(self, place: Place, work: Work, seconds: float) -> None:
        self._place = place
        self._work = work
        self._seconds = seconds
        self._until = 0.0
        self._moments: list[Moment] = []
        self._ready = threading.Barrier(work.seats, self._begin)
        self._done = threading.Barrier(work.seats, self._end)
        self._laps: list[Sequence[float]] = []
        self._failures: list[BaseException] = []

    def sit(self, number: int) -> None:
        """One client, from its first word to its last."""
        try:
            with self._work.begin(Seat(self._place, number)) as operation:
                for _ in range(self._work.warm):
                    operation()
                self._ready.wait()
                self._laps.append(self._repeated(operation))
                self._done.wait()
        except threading.BrokenBarrierError:
            pass  # somebody else has failed
        except BaseException as error:  # noqa: BLE001 -- for the thread that waits
            self._failures.append(error)
            self._ready.abort()
            self._done.abort()

    def cost(self) -> Cost:
        """When all have come to their ends."""
        if self._failures:
            raise self._failures[0]
        spent = self._moments[0].until(self._moments[1])
        laps = sorted(lap for each in self._laps for lap in each)
        count = len(laps)
        return Cost(
            work=self._work.name,
            place=self._place.name,
            nodes=len(self._place.pop3),
            seats=self._work.seats,
            operations=count,
            per_second=count / spent.at,
            median=statistics.median(laps) * MILLI,
            p99=laps[int(count * _P99)] * MILLI,
            cpu={party: cpu / count * MICRO for party, cpu in spent.cpu.items()},
            idle=spent.idle / spent.at,
        )

    def _repeated(self, operation: Operation) -> list[float]:
        laps: list[float] = []
        began = time.perf_counter()
        while began < self._until or not laps:
            operation()
            ended = time.perf_counter()
            laps.append(ended - began)
            began = ended
        return laps

    def _begin(self) -> None:
        self._moments.append(now(self._place.parties))
        self._until = time.perf_counter() + self._seconds

    def _end(self) -> None:
        self._moments.append(now(self._place.parties))
