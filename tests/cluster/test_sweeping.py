"""Retention in a cluster of many: one node does it, and asks for no user by himself."""

from __future__ import annotations

import asyncio

from pillarbox.contracts.store import Retention
from pillarbox.store.cluster.retention import PAGE_MAILDROPS
from tests.cluster.postgres import PostgresServer
from tests.cluster.proxy import proxy_to
from tests.cluster.stores import ALICE, Looking, stores

HOUR, DAY = 3600.0, 86_400.0


async def test_one_node_at_a_time_has_the_turn_to_sweep(
    postgres: PostgresServer, database_url: str
) -> None:
    looking = Looking(postgres, database_url)
    async with stores(database_url, 5) as nodes:
        taken = await asyncio.gather(*(node.take_sweep(HOUR) for node in nodes))
        assert sum(taken) == 1
        other = nodes[taken.index(False)]
        assert not await other.take_sweep(HOUR)
        looking.rows("UPDATE sweeps SET until = clock_timestamp()")
        assert await other.take_sweep(HOUR)
        assert not await nodes[taken.index(True)].take_sweep(HOUR)


async def test_a_turn_that_was_taken_by_a_wrong_clock_does_not_last(
    postgres: PostgresServer, database_url: str
) -> None:
    looking = Looking(postgres, database_url)
    async with stores(database_url, 2) as (one, other):
        assert await one.take_sweep(HOUR)
        looking.rows("UPDATE sweeps SET until = until + INTERVAL '1 year'")
        assert await other.take_sweep(HOUR)


async def test_warnings_cost_a_statement_for_a_page_of_maildrops(
    postgres: PostgresServer, database_url: str
) -> None:
    """Not one for each user, of whom there may be millions."""
    looking, users = Looking(postgres, database_url), 2 * PAGE_MAILDROPS + 7
    async with stores(database_url, 1) as (store,):
        await store.add_view(ALICE, "phone")
    for table in ("maildrops (name)", "views (token, name, maildrop)"):
        values = {"maildrops (name)": "", "views (token, name, maildrop)": "1, 'default', "}[table]
        looking.rows(
            f"INSERT INTO {table} SELECT {values}'user' || n FROM generate_series(1, {users}) n"
        )
    looking.rows(
        "INSERT INTO views (token, name, maildrop)"
        " SELECT 1, 'phone', name FROM maildrops WHERE name LIKE '%7'"
    )
    async with proxy_to(database_url) as way, stores(way.url, 1) as (store,):
        month = Retention(absent_seconds=30 * DAY)
        assert await store.soon_absent(month, DAY) == []
        way.taken()
        soon = await store.soon_absent(month, 30 * DAY)
        assert way.taken() <= 1 + users // PAGE_MAILDROPS + 1
    expected = {ALICE} | {f"user{n}" for n in range(1, users + 1) if n % 10 == 7}
    assert sorted(each.user for each in soon) == sorted(expected)
    assert {each.view for each in soon} == {"phone"}
