"""The database of a cluster as the place where accounts are kept, for commands: they wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pillarbox.auth.cluster.change import DatabaseChange
from pillarbox.auth.cluster.loop_thread import LoopThread
from pillarbox.auth.cluster.wording import can_be_there, numbered, told_to_operators
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.kept_secrets import ALL, INSERT, are_there, by_name, new_secrets, take_over
from pillarbox.auth.place import Change, Row, Rows, no_account
from pillarbox.database import Database, OutcomeUnknown, Transaction
from pillarbox.database_url import name_of

T = TypeVar("T")


class DatabasePlace:
    """A :class:`pillarbox.auth.place.Place`: connections of its own, on a thread of its own."""

    remedy = "check store.database"

    def __init__(self, url: str, *, create: bool = False) -> None:
        """*create*: a server that needs a secret first may make it."""
        self._url = url
        self._create = create
        self._thread = LoopThread()
        self._opening = threading.Lock()
        self._database: Database | None = None
        self._secrets: dict[str, bytes] = {}

    @property
    def name(self) -> str:
        """See :class:`pillarbox.auth.place.Place`."""
        return f"database {name_of(self._url)}"

    def is_lost(self) -> bool:
        """See :class:`pillarbox.auth.place.Place`: they are where the maildrops are."""
        return False

    def version(self) -> bytes | None:
        """See :class:`pillarbox.auth.place.Place`: any node may have changed something."""
        return None

    def read(self, statement: str, values: Row = ()) -> Rows:
        """See :class:`pillarbox.auth.place.Place`."""
        can_be_there(values)
        with told_to_operators(self.name):
            return self._thread.run(self._waited_for().fetch(numbered(statement), *values))

    def find(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """See :class:`pillarbox.auth.place.Place`; nothing is remembered."""
        return self.read(statement, values)

    async def ask(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """See :class:`pillarbox.auth.place.Place`. Here it keeps the event loop waiting, on which there
        is nobody else.
        """
        return self.find(statement, values)

    async def ask_secret(self, name: str) -> bytes:
        """See :class:`pillarbox.auth.place.Place`.

        Raises:
            AccountsUnavailable: there are none yet, and somebody else has to make the first account.
        """
        if not self._secrets:
            self._secrets = by_name(await self.ask(ALL, ()))
        if not self._secrets:
            if not self._create:
                raise AccountsUnavailable(no_account(self))
            await asyncio.to_thread(self.secret, name)
        return self._secrets[name]

    def secret(self, name: str) -> bytes:
        """See :class:`pillarbox.auth.place.Place`: of who is about to make something with it."""
        if not self._secrets:
            self._secrets = self._change(_made_sure)
        return self._secrets[name]

    def adopt(self, secrets: dict[str, bytes], *, dry_run: bool = False) -> None:
        """See :class:`pillarbox.auth.place.Place`; those that were made once stay for ever."""
        if self._secrets == secrets:
            return
        there = are_there(secrets, self.read, place=self.name, may_go=False)
        if not (there or dry_run):
            self._change(lambda change: take_over(change, secrets, place=self.name, may_go=False))
        if not dry_run:
            self._secrets = dict(secrets)

    def change(self, work: Callable[[Change], T]) -> T:
        """See :class:`pillarbox.auth.place.Place`. The first of all makes the secrets."""
        if not self._secrets:
            self._secrets = self._change(_made_sure)
        return self._change(work)

    def close(self) -> None:
        """See :class:`pillarbox.auth.place.Place`."""
        with self._opening:
            database, self._database = self._database, None
        if database is not None:
            self._thread.run(database.close())
        self._thread.close()

    def _change(self, work: Callable[[Change], T]) -> T:
        async def on_loop(transaction: Transaction) -> T:
            return await asyncio.to_thread(work, DatabaseChange(transaction, self._thread.run))

        with told_to_operators(self.name):
            try:
                return self._thread.run(self._waited_for().transaction(on_loop))
            except OutcomeUnknown as error:
                raise AccountsUnavailable(
                    f"{error}, while something was being changed: see whether it has been, before "
                    "you try again"
                ) from error

    def _waited_for(self) -> Database:
        with self._opening:
            if self._database is None:
                self._database = Database(self._url, connections=1)
            return self._database


def _made_sure(change: Change) -> dict[str, bytes]:
    """The secrets; made now if there are none."""
    if not change.rows(ALL):
        change.many(INSERT, new_secrets().items())
    return by_name(change.rows(ALL))
