"""Who comes to the hash next: a line that a storm cannot fill.

Hashes are what a sign-in costs, and there are only so many a second. Addresses take turns at
guessing (:mod:`pillarbox.auth.address_throttle`), so that one has one hash in this line at a time; but a
thousand addresses have a thousand, and somebody with a new phone must not stand behind them.
So the line has three classes (:class:`~pillarbox.auth.applicant.Rank`): those that are known, those
against whose address nothing is held, and the rest. The first class goes first; but one that has been
passed over three times in a row is next, so that the rest is slowed and not starved. Within a
class the networks take turns: a webmail on this machine, behind which many names are tried at
once, is one of them.

When the line is full, the newest of the last class is sent away for one of a better class.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pillarbox.auth.applicant import Rank
from pillarbox.contracts.errors import TooManyAttempts

MAX_HASHES_WAITING = 1000
"""Hashes in line, those being computed included; at 20 ms each the last one waits ten seconds.
Beyond, "try later" is a better answer than a client's time-out."""

PASSED_OVER = 3
"""Hashes of better classes between two of a class that waits."""

T = TypeVar("T")
_Turn = asyncio.Future[None]


class HashLine:
    """Runs hashes on *parallel* threads. For one event loop."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="argon2")
        self._running = 0
        self._in_line = 0
        self._classes = tuple(_Class() for _ in Rank)

    def __len__(self) -> int:
        """Hashes in line, those being computed included."""
        return self._running + self._in_line

    async def run(self, rank: Rank, network: str, work: Callable[[], T]) -> T:
        """The result of *work*, computed on a thread when it is its turn.

        Who leaves while it is being computed leaves it to its end: the thread is not free before.

        Raises:
            TooManyAttempts: the line is too long for *rank*.
        """
        await self._turn(rank, network)
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._pool, work)
        except BaseException:
            self._over()
            raise
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def close(self) -> None:
        """End the threads, after the hashes being computed; who is in line never has a turn."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _turn(self, rank: Rank, network: str) -> None:
        if self._running < self._parallel:
            self._running += 1
            return
        if len(self) >= MAX_HASHES_WAITING and not self._sent_away_for(rank):
            raise TooManyAttempts(f"{MAX_HASHES_WAITING} sign-ins wait for a hash already")
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._classes[rank].add(network, turn)
        self._in_line += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._in_line -= self._classes[rank].remove(network, turn)
            elif turn.exception() is None:  # called up at the very moment of leaving
                self._over()
            raise

    def _sent_away_for(self, rank: Rank) -> bool:
        """Whether somebody of a worse class has made room."""
        for worse in reversed(self._classes[rank + 1 :]):
            if worse:
                self._in_line -= 1
                turn = worse.newest()
                if not turn.done():  # else it is leaving by itself
                    turn.set_exception(TooManyAttempts("others come to their hashes first"))
                return True
        return False

    def _done(self, running: asyncio.Future[T]) -> None:
        if not running.cancelled():
            running.exception()  # seen, also when nobody waits for it any more
        self._over()

    def _over(self) -> None:
        """A thread is free: call up the next."""
        while waiting := [one for one in self._classes if one]:
            overdue = (one for one in reversed(waiting) if one.passed_over >= PASSED_OVER)
            chosen = next(overdue, waiting[0])
            self._in_line -= 1
            turn = chosen.next()
            if turn.done():  # cancelled: it is leaving, and has not come to say so
                continue
            for one in waiting:
                one.passed_over = 0 if one is chosen else one.passed_over + 1
            turn.set_result(None)
            return
        self._running -= 1


class _Class:
    """Those of one rank, by network; the networks take turns."""

    __slots__ = ("_networks", "passed_over")

    def __init__(self) -> None:
        self._networks: OrderedDict[str, deque[_Turn]] = OrderedDict()
        self.passed_over = 0
        """Turns of others since somebody of this class had one or began to wait."""

    def __bool__(self) -> bool:
        return bool(self._networks)

    def add(self, network: str, turn: _Turn) -> None:
        if not self._networks:
            self.passed_over = 0
        self._networks.setdefault(network, deque()).append(turn)

    def remove(self, network: str, turn: _Turn) -> bool:
        """Whether it was still there."""
        turns = self._networks.get(network, deque())
        if turn not in turns:
            return False
        turns.remove(turn)
        if not turns:
            del self._networks[network]
        return True

    def next(self) -> _Turn:
        network, turns = self._networks.popitem(last=False)
        turn = turns.popleft()
        if turns:
            self._networks[network] = turns
        return turn

    def newest(self) -> _Turn:
        """Taken from the network whose turn comes last."""
        network = next(reversed(self._networks))
        turns = self._networks[network]
        turn = turns.pop()
        if not turns:
            del self._networks[network]
        return turn
