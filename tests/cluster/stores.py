"""Stores of one cluster: each is what one process has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.settings import ClusterSettings
from tests.cluster.postgres import PostgresServer

ALICE, BOB = "alice", "bob"


class StoreOfItsOwn(ClusterStore):
    """One that nobody else uses: its database is another's when it has been closed."""

    def __init__(self, server: PostgresServer, **settings: Any) -> None:
        self._server = server
        self._url = server.new_database()
        super().__init__(ClusterSettings(self._url, **settings))

    async def close(self) -> None:
        await super().close()
        url, self._url = self._url, ""
        if url:
            self._server.give_back(url)


@asynccontextmanager
async def stores(
    url: str, number: int = 1, *, default_holds: bool = False, **others: object
) -> AsyncIterator[list[ClusterStore]]:
    """As many processes that share a database."""
    made = [
        ClusterStore(
            ClusterSettings(url, node=f"node{n}", **others),  # type: ignore[arg-type]
            default_holds=default_holds,
        )
        for n in range(1, number + 1)
    ]
    try:
        yield made
    finally:
        await asyncio.gather(*(store.close() for store in made))


async def delete_all(store: ClusterStore, user: str, view: str = DEFAULT_VIEW) -> int:
    """In a session; how many there were."""
    maildrop = await store.open(Identity(user, view))
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()
    return maildrop.count


class Looking:
    """The database as an administrator sees it."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server = server
        self._name = url.rpartition("/")[2]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return self._server.run(statement, self._name)

    def value(self, statement: str) -> object:
        ((value,),) = self.rows(statement)
        return value

    def counts(self) -> dict[str, object]:
        """How many rows there are of what a message consists of."""
        tables = ("messages", "bodies", "hidden")
        return {table: self.value(f"SELECT count(*) FROM {table}") for table in tables}

    def lapse(self, node: str) -> None:
        """The processes of *node* have not been heard of for long enough."""
        self.rows(
            "UPDATE processes SET alive_until = clock_timestamp() - INTERVAL '1 second'"
            f" WHERE node = '{node}'"
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """It is the case. Looked at beside the loop, whose tasks have time-outs: while it connected here, they ran out."""
        while not await asyncio.to_thread(condition):
            pass

    def is_somebody_waiting(self) -> bool:
        """Whether a backend waits for a lock that another one has."""
        return self.number_waiting() != 0

    def number_waiting(self) -> int:
        """How many backends do."""
        waiting = "SELECT count(*)::INT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        number = self.value(f"{waiting} AND datname = '{self._name}'")
        assert isinstance(number, int)
        return number

    def is_somebody_busy(self) -> bool:
        """Whether anybody but us is still carrying out a statement."""
        busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
        return self.value(f"{busy} AND datname = '{self._name}' AND pid <> pg_backend_pid()") != 0

    def end_who_waits(self) -> None:
        """Their connections are lost in the middle of what they do. Returns when they are gone: others may wait by then."""
        self.rows(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE wait_event_type = 'Lock' AND datname = '{self._name}'"
        )
