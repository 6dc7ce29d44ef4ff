"""Statements and transactions: pooled, bounded in time, and tried again where that helps.

Connections are made when they are needed. One that has been idle while the database was
restarted is found broken before anything is sent, and another is made; so nothing has to be done when
the database comes back.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import asyncpg

from pillarbox.database.connections import Connections, end
from pillarbox.database.errors import BUSY, LOST, DatabaseUnavailable, OutcomeUnknown, words
from pillarbox.database.hosts import CONNECT_SECONDS, Hosts
from pillarbox.database_url import fault_of, hosts_of, name_of

CONNECTIONS = 8
"""Of one process, at the most. A connection serves hundreds of polls a second."""
STATEMENT_SECONDS = 15.0
"""A database is away if a statement has no answer in this time. Above what the largest deletion takes."""
_SOONER_SECONDS = 1.0
"""The database itself gives a statement up so much sooner: then it is certain that it was undone."""
QUEUE_SECONDS = 10.0
"""So long a statement waits for one of the connections: then they are all stuck."""
ATTEMPTS = 30
"""Of a transaction that others have got in the way of. Each time one of them has got on: who fails so
often is one of very many that want the same row."""
_PAUSE_SECONDS = 0.002, 0.1
"""Between two attempts: at first, and at most, at random up to it."""
_SETTINGS = {
    "application_name": "pillarbox",
    "default_transaction_isolation": "repeatable read",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS:.0f}s",
}

_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
T = TypeVar("T")
Rows = Sequence[Any]


class Transaction(Protocol):
    """What runs within :meth:`Database.transaction`."""

    async def fetch(self, statement: str, *values: object) -> Rows:
        """All rows of a statement, whose parameters are ``$1``, ``$2`` …"""

    async def execute(self, statement: str, *values: object) -> str:
        """What a statement has done, as the database says it: ``UPDATE 1``, ``INSERT 0 1``."""

    async def executemany(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """The same statement for each of *values*, without waiting for each."""


class Database:
    """A pool of connections, for one event loop; nothing is connected before it is needed.

    All methods may be called outside a task (see :mod:`pillarbox.contracts.store`), and raise
    DatabaseUnavailable. An error of the statement itself (a constraint, say) passes as
    ``asyncpg.PostgresError``.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = CONNECTIONS,
        statement_seconds: float | None = None,
    ) -> None:
        """*url*: ``postgresql://user:password@host:port/name?…``; several hosts as libpq has it, with
        ``target_session_attrs=read-write``, and the one that takes changes is found.
        *statement_seconds*: what a statement may take; none: :data:`STATEMENT_SECONDS`; infinite: as
        long as it takes.
        """
        self._fault = fault_of(url)
        self._name = name_of(url)
        self._seconds = statement_seconds
        self._has_worked = False
        hosts = Hosts(hosts_of(url) if self._fault is None else ())
        making = hosts.seconds + 1  # so that the hosts themselves say what is wrong
        self._connections = Connections(
            partial(_pool, url, connections, hosts, statement_seconds),
            connections,
            max(QUEUE_SECONDS, making),
            making,
        )

    @property
    def name(self) -> str:
        """For an operator: where it is, and no password."""
        return self._name

    async def fetch(self, statement: str, *values: object) -> Rows:
        """Ask: all rows of a statement that changes nothing. Asked once more if the connection is lost (but
        not if there was no answer in time: a database that has too much to do is not asked twice).
        """
        try:
            return await self._attempts(lambda connection: connection.fetch(statement, *values))
        except OutcomeUnknown as error:  # an idle connection that only looked alive
            if isinstance(error.__cause__, TimeoutError):
                raise
            return await self._attempts(lambda connection: connection.fetch(statement, *values))

    async def change(self, statement: str, *values: object) -> Rows:
        """One statement that changes something, a transaction of its own; what it returns.

        Raises:
            OutcomeUnknown: the connection was lost on the way.
        """
        return await self._attempts(lambda connection: connection.fetch(statement, *values))

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What *work* does with the transaction that it is given, and returns. It is called again if
        others got in the way; what it raises undoes all.

        Raises:
            OutcomeUnknown: the connection was lost on the way.
        """

        async def attempt(connection: Any) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self._attempts(attempt)

    async def close(self) -> None:
        """End all connections, at once: whoever still waits for an answer gets an error."""
        self._connections.close()

    async def _attempts(self, attempt: Callable[[Any], Awaitable[T]]) -> T:
        await asyncio.sleep(0)  # from here on there is a task, which time-outs need
        pause, longest = _PAUSE_SECONDS
        for _ in range(ATTEMPTS):
            try:
                return await self._attempt(attempt)
            except _CONFLICTS:
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 -- no secret
                pause = min(2 * pause, longest)
        raise DatabaseUnavailable(f"database {self.name}: others change the same all the time")

    async def _attempt(self, attempt: Callable[[Any], Awaitable[T]]) -> T:
        connection = await self._acquired()
        try:
            found = await attempt(connection)
        except BaseException as error:
            slow = isinstance(error, asyncpg.QueryCanceledError)  # there is nothing wrong with it
            # One that may not write is a standby, and will not become the primary by being used.
            if not slow and isinstance(error, (*LOST, asyncpg.ReadOnlySQLTransactionError)):
                end(connection)
            # Not waited for longer than it takes to tell that the connection hangs.
            await self._connections.give_up(connection, patience=CONNECT_SECONDS)
            if slow:
                raise DatabaseUnavailable(
                    f"database {self.name}: a statement took too long, and was undone: {words(error)}"
                ) from error
            if isinstance(error, BUSY):
                raise DatabaseUnavailable(self._says(error)) from error
            if isinstance(error, LOST):
                raise OutcomeUnknown(self._says(error)) from error
            raise
        self._connections.give_back(connection)
        self._has_worked = True
        return found

    async def _acquired(self) -> Any:
        if self._connections.is_closed:
            raise DatabaseUnavailable(f"database {self.name} has been closed")
        if self._fault is not None:
            raise DatabaseUnavailable(f"store.database {self._fault}", temporary=False)
        try:
            return await self._connections.take()
        except asyncpg.ClientConfigurationError as error:  # what its URL says cannot be
            raise DatabaseUnavailable(self._says(error), temporary=False) from error
        except DatabaseUnavailable as error:  # what answers there cannot be used
            raise DatabaseUnavailable(self._says(error), temporary=error.temporary) from error
        except (*LOST, *BUSY) as error:
            raise DatabaseUnavailable(self._says(error)) from error
        except (ValueError, OverflowError):  # whose text may hold a part of it
            raise DatabaseUnavailable(
                "store.database cannot be understood", temporary=False
            ) from None
        except asyncpg.PostgresError as error:  # a wrong password, no such database
            # What was right before becomes right again: a password is being changed, or a server made anew.
            raise DatabaseUnavailable(self._says(error), temporary=self._has_worked) from error

    def _says(self, error: BaseException) -> str:
        what = words(error)
        if isinstance(error, TimeoutError) and not str(error):
            what = f"has not answered within {self._seconds or STATEMENT_SECONDS:g} seconds"
        elif isinstance(error, (PermissionError, FileNotFoundError)) and error.filename is None:
            what += (
                " (a file of TLS, perhaps: sslrootcert, or one in the folder .postgresql of HOME)"
            )
        return f"database {self.name}: {what}"


async def _pool(
    url: str, connections: int, hosts: Hosts, statement_seconds: float | None
) -> asyncpg.Pool[Any]:
    seconds = STATEMENT_SECONDS if statement_seconds is None else statement_seconds
    bounded = math.isfinite(seconds)
    # Nothing goes on in the database for which nobody waits any more.
    there = max(seconds - _SOONER_SECONDS, seconds / 2) * 1000 if bounded else 0
    connect: Any = hosts.connect
    pool: asyncpg.Pool[Any] = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections,
        connect=connect,
        command_timeout=seconds if bounded else None,
        reset=_as_it_is,
        server_settings=_SETTINGS | {"statement_timeout": f"{there:.0f}ms"},
    )
    return pool


async def _as_it_is(_: object) -> None:
    """Instead of the pool's own reset, which would be one more round trip: nothing here changes a
    session, and a transaction that is still open is ended all the same.
    """
