"""Deliveries of one process to one maildrop come one after the other.

They all change one row: of many at once, all but one would be told by the database to begin again. So they
wait here, in their order, and only processes get in each other's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Whose turn it is, by maildrop."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, user: str) -> AsyncIterator[None]:
        """A turn at the maildrop of *user*."""
        lock, waiting = self._queues.get(user) or (asyncio.Lock(), 0)
        self._queues[user] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._queues[user]
            if waiting > 1:
                self._queues[user] = lock, waiting - 1
            else:
                del self._queues[user]
