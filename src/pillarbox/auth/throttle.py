"""Making guessing slow, for the address that guesses and for nobody else.

Failures of one address make each further attempt from it wait: half a second, one, two,
up to fifteen. The wait comes *before* the check and is the same whatever the outcome, so
its length tells nothing about the credentials. One failure is forgiven each minute. No
account is ever locked: that would hand its key to anyone who knows its name.

Attempts of one address take turns, so that a hundred connections guess no faster than one.
Each attempt counts as a failure from the moment its turn begins until it has proved right:
hanging up early is no way round. Only so many may stand in line; one more is refused
without a check, after the delay that it would have had anyway.

Who is "one address"?
    An IPv4 address; for IPv6 the /64, since a customer usually has all of one.

    A peer on this machine (loopback, ``unix``) is most likely a webmail or a proxy that
    speaks for many people: slowing it down as a whole would let one of them lock all the
    others out, and not slowing it at all would make it the way to guess. There, failures
    count for each *name* that is tried, known or not. The name's real owner is slowed by
    at most the longest delay, and only on that way in.

The table is bounded; when it is full, whoever tried longest ago is forgotten first. Each
worker process has a table of its own, so an address that spreads its connections over all
workers guesses as many times faster.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache

FIRST_DELAY_SECONDS = 0.5
"""After one failure: a typing error is hardly noticed."""

LONGEST_DELAY_SECONDS = 15.0
"""Four guesses a minute; well below the minute after which clients give up."""

FORGIVE_SECONDS = 60.0
"""One failure is forgotten after each. A client that polls every minute with an old
password therefore stays at the short delays and does not slow its neighbours much."""

MAX_FAILURES = 10
"""More are not counted, so that everything is forgiven after ten quiet minutes."""

MAX_PEERS = 10_000
"""Entries of the table, some 500 bytes each."""

MAX_WAITING = 100
"""Attempts of one address that may stand in line: as many as it may have connections by
default (``connections_per_address``)."""

_PEER_CHARACTERS = 64
"""Of a peer that is no address."""


class Attempt:
    """One attempt whose turn it is. A failure unless :meth:`forgive` is called."""

    __slots__ = ("crowded_out", "failed")

    def __init__(self, *, crowded_out: bool = False) -> None:
        self.crowded_out = crowded_out
        """There was no place in line: refuse without a check."""
        self.failed = True

    def forgive(self) -> None:
        """Count no failure: the credentials were right, or could not be checked."""
        self.failed = False


class _Peer:
    """What is known of one address."""

    __slots__ = ("failures", "since", "turn", "waiting")

    def __init__(self, now: float) -> None:
        self.failures = 0
        self.since = now
        """When the last failure was counted or forgiven."""
        self.turn = asyncio.Lock()
        self.waiting = 0
        """Attempts in line or in progress."""


class Throttle:
    """The delays of all addresses. For one event loop."""

    def __init__(
        self,
        *,
        peers: int = MAX_PEERS,
        waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._max_peers = peers
        self._max_waiting = waiting
        self._clock = clock
        self._sleep = sleep
        self._peers: OrderedDict[str, _Peer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._peers)

    def is_calm(self, key: str) -> bool:
        """Nothing is held against *key* and nobody of it is in line."""
        peer = self._peers.get(key)
        return peer is None or (not peer.waiting and not self._failures(peer))

    def delay(self, key: str) -> float:
        """The seconds that an attempt of *key* would wait now, once it is its turn."""
        peer = self._peers.get(key)
        return 0.0 if peer is None else self._delay(peer)

    @asynccontextmanager
    async def attempt(self, key: str) -> AsyncIterator[Attempt]:
        """Wait for *key*'s turn and for its delay; then the body checks the credentials.

        Does not suspend when *key* is calm.
        """
        peer = self._peers.get(key)
        if peer is None:
            peer = self._admit(key)
        if peer.waiting >= self._max_waiting:
            await self._sleep(self._delay(peer))
            yield Attempt(crowded_out=True)
            return
        peer.waiting += 1
        self._peers.move_to_end(key)
        try:
            async with peer.turn:
                if delay := self._delay(peer):
                    await self._sleep(delay)
                with self._counted(peer) as attempt:
                    yield attempt
        finally:
            peer.waiting -= 1
            self._tidy(key, peer)

    @contextmanager
    def _counted(self, peer: _Peer) -> Iterator[Attempt]:
        """Count a failure now; take it back at the end when the attempt was forgiven."""
        before = self._failures(peer), peer.since
        peer.failures = min(peer.failures + 1, MAX_FAILURES)
        peer.since = self._clock()
        attempt = Attempt()
        try:
            yield attempt
        finally:
            if not attempt.failed:
                peer.failures, peer.since = before

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
            idle = next((known for known, peer in self._peers.items() if not peer.waiting), None)
            if idle is None:  # all are connected: the server's limit of connections bounds it
                break
            del self._peers[idle]
        peer = self._peers[key] = _Peer(self._clock())
        return peer

    def _tidy(self, key: str, peer: _Peer) -> None:
        if not peer.waiting and not self._failures(peer):
            self._peers.pop(key, None)


def key_of(peer: str, name: str | None) -> str:
    """What failures of *peer*, who tried *name*, count against.

    *name* is normalised, so that no spelling of it counts apart; None: it can be nobody's.
    """
    group = _group(peer)
    return f"local {name or ''}" if group is None else group


@lru_cache(maxsize=4096)
def _group(peer: str) -> str | None:
    """The address or network that *peer* is one of; None: a peer on this machine."""
    if peer == "unix":
        return None
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return f"peer {peer[:_PEER_CHARACTERS]}"
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
