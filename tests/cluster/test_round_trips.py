"""How often a session waits for the database: a guard, so that it does not become more often."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pillarbox.model import Column, Identity, Recipient
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.testing.store_contract.material import contents, letter, put
from tests.cluster.postgres import PostgresServer
from tests.cluster.proxy import Proxy, proxy_before
from tests.cluster.stores import ALICE, BOB, delete_all, stores


@pytest_asyncio.fixture
async def counted(postgres: PostgresServer, database_url: str) -> AsyncIterator[Proxy]:
    async with proxy_before(postgres.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def store(
    counted: Proxy, postgres: PostgresServer, database_url: str
) -> AsyncIterator[ClusterStore]:
    """A store that knows its statements, and has one connection: each statement is one round trip."""
    url = postgres.url(database_url.rpartition("/")[2], port=counted.port)
    async with stores(url, 1, connections=1, lease_seconds=3600) as (store,):
        for number in (2, 1):  # with gaps, and without
            await put(store, BOB, *(letter(str(n)) for n in range(3)))
            maildrop = await store.open(Identity(BOB))
            await contents(maildrop)
            await maildrop.commit([1, 3][:number])
            await maildrop.release()
        await delete_all(store, BOB)
        yield store


async def test_an_empty_maildrop_is_opened_in_one_and_released_in_one(
    store: ClusterStore, counted: Proxy
) -> None:
    for user in (ALICE, ALICE, BOB):  # the first time, too
        before = counted.round_trips
        maildrop = await store.open(Identity(user))
        assert maildrop.count == 0
        assert counted.round_trips - before == 1
        await maildrop.release()
        assert counted.round_trips - before == 2


async def test_a_poll_of_fifty_messages_takes_two(store: ClusterStore, counted: Proxy) -> None:
    await put(store, ALICE, *(letter(str(n)) for n in range(50)))
    before = counted.round_trips
    maildrop = await store.open(Identity(ALICE))
    for column in Column:
        assert len(await maildrop.column(column, 1, 50)) == 50
    assert len(await maildrop.messages(1, 50)) == 50
    await maildrop.octets_of(range(1, 51))
    await maildrop.release()
    assert counted.round_trips - before == 2


@pytest.mark.parametrize("number", [1, 2, 20])
async def test_a_delivery_takes_one_a_recipient(
    store: ClusterStore, counted: Proxy, number: int
) -> None:
    before = counted.round_trips
    await store.deliver(letter("x"), [Recipient(f"user{n}") for n in range(number)])
    assert counted.round_trips - before == number


async def test_a_commit_takes_one_where_there_is_one_view(
    store: ClusterStore, counted: Proxy
) -> None:
    await put(store, ALICE, *(letter(str(n)) for n in range(50)))
    for numbers in (range(1, 6), [2, 5, 7]):
        maildrop = await store.open(Identity(ALICE))
        before = counted.round_trips
        await maildrop.commit(numbers)
        assert counted.round_trips - before == 1
        await maildrop.release()


async def test_a_commit_among_others_takes_six(store: ClusterStore, counted: Proxy) -> None:
    for view in ("phone", "laptop"):
        await store.add_view(ALICE, view)
    for _ in range(2):  # at first a connection does not know the statements
        await put(store, ALICE, *(letter(str(n)) for n in range(5)))
        maildrop = await store.open(Identity(ALICE, "phone"))
        before = counted.round_trips
        await maildrop.commit(range(1, 6))
        taken = counted.round_trips - before
        await maildrop.release()
    assert taken == 6
