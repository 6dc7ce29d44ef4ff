"""All accounts side by side; what happens to one is nothing to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from pillarbox.fetch.intake import finished
from pillarbox.fetch.limits import AT_ONCE
from pillarbox.fetch.several import run_one
from pillarbox.reader.collecting.keeper import Keeper, Means, Run
from pillarbox.reader.contracts import Accounts, Clock, Library
from pillarbox.reader.model import Settings, Status
from pillarbox.reader.news import AccountChanged, News


def _nobody(_account: str) -> None:
    """For who does not want to know."""


class AccountCollector:
    """See :class:`pillarbox.reader.contracts.Collector`."""

    def __init__(
        self,
        accounts: Accounts,
        library: Library,
        news: News,
        settings: Settings,
        clock: Clock,
        *,
        reached: Callable[[str], None] = _nobody,
        run: Run = run_one,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Begins nothing yet.

        Args:
            accounts: whose mail is collected.
            library: where it goes.
            news: who is told.
            settings: have the interval; looked at before each pause.
            clock: tells the time.
            reached: called with an account's name when its server can be reached again; on the event loop.
            run: collects one account once.
            sleep: waits for so many seconds.
        """
        self._accounts = accounts
        self._news = news
        self._means = Means(
            accounts=accounts,
            library=library,
            settings=settings,
            clock=clock,
            places=asyncio.Semaphore(AT_ONCE),
            run=run,
            sleep=sleep,
            tell=lambda status: news.tell(AccountChanged(status.account, status)),
            reached=reached,
        )
        self._keepers: dict[str, Keeper] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._resting: set[str] = set()
        self._rests: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changed = asyncio.Event()

    def statuses(self) -> Sequence[Status]:
        """In the order of the accounts. A snapshot; also from other threads."""
        return tuple(keeper.status for keeper in tuple(self._keepers.values()))

    def collect(self, account: str | None = None) -> None:
        """Now: this one, or all; those that run already are left alone."""
        for name, keeper in self._keepers.items():
            if account in {None, name}:
                keeper.collect()

    def confirm(self, account: str) -> None:
        """The user says yes to what was asked; collects now."""
        if account in self._keepers:
            self._keepers[account].confirm()

    def refresh(self) -> None:
        """Accounts have come, gone or changed."""
        for keeper in self._keepers.values():
            keeper.changed()
        self._changed.set()

    @asynccontextmanager
    async def resting(self, account: str) -> AsyncIterator[None]:
        """Nobody collects *account* meanwhile, and its journal is free. Then it begins anew, as its settings are then.

        One rest at a time: the end of one would have it collected in the middle of the other.
        """
        lock = self._rests.setdefault(account, asyncio.Lock())
        async with lock:
            self._resting.add(account)
            try:
                if (task := self._tasks.pop(account, None)) is not None:
                    task.cancel()
                    await asyncio.wait({task})
                yield
            finally:
                self._resting.discard(account)
                if account in self._keepers:
                    self._keepers[account] = Keeper(account, self._means)
                self._changed.set()

    async def run(self) -> None:
        """Collect on a schedule, until cancelled: then what has come whole is stored first."""
        loop = asyncio.get_running_loop()
        self._tasks.clear()  # they ended with the last run, if a defect has ended that
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                names = await finished(loop.run_in_executor(None, self._accounts.names))
                self._sort_out(names, group)
                await self._changed.wait()

    def _sort_out(self, names: Sequence[str], group: asyncio.TaskGroup) -> None:
        """Begin with those that have come, leave those that have gone."""
        for gone in self._keepers.keys() - set(names):
            if (task := self._tasks.pop(gone, None)) is not None:
                task.cancel()
            del self._keepers[gone]
            self._news.tell(AccountChanged(gone, None))
        before, self._keepers = self._keepers, {}
        for name in names:
            keeper = before.get(name) or Keeper(name, self._means)
            self._keepers[name] = keeper
            if name not in self._tasks and name not in self._resting:
                self._tasks[name] = group.create_task(keeper.keep_on(), name=f"collect {name}")
