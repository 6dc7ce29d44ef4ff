"""Slowing down the address that guesses: :mod:`pillarbox.auth.throttle` tells the whole story.

The table is bounded; when it is full, whoever tried longest ago is forgotten first.

Processes that share memory (:mod:`pillarbox.auth.times`) note there what is held against an address and until
when it waits. So its attempts take turns over all of them: one whose turn it is here waits for those that were noted
before, then for its own delay; and is crowded out when that would take too long.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from pillarbox.auth.attempt import Attempt
from pillarbox.auth.line import Line
from pillarbox.auth.ration import Ration
from pillarbox.auth.times import Times
from pillarbox.contracts.meter import Meter, NullMeter

FIRST_DELAY_SECONDS = 0.5
"""After one failure: a typing error is hardly noticed."""

LONGEST_DELAY_SECONDS = 15.0
"""Four guesses a minute; well below the minute after which clients give up."""

LONGEST_WAIT_SECONDS = 45.0
"""In line, all delays of those in front included: three of the longest."""

FORGIVE_SECONDS = 60.0
"""One failure is forgotten after each. A client that polls every minute with an old
password therefore stays at the short delays and does not slow its neighbours much."""

MAX_FAILURES = 10
"""More are not counted, so that everything is forgiven after ten quiet minutes."""

MAX_PEERS = 10_000
"""Entries of the table, some 1,600 bytes each."""

MAX_WAITING = 100
"""Attempts of one address that may stand in line when each takes no longer than its hash: as many
as it may have connections by default (``connections_per_address``)."""

LOOKS = 100
"""Looks that an address has saved up at most; all are back after the longest delay."""

_ROUNDED_SECONDS = 0.01
"""Times in shared memory are a little off, and must not make two failures of one."""

_TURN = "turn"
_FORGIVEN = "forgiven"
"""Names in shared memory: until when an address waits; when the last failure is forgiven."""


class _Peer:
    """What is known of one address."""

    __slots__ = ("elsewhere", "failures", "key", "line", "looks", "present", "since")

    def __init__(
        self, key: str, clock: Callable[[], float], places: Callable[[_Peer], int]
    ) -> None:
        self.key = key
        self.failures = 0
        self.since = clock()
        """When the last failure was counted or forgiven."""
        self.line = Line(lambda: places(self))
        self.elsewhere = 0.0
        """Seconds that whose turn it is has to wait for turns in other processes."""
        self.present = 0
        """Attempts in line, in progress, or on their way out."""
        self.looks = Ration(LOOKS, LOOKS / LONGEST_DELAY_SECONDS, clock)


class AddressThrottle:
    """The delays of all addresses. For one event loop."""

    def __init__(
        self,
        *,
        peers: int = MAX_PEERS,
        waiting: int = MAX_WAITING,
        shared: Times | None = None,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._max_peers = peers
        self._max_waiting = waiting
        self._shared = shared
        self._meter = meter or NullMeter()
        self._clock = clock
        self._sleep = sleep
        self._peers: OrderedDict[str, _Peer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._peers)

    def is_calm(self, key: str) -> bool:
        """Nothing is held against *key* and nobody of it is in line."""
        peer = self._peers.get(key)
        return peer is None or (not peer.present and not self._failures(peer))

    def delay(self, key: str) -> float:
        """The seconds that an attempt of *key* would wait now, once it is its turn."""
        peer = self._peers.get(key)
        return 0.0 if peer is None else self._delay(peer)

    def may_look(self, key: str) -> bool:
        """Whether *key* has a look at once; takes it from the ration unless *key* is calm."""
        peer = self._peers.get(key)
        if peer is None or self.is_calm(key):
            return True
        return peer.looks.take()

    def found(self, key: str) -> None:
        """The look was no guess: it does not count."""
        if peer := self._peers.get(key):
            peer.looks.give_back()

    @asynccontextmanager
    async def attempt(self, key: str, *, looked: bool = True) -> AsyncIterator[Attempt]:
        """Wait for *key*'s turn and for its delay; then the body checks the credentials.

        Does not suspend when *key* is calm. *looked*: the attempt has had its look, so that to
        give it up counts as a failure.
        """
        peer = self._peers.get(key) or self._admit(key)
        peer.present += 1
        self._peers.move_to_end(key)
        came_at = self._clock()
        try:
            if await self._turn_of(peer, looked=looked):
                try:
                    if await self._delay_over(key, peer, came_at, looked=looked):
                        with self._counted(peer) as attempt:
                            yield attempt
                    else:
                        yield Attempt(crowded_out=True)
                finally:
                    peer.line.over()
            else:
                await self._wait(peer, self._delay(peer), looked=looked)
                yield Attempt(crowded_out=True)
        finally:
            peer.present -= 1
            self._tidy(key, peer)

    async def _turn_of(self, peer: _Peer, *, looked: bool) -> bool:
        with self._giving_up_counts(peer, looked=looked):
            return await peer.line.turn()

    async def _delay_over(self, key: str, peer: _Peer, came_at: float, *, looked: bool) -> bool:
        """Wait for turns in other processes and for the delay; False: there are too many."""
        delay = self._delay(peer)
        peer.elsewhere = 0.0
        if self._shared is not None:
            now = self._clock()
            waited = now - came_at
            peer.elsewhere = max(0.0, (self._shared.get(key, _TURN) or 0.0) - now)
            if peer.elsewhere and waited + peer.elsewhere + delay > LONGEST_WAIT_SECONDS:
                await self._wait(peer, max(0.0, delay - waited), looked=looked)
                return False
            if delay:
                self._shared.put(key, _TURN, now + peer.elsewhere + delay)
        await self._wait(peer, peer.elsewhere + delay, looked=looked)
        return True

    async def _wait(self, peer: _Peer, seconds: float, *, looked: bool) -> None:
        if seconds:
            self._meter.sign_in_delayed("address")
            with self._giving_up_counts(peer, looked=looked):
                await self._sleep(seconds)

    @contextmanager
    def _giving_up_counts(self, peer: _Peer, *, looked: bool) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            if looked:
                self._fail(peer)
            raise

    def _fail(self, peer: _Peer) -> None:
        peer.failures = min(self._own_failures(peer) + 1, MAX_FAILURES)
        peer.since = self._clock()
        self._tell(peer, FORGIVE_SECONDS)

    def _places(self, peer: _Peer) -> int:
        """In line, so that nobody stands there for too long."""
        delay = self._delay(peer) + peer.elsewhere
        most = self._max_waiting
        return min(most, int(LONGEST_WAIT_SECONDS / delay)) if delay else most

    @contextmanager
    def _counted(self, peer: _Peer) -> Iterator[Attempt]:
        """Count a failure now; take it back at the end when the attempt was forgiven."""
        before = self._own_failures(peer), peer.since
        self._fail(peer)
        after = peer.failures, peer.since
        attempt = Attempt()
        try:
            yield attempt
        finally:
            if not attempt.failed:
                self._tell(peer, -FORGIVE_SECONDS)
                if (peer.failures, peer.since) == after:
                    peer.failures, peer.since = before
                elif before[0] < MAX_FAILURES:  # somebody else has failed meanwhile
                    peer.failures = max(0, peer.failures - 1)

    def _failures(self, peer: _Peer) -> int:
        """What is still held against *peer*, here or in another process."""
        left = self._told(peer)
        minutes = math.ceil((left - _ROUNDED_SECONDS) / FORGIVE_SECONDS)
        elsewhere = min(max(0, minutes), MAX_FAILURES)
        return max(self._own_failures(peer), elsewhere)

    def _told(self, peer: _Peer) -> float:
        """In how many seconds the last of all failures of *peer* will be forgiven."""
        if self._shared is None:
            return 0.0
        return (self._shared.get(peer.key, _FORGIVEN) or 0.0) - self._clock()

    def _tell(self, peer: _Peer, seconds: float) -> None:
        """The other processes, that the last failure will be forgiven so much later."""
        if self._shared is not None:
            left = min(max(0.0, self._told(peer)) + seconds, MAX_FAILURES * FORGIVE_SECONDS)
            self._shared.put(peer.key, _FORGIVEN, self._clock() + left)

    def _own_failures(self, peer: _Peer) -> int:
        """What is held against it here, after forgiving what is old."""
        if peer.failures:
            minutes = int((self._clock() - peer.since) / FORGIVE_SECONDS)
            if minutes > 0:
                peer.failures = max(0, peer.failures - minutes)
                peer.since += minutes * FORGIVE_SECONDS
        return peer.failures

    def _delay(self, peer: _Peer) -> float:
        failures = self._failures(peer)
        if not failures:
            return 0.0
        return min(FIRST_DELAY_SECONDS * 2.0 ** (failures - 1), LONGEST_DELAY_SECONDS)

    def _admit(self, key: str) -> _Peer:
        """A new entry; makes room by forgetting whoever tried longest ago and is idle."""
        while len(self._peers) >= self._max_peers:
            idle = next((known for known, peer in self._peers.items() if not peer.present), None)
            if idle is None:  # all are connected: the server's limit of connections bounds it
                break
            del self._peers[idle]
        peer = self._peers[key] = _Peer(key, self._clock, self._places)
        return peer

    def _tidy(self, key: str, peer: _Peer) -> None:
        if not peer.present and not self._own_failures(peer):
            self._peers.pop(key, None)
