"""The connections of one process, handed on from statement to statement.

asyncpg's pool makes and ends them. It takes a timer and a task each time that one goes in or out, though, which
costs us twice what the statement itself does; so one that has done its work well waits here for
the next, and goes back to the pool only when something was wrong with it, or it has waited for long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg

IDLE_SECONDS = 240.0
"""Connections that nobody has needed for so long are ended: what is between us and the database may have
forgotten them, which many do after 350 seconds."""


class Connections:
    """Taken by one at a time; at most *most* at once, and the others wait for *patience* seconds."""

    def __init__(
        self,
        make_pool: Callable[[], Awaitable[asyncpg.Pool[Any]]],
        most: int,
        patience: float,
        making: float,
    ) -> None:
        """*make_pool* is called when the first one is needed; it has room for *most*, and makes one in
        *making* seconds.
        """
        self._make_pool = make_pool
        self._pool: asyncpg.Pool[Any] | None = None
        self._making = asyncio.Lock()
        self._most = most
        self._patience = patience
        self._making_seconds = making
        self.is_closed = False
        self._turns = asyncio.Semaphore(most)
        self._waiting: deque[tuple[Any, float]] = deque()
        """Connections, and since when: who has come last goes first, so that few are in use."""

    async def take(self) -> Any:
        """One that works, as far as can be seen; to be given back, or given up.

        Raises:
            TimeoutError: all are in use for too long.
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: there is none, and none can be made.
        """
        if self._turns.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._turns.acquire()
            except TimeoutError:
                raise TimeoutError(
                    f"all {self._most} connections of this process (store.connections) have been in use for "
                    f"{self._patience:g} seconds"
                ) from None
        else:
            await self._turns.acquire()
        try:
            return await self._one()
        except BaseException:
            self._turns.release()
            raise

    def give_back(self, connection: Any) -> None:
        """It has done its work, and nothing is left of it."""
        self._waiting.append((connection, time.monotonic()))
        self._turns.release()

    async def give_up(self, connection: Any, *, patience: float) -> None:
        """Something has gone wrong with it, or may have: the pool sees to it, in so many seconds."""
        try:
            await self._return(connection, patience)
        finally:
            self._turns.release()

    def close(self) -> None:
        """End all, at once, also those that are in use."""
        self.is_closed = True
        self._waiting.clear()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _one(self) -> Any:
        too_old = time.monotonic() - IDLE_SECONDS
        while self._waiting:
            connection, since = self._waiting[0]
            if since > too_old:
                connection, _ = self._waiting.pop()
                if _is_open(connection):
                    return connection
            else:
                self._waiting.popleft()
            end(connection)
            await self._return(connection, self._patience)
        pool = await self._made()
        return await pool.acquire(timeout=self._making_seconds)

    async def _made(self) -> asyncpg.Pool[Any]:
        async with self._making:
            if self.is_closed:
                raise asyncpg.InterfaceError("its connections have been closed")
            if self._pool is None:
                self._pool = await self._make_pool()
            return self._pool

    async def _return(self, connection: Any, patience: float) -> None:
        if self._pool is not None:
            with suppress(OSError, TimeoutError, asyncpg.InterfaceError):
                await self._pool.release(connection, timeout=patience)


def end(connection: Any) -> None:
    """End it, at once: to close it would be to wait for a server that may be away."""
    with suppress(asyncpg.InterfaceError):  # the pool has taken it back, as it is broken
        connection.terminate()


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back, as the server has closed it
        return False
