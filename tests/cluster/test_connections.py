"""How connections are handed on: few, sound, and to everybody in turn."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.database import Database, DatabaseUnavailable, OutcomeUnknown, Transaction
from tests.cluster.postgres import PostgresServer

PID = "SELECT pg_backend_pid()"


async def pid(database: Database) -> int:
    ((found,),) = await database.fetch(PID)
    return int(found)


async def test_one_after_the_other_takes_the_same(database_url: str) -> None:
    database = Database(database_url)
    assert len({await pid(database) for _ in range(5)}) == 1
    await database.close()


async def test_many_wait_for_few(database_url: str) -> None:
    database = Database(database_url, connections=3)
    found = await asyncio.gather(*(pid(database) for _ in range(50)))
    assert len(set(found)) <= 3
    await database.close()


async def test_one_that_the_server_has_ended_is_not_used(
    postgres: PostgresServer, database_url: str
) -> None:
    database = Database(database_url, connections=1)
    before = await pid(database)
    postgres.run(f"SELECT pg_terminate_backend({before}, 60000)")
    assert await pid(database) != before
    await database.change("SELECT 1")
    await database.close()


async def test_one_that_has_waited_for_long_is_not_used(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillarbox.database.connections.IDLE_SECONDS", 0.0)
    database = Database(database_url, connections=1)
    assert await pid(database) != await pid(database)
    await database.close()


async def test_one_whose_statement_was_cancelled_is_in_nobodys_way(
    postgres: PostgresServer, database_url: str
) -> None:
    database = Database(database_url, connections=1)
    await pid(database)
    sleeping = asyncio.create_task(database.fetch("SELECT pg_sleep(3600)"))
    asked = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'"
    while not await asyncio.to_thread(postgres.run, asked):
        pass
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await pid(database)
    await database.close()


async def test_one_that_may_not_write_is_not_used_again(database_url: str) -> None:
    """It is connected to a server that was the primary. What takes changes now has to be looked for."""
    database = Database(database_url, connections=1)
    await database.fetch("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        await database.change("CREATE TABLE one (n BIGINT)")
    await database.change("CREATE TABLE one (n BIGINT)")
    await database.close()


@pytest.mark.parametrize("state", ["25P03", "25P04"])
async def test_who_stood_still_in_the_middle_may_come_again(database_url: str, state: str) -> None:
    """The server has ended the transaction, and its connection: nothing is damaged."""
    database = Database(database_url, connections=1)
    before = await pid(database)
    with pytest.raises(OutcomeUnknown) as caught:
        await database.change(f"DO $$ BEGIN RAISE 'too long' USING ERRCODE = '{state}'; END $$")
    assert caught.value.temporary
    assert await pid(database) != before
    await database.close()


async def test_who_waits_for_too_long_is_told_so(database_url: str) -> None:
    database = Database(database_url, connections=1)
    await pid(database)
    database._connections._patience = 0.01
    begun, over = asyncio.Event(), asyncio.Event()

    async def work(_: Transaction) -> None:
        begun.set()
        await over.wait()

    busy = asyncio.create_task(database.transaction(work))
    await begun.wait()
    with pytest.raises(
        DatabaseUnavailable, match=r"all 1 connections .*store\.connections"
    ) as caught:
        await pid(database)
    assert caught.value.temporary
    over.set()
    await busy
    assert await pid(database)
    await database.close()


async def test_what_is_closed_makes_no_connection(database_url: str) -> None:
    database = Database(database_url)
    await pid(database)
    await database.close()
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await pid(database)
