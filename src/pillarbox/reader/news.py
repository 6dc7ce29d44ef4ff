"""What open pages are told while they are open.

A page has whatever it shows from the library; news only say what is worth another look. Nobody waits for
a page: one that does not listen for long misses news, and is told that it has (``Lagging``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pillarbox.reader.model import Folder, Status

MAX_WAITING = 256
"""News that wait for one page; then the oldest go, and it is told to look at everything again."""


@dataclass(frozen=True, slots=True)
class MailChanged:
    """Messages came, went, or are marked otherwise, in these folders."""

    folders: frozenset[Folder]
    arrived: int = 0
    """Of these, new ones."""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """What an account is doing. *status* None: it is gone."""

    account: str
    status: Status | None


@dataclass(frozen=True, slots=True)
class OutboxChanged:
    """Something came, went or waits for something else."""


@dataclass(frozen=True, slots=True)
class DraftsChanged:
    """A draft came, or went."""


@dataclass(frozen=True, slots=True)
class DraftSaved:
    """Somebody has typed in a draft, on some page of it."""

    draft: str
    version: int


@dataclass(frozen=True, slots=True)
class Lagging:
    """Some news were lost: anything may have happened."""


Item = MailChanged | AccountChanged | OutboxChanged | DraftsChanged | DraftSaved | Lagging


class Subscription:
    """The news for one listener, from the moment of subscribing. Ends when :meth:`News.close` is called."""

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._waiting: deque[Item] = deque()
        self._limit = limit
        self._there = asyncio.Event()
        self._over = False

    def add(self, item: Item) -> None:
        """On the event loop."""
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            item = Lagging()
        self._waiting.append(item)
        self._there.set()

    def end(self) -> None:
        """On the event loop: no more will come."""
        self._over = True
        self._there.set()

    async def next(self) -> Item | None:
        """The next one, once it is there; None: there will be none. Cancelling loses nothing."""
        while not self._waiting:
            if self._over:
                return None
            self._there.clear()
            await self._there.wait()
        return self._waiting.popleft()

    async def __aiter__(self) -> AsyncIterator[Item]:
        while (item := await self.next()) is not None:
            yield item


class News:
    """Made on the event loop whose pages it serves; told from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners: set[Subscription] = set()
        self._over = False
        self.told = 0
        """How many news there were. A page keeps the number from before it looked at anything: if it is another one
        when the page begins to listen, it has missed something.
        """

    def tell(self, item: Item) -> None:
        """From any thread; never waits, and never fails."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens
            self._loop.call_soon_threadsafe(self._spread, item)

    @contextmanager
    def listening(self) -> Iterator[Subscription]:
        """On the event loop: the news for one page, until the block is left."""
        subscription = Subscription()
        if self._over:
            subscription.end()
        self._listeners.add(subscription)
        try:
            yield subscription
        finally:
            self._listeners.discard(subscription)

    def close(self) -> None:
        """On the event loop: end all subscriptions, also those to come, so that no open page holds the
        server back.
        """
        self._over = True
        for listener in self._listeners:
            listener.end()

    def _spread(self, item: Item) -> None:
        self.told += 1
        for listener in tuple(self._listeners):
            listener.add(item)
