"""A pooler between us and the database that swallows what is said when a connection begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pillarbox.database import Database, DatabaseUnavailable
from tests.cluster.postgres import PostgresServer
from tests.postoffice import HOST


async def test_a_pooler_that_swallows_our_isolation_is_refused(
    postgres: PostgresServer, database_url: str
) -> None:
    async with forgetful_pooler(postgres.port) as port:
        database = Database(
            database_url.replace(f":{postgres.port}/", f":{port}/") + "?sslmode=disable"
        )
        with pytest.raises(DatabaseUnavailable, match=r"'read committed'.* pooler") as caught:
            await database.fetch("SELECT 1")  # whatever it is, at whatever time
        assert not caught.value.temporary
        await database.close()


@asynccontextmanager
async def forgetful_pooler(server: int) -> AsyncIterator[int]:
    """Passes all on to the database's port but for how transactions are to be isolated, as PgBouncer does
    with what its ``ignore_startup_parameters`` names; its own port.
    """
    ends: list[asyncio.StreamWriter] = []

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(4))
        said = await reader.readexactly(length - 4)
        kept = said.replace(b"default_transaction_isolation\0repeatable read\0", b"")
        assert kept != said
        from_server, to_server = await asyncio.open_connection(HOST, server)
        ends.extend((writer, to_server))
        to_server.write((len(kept) + 4).to_bytes(4) + kept)
        await asyncio.gather(pass_on(reader, to_server), pass_on(from_server, writer))

    listener = await asyncio.start_server(serve, HOST, 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for end in ends:
            end.close()
            await end.wait_closed()
