"""The hosts of a database: one after the other, each with a time of its own.

The library's time is for all of them together, so that one which says nothing (a machine without power, a
network that swallows packets, a process that stands still) would keep it from the others for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from pillarbox.database.errors import DatabaseUnavailable, is_for_an_operator, words
from pillarbox.database_url import Host

CONNECT_SECONDS = 5.0
"""A host that does not take a connection in this time is away."""
SILENT_SECONDS = 1.0
"""Who is tried for so long when somebody loses patience is not the first to be tried again."""

_NEXT = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DatabaseUnavailable,
)
"""It is away, starts up, is full, is a standby, or is being made anew and knows nobody yet; or what stands before it
takes connections for it. Whatever a host says, another one may be the right one."""
_ISOLATION = "SELECT current_setting('transaction_isolation')"


class Hosts:
    """Of one URL. Whichever has worked last is the first to be tried."""

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        """*hosts*: none, if the environment says which."""
        self._hosts: tuple[Host | None, ...] = hosts or (None,)
        self._first = 0

    @property
    def seconds(self) -> float:
        """All of them have been tried by then."""
        return CONNECT_SECONDS * len(self._hosts)

    async def connect(self, url: str, **options: Any) -> Any:
        """A connection to the first that takes one and is what the URL asks for; what the pool calls.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DatabaseUnavailable: none does; what
                is for an operator only where that holds for each of them.
        """
        count = len(self._hosts)
        first = self._first
        failed: list[tuple[Host | None, Exception]] = []
        for place in range(first, first + count):
            try:
                connection = await self._connect(place % count, url, options)
            except asyncpg.ClientConfigurationError:  # the URL's, so it is all the same to whom
                raise
            except _NEXT as error:
                failed.append((self._hosts[place % count], error))
            else:
                self._first = place % count
                return connection
        if count == 1 or all(is_for_an_operator(error) for _, error in failed):
            raise failed[0][1]
        raise ConnectionError("; ".join(f"{host}: {words(error)}" for host, error in failed))

    async def _connect(self, place: int, url: str, options: dict[str, Any]) -> Any:
        host = self._hosts[place]
        if host is not None:
            options = options | {"host": host.name, "port": host.port}
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await asyncpg.connect(url, **options)
                try:
                    await _must_be_usable(connection)
                except BaseException:
                    connection.terminate()
                    raise
                return connection
        except asyncio.CancelledError:
            if loop.time() - began >= SILENT_SECONDS:
                self._first = (place + 1) % len(self._hosts)
            raise
        except TimeoutError:
            raise TimeoutError(
                f"does not take a connection within {CONNECT_SECONDS:g} seconds"
            ) from None


async def _must_be_usable(connection: Any) -> None:
    """See to what everything rests on, whenever it was that the database came back.

    Raises:
        DatabaseUnavailable: it does not hold.
    """
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"the database keeps text as {encoding}, and a name may be in any script: make it with "
            "ENCODING 'UTF8'",
            temporary=False,
        )
    # A pooler between us and the database may swallow what is said when a connection begins.
    isolation = await connection.fetchval(_ISOLATION)
    if isolation in {"read committed", "read uncommitted"}:
        raise DatabaseUnavailable(
            f"the database isolates transactions by {isolation!r}, though we ask for more: connect to the "
            "database itself, not to a pooler that ignores startup parameters",
            temporary=False,
        )
