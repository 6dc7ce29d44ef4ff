"""How the database finds what it is asked for: a listing of 100,000 is ranges of an index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from pillarbox.model import Column, Identity
from pillarbox.store.cluster import listing, maildrop, opening
from pillarbox.testing.store_contract.material import letter, put
from tests.cluster.postgres import PostgresServer
from tests.cluster.stores import ALICE, BOB, Looking, stores

MESSAGES = 100_000
PAGE = "m.seq BETWEEN $3::BIGINT AND $4::BIGINT"
MAILDROP = UUID(int=1)


@pytest_asyncio.fixture
async def connection(
    postgres: PostgresServer, database_url: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """To a database in which Alice has very much mail, and so have nine others."""
    looking = Looking(postgres, database_url)
    async with stores(database_url, 1) as (store,):
        for user in (ALICE, BOB):
            await put(store, user, letter("one"))
    for user, number in ((ALICE, MESSAGES), (BOB, 1000)):
        looking.rows(
            "INSERT INTO messages (maildrop, seq, unique_id, octets, stored, international, checksum)"
            f" SELECT '{user}', n, 'id' || n, 100, 100, FALSE, 0 FROM generate_series(2, {number}) AS n"
        )
        looking.rows(
            f"UPDATE maildrops SET next_seq = {number + 1}, messages = {number},"
            f" octets = {number * 100} WHERE name = '{user}'"
        )
    looking.rows("VACUUM ANALYZE")
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def plan_of(
    connection: asyncpg.Connection[asyncpg.Record], statement: str, *values: object
) -> str:
    rows = await connection.fetch(f"EXPLAIN {statement}", *values)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("column", Column)
async def test_a_page_of_a_listing_is_a_range_of_the_index(
    connection: asyncpg.Connection[asyncpg.Record], column: Column
) -> None:
    query = listing._COLUMN.format(which=PAGE, column=column)
    plan = await plan_of(connection, query, ALICE, MAILDROP, 50_000, 51_000)
    assert "messages_pkey" in plan
    assert "Seq Scan on messages" not in plan
    assert "Sort" not in plan


async def test_so_is_all_that_a_session_asks_for(
    connection: asyncpg.Connection[asyncpg.Record],
) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = [
        (listing._ENDS, (ALICE, MESSAGES)),
        (listing._PAGE.format(which=PAGE), (ALICE, MAILDROP, 50_000, 51_000)),
        (listing._OCTETS.format(which="m.seq = ANY($3::BIGINT[])"), (ALICE, MAILDROP, [1, 70_000])),
        (maildrop._BODY, (ALICE, MAILDROP, 70_000)),
    ]
    for statement, values in asked:
        plan = await plan_of(connection, statement, *values)
        assert "messages_pkey" in plan
        assert "Seq Scan on messages" not in plan


async def test_opening_a_large_maildrop_reads_no_list(
    database_url: str, connection: object
) -> None:
    del connection
    assert opening.SMALL < MESSAGES
    async with stores(database_url, 1) as (store,):
        session = await store.open(Identity(ALICE))
        assert session.count == MESSAGES
        assert len(await session.column(Column.UNIQUE_ID, 99_001, MESSAGES)) == 1000
        assert (await session.messages(MESSAGES, MESSAGES))[0].unique_id == f"id{MESSAGES}"
        await session.release()
