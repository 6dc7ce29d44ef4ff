"""A database that is asked by threads, each with a connection of its own.

A connection is made when it is needed, kept, and made anew when it is found broken: a database
that was restarted costs nobody a sign-in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.sql.settings import DatabaseSettings
from pillarbox.auth.sources.sql.url import POSTGRESQL
from pillarbox.auth.sources.threads import Threads

Rows = Sequence[Mapping[str, Any]]

MAX_REASON_CHARACTERS = 300
"""Of what a database says about a failure."""


class Driver(Protocol):
    """A library for one kind of database. Called on threads; a connection belongs to one."""

    failures: tuple[type[Exception], ...]
    """What the library raises."""

    def connect(self) -> Any:
        """A new connection, which gives up an answer that takes too long."""

    def rows(self, connection: Any, query: str, user: str) -> Rows:
        """The first rows that *query* finds when *user* is its parameter."""
        ...

    def is_lost(self, connection: Any, error: Exception) -> bool:
        """Whether *error* is the end of *connection*."""
        ...

    def close(self, connection: Any) -> None:
        """End *connection*; raises nothing."""


class Database:
    """See the module's docstring. Used from one event loop."""

    def __init__(self, driver: Driver, settings: DatabaseSettings) -> None:
        self._driver = driver
        self._kept = threading.local()
        self._threads = Threads(
            "sql", settings.connections, settings.timeout, farewell=self._hang_up
        )

    async def rows(self, query: str, user: str) -> Rows:
        """The first rows that *query* finds when *user* is its parameter.

        Raises:
            AccountsUnavailable: it cannot be asked now, or not this.
        """
        try:
            return await self._threads.call(self._ask, query, user)
        except self._driver.failures as error:
            raise AccountsUnavailable(f"sql: {_reason(error)}") from None

    async def close(self) -> None:
        await self._threads.close()

    def _ask(self, query: str, user: str) -> Rows:
        kept = getattr(self._kept, "connection", None)
        if kept is not None:
            try:
                return self._driver.rows(kept, query, user)
            except self._driver.failures as error:
                if not self._driver.is_lost(kept, error):
                    raise
                self._hang_up()
        self._kept.connection = self._driver.connect()
        try:
            return self._driver.rows(self._kept.connection, query, user)
        except self._driver.failures as error:
            if self._driver.is_lost(self._kept.connection, error):
                self._hang_up()
            raise

    def _hang_up(self) -> None:
        """End this thread's connection, if it has one."""
        kept = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if kept is not None:
            self._driver.close(kept)


def open_database(settings: DatabaseSettings) -> Database:
    """The database, not connected yet.

    Raises:
        ImportError: the library for it is not installed.
        FaultyUrl: an option of the URL is unknown.
    """
    if settings.url.kind == POSTGRESQL:
        from pillarbox.auth.sources.sql.postgresql import PostgreSql  # noqa: PLC0415 - an extra

        return Database(PostgreSql(settings), settings)
    from pillarbox.auth.sources.sql.mysql import MySql  # noqa: PLC0415 - an extra

    return Database(MySql(settings), settings)


def _reason(error: Exception) -> str:
    """What the database says, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:MAX_REASON_CHARACTERS]
