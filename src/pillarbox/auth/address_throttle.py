"""Slowing down the address that guesses: :mod:`pillarbox.auth.throttle` tells the whole story.

The table is bounded; when it is full, whoever tried longest ago is forgotten first.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from pillarbox.auth.attempt import Attempt
from pillarbox.auth.line import Line
from pillarbox.auth.ration import Ration
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
"""Entries of the table, some 700 bytes each."""

MAX_WAITING = 100
"""Attempts of one address that may stand in line when each takes no longer than its hash: as many
as it may have connections by default (``connections_per_address``)."""

LOOKS = 100
"""Looks that an address has saved up at most; all are back after the longest delay."""


class _Peer:
    """What is known of one address."""

    __slots__ = ("failures", "line", "looks", "present", "since")

    def __init__(self, clock: Callable[[], float], places: Callable[[_Peer], int]) -> None:
        self.failures = 0
        self.since = clock()
        """When the last failure was counted or forgiven."""
        self.line = Line(lambda: places(self))
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
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._max_peers = peers
        self._max_waiting = waiting
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
        try:
            if await self._turn_of(peer, looked=looked):
                try:
                    await self._wait(peer, looked=looked)
                    with self._counted(peer) as attempt:
                        yield attempt
                finally:
                    peer.line.over()
            else:
                await self._wait(peer, looked=looked)
                yield Attempt(crowded_out=True)
        finally:
            peer.present -= 1
            self._tidy(key, peer)

    async def _turn_of(self, peer: _Peer, *, looked: bool) -> bool:
        with self._giving_up_counts(peer, looked=looked):
            return await peer.line.turn()

    async def _wait(self, peer: _Peer, *, looked: bool) -> None:
        if delay := self._delay(peer):
            self._meter.sign_in_delayed("address")
            with self._giving_up_counts(peer, looked=looked):
                await self._sleep(delay)

    @contextmanager
    def _giving_up_counts(self, peer: _Peer, *, looked: bool) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            if looked:
                self._fail(peer)
            raise

    def _fail(self, peer: _Peer) -> None:
        peer.failures = min(self._failures(peer) + 1, MAX_FAILURES)
        peer.since = self._clock()

    def _places(self, peer: _Peer) -> int:
        """In line, so that nobody stands there for too long."""
        delay = self._delay(peer)
        most = self._max_waiting
        return min(most, int(LONGEST_WAIT_SECONDS / delay)) if delay else most

    @contextmanager
    def _counted(self, peer: _Peer) -> Iterator[Attempt]:
        """Count a failure now; take it back at the end when the attempt was forgiven."""
        before = self._failures(peer), peer.since
        self._fail(peer)
        after = peer.failures, peer.since
        attempt = Attempt()
        try:
            yield attempt
        finally:
            if not attempt.failed:
                if (peer.failures, peer.since) == after:
                    peer.failures, peer.since = before
                elif before[0] < MAX_FAILURES:  # somebody else has failed meanwhile
                    peer.failures = max(0, peer.failures - 1)

    def _failures(self, peer: _Peer) -> int:
        """What is still held against *peer*, after forgiving what is old."""
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
        peer = self._peers[key] = _Peer(self._clock, self._places)
        return peer

    def _tidy(self, key: str, peer: _Peer) -> None:
        if not peer.present and not self._failures(peer):
            self._peers.pop(key, None)
