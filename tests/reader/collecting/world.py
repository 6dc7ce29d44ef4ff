"""A collector with accounts and a library made for the test, and somebody who listens to the news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.several import run_one
from pillarbox.reader.collecting.collector import AccountCollector
from pillarbox.reader.collecting.keeper import Run
from pillarbox.reader.contracts import Accounts, Library
from pillarbox.reader.model import Collecting, Folder, Identity, Settings, Status
from pillarbox.reader.news import AccountChanged, News, Subscription
from pillarbox.reader.submission import Submission

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shelf:
    """What a collector needs of a library: folders, and somebody who looks into them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seen: dict[Folder, set[str]] = {}
        self.looks = 0
        self.error: PillarboxError | None = None

    def folder_of(self, account: str) -> Path:
        return self._folder / "Inbox" / account

    def look(self, folders: list[Folder]) -> int:
        self.looks += 1
        if self.error is not None:
            raise self.error
        for folder in folders:
            path = self._folder / folder
            self.seen[folder] = {file.name for file in path.glob("new/*")}
        return 0


class Book:
    """Accounts, each as the test has made it; an error is raised instead."""

    def __init__(self, folder: Path) -> None:
        self.by_name: dict[str, Account | PillarboxError] = {}
        self.state = folder / "state"

    def names(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    def identity(self, account: str) -> Identity:
        return Identity(account, f"{account}@example.org")

    def problem(self, account: str) -> str:
        del account
        return ""

    def to_collect(self, account: str, into: Path) -> Account:
        found = self.by_name[account]
        if isinstance(found, PillarboxError):
            raise found
        return found._replace(target=parse_destination(f"maildir:{into}"))

    def to_submit(self, account: str) -> Submission:
        raise AssertionError(account)


def account(name: str, **changes: Any) -> Account:
    endpoint = Endpoint("127.0.0.1", 1, Security.CLEARTEXT, name)
    made = Account(name, endpoint, parse_destination("maildir:unused"), password="secret")
    return made._replace(**changes)


class Sleeper:
    """Time that passes when the test says so, or at once (``free``)."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []
        self.wake = asyncio.Event()
        self.asleep = asyncio.Event()

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep.set()
        await self.wake.wait()
        self.wake.clear()
        self.now += timedelta(seconds=seconds)


class World:
    """See the module."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.shelf, self.book, self.time = Shelf(folder), Book(folder), Sleeper()
        self.news, self.settings = News(), Settings()
        self.reached: list[str] = []
        self.told: list[AccountChanged] = []
        self.collector = AccountCollector(
            cast("Accounts", self.book),
            cast("Library", self.shelf),
            self.news,
            self.settings,
            self.time.clock,
            reached=self.reached.append,
            run=run,
            sleep=self.time.sleep,
        )
        self.heard: Subscription

    async def until(self, wanted: Callable[[AccountChanged], bool]) -> AccountChanged:
        """The first news from now on that is *wanted*."""
        while item := await self.heard.next():
            assert isinstance(item, AccountChanged)
            self.told.append(item)
            if wanted(item):
                return item
        raise AssertionError("there were no such news")

    async def until_state(self, name: str, state: Collecting) -> Status:
        item = await self.until(
            lambda item: (
                item.account == name and item.status is not None and item.status.state is state
            )
        )
        assert item.status is not None
        return item.status


@asynccontextmanager
async def collecting(folder: Path, run: Run = run_one, **accounts: Any) -> AsyncIterator[World]:
    """A collector at work for *accounts*."""
    world = World(folder, run)
    world.book.by_name.update(accounts)
    with world.news.listening() as world.heard:
        task = asyncio.create_task(world.collector.run())
        try:
            yield world
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
