"""Making guessing slow, for the address that guesses, and locking nobody out.

Failures of one address make each further check for it wait: half a second, one, two, up to
fifteen. The wait comes *before* the check and is the same whatever the outcome, so its length
tells nothing about the credentials. One failure is forgiven each minute.

Checks for one address take turns, so that a hundred connections have no more of them than one.
Each counts as a failure from the moment its turn begins until it has proved right: hanging up
early is no way round.

Whoever shares an address with somebody who guesses (an office behind one IPv4 address, the
users of a webmail) must get in all the same:

* The line is short: nobody stands in it for longer than 45 seconds, since clients give up after
  a minute. Whom there is no place for is *crowded out*: told to come again, after the delay, and
  not that the password is wrong, which nobody has looked at.
* Before the line comes a *look*: the authenticator compares the password with those that it has
  proved before, and a right one passes at once, whatever is held against the address. A look is
  also an answer to a guess, so looks are rationed: as many as a hundred connections could have
  if each waited out the longest delay, some seven a second. Clients that wait for their answers
  cannot use that up; one that hangs up and guesses on can, and then the look comes after the
  delay, or the check at its turn. Looks that find something are not counted. Giving up after a
  look that found nothing counts as a failure.

So a password that is known here is accepted at once, and under a flood of connections within 45
seconds; one that is not known here yet competes with the guesses for a place in line. Guesses
are answered four a minute; those at a password that is known here, at most some thirteen a second,
for which the guesser has to keep a hundred connections busy.

Who is "one address"? See :func:`pillarbox.peers.network_of`. But a peer on this machine
(loopback, ``unix``) is most likely a webmail or a proxy that speaks for many people: slowing it
down as a whole would let one of them hinder all the others, and not slowing it at all would make
it the way to guess. There, failures count for each *name* that is tried, known or not.

The table is bounded; when it is full, whoever tried longest ago is forgotten first. Each
worker process has a table of its own, so an address that spreads its connections over all
workers guesses as many times faster.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from pillarbox.auth.line import Line
from pillarbox.peers import is_loopback, network_of

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


class Attempt:
    """One attempt whose turn it is. A failure unless :meth:`forgive` is called."""

    __slots__ = ("crowded_out", "failed")

    def __init__(self, *, crowded_out: bool = False) -> None:
        self.crowded_out = crowded_out
        """There was no place in line, and the delay is over: no check."""
        self.failed = True

    def forgive(self) -> None:
        """Count no failure: the credentials were right, or could not be checked."""
        self.failed = False


class _Peer:
    """What is known of one address."""

    __slots__ = ("failures", "line", "looked_at", "looks", "present", "since")

    def __init__(self, now: float, places: Callable[[_Peer], int]) -> None:
        self.failures = 0
        self.since = now
        """When the last failure was counted or forgiven."""
        self.line = Line(lambda: places(self))
        self.present = 0
        """Attempts in line, in progress, or on their way out."""
        self.looks = float(LOOKS)
        self.looked_at = now
        """When *looks* was right."""


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
        now = self._clock()
        regained = (now - peer.looked_at) * LOOKS / LONGEST_DELAY_SECONDS
        peer.looks = min(float(LOOKS), peer.looks + regained)
        peer.looked_at = now
        if peer.looks < 1:
            return False
        peer.looks -= 1
        return True

    def found(self, key: str) -> None:
        """The look was no guess: it does not count."""
        if peer := self._peers.get(key):
            peer.looks = min(float(LOOKS), peer.looks + 1)

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
        peer = self._peers[key] = _Peer(self._clock(), self._places)
        return peer

    def _tidy(self, key: str, peer: _Peer) -> None:
        if not peer.present and not self._failures(peer):
            self._peers.pop(key, None)


def key_of(peer: str, name: str | None) -> str:
    """What failures of *peer*, who tried *name*, count against.

    *name* is normalised, so that no spelling of it counts apart; None: it can be nobody's.
    """
    return f"local {name or ''}" if is_loopback(peer) else network_of(peer)
