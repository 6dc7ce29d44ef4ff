"""The lock is a lease: who has it, who loses it, and what the loser can still do."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from pillarbox.contracts.errors import LockLost, MaildropLocked, StoreUnavailable
from pillarbox.model import Identity
from pillarbox.testing.store_contract.material import contents, letter, put
from tests.cluster.postgres import PostgresServer
from tests.cluster.proxy import proxy_before
from tests.cluster.stores import ALICE, Looking, delete_all, stores

LETTERS = [letter(str(n)) for n in range(3)]
DATA = [message.data for message in LETTERS]


@pytest.fixture
def looking(postgres: PostgresServer, database_url: str) -> Looking:
    return Looking(postgres, database_url)


async def test_one_lock_for_all_processes(database_url: str) -> None:
    async with stores(database_url, 2) as (here, there):
        await put(here, ALICE, *LETTERS)
        maildrop = await here.open(Identity(ALICE))
        with pytest.raises(MaildropLocked):
            await there.open(Identity(ALICE))
        await maildrop.release()
        assert await delete_all(there, ALICE) == 3


async def test_a_process_that_ends_gives_its_leases_up_at_once(database_url: str) -> None:
    async with stores(database_url, 2) as (here, there):
        await put(here, ALICE, *LETTERS)
        await here.open(Identity(ALICE))
        await here.close()
        assert await delete_all(there, ALICE) == 3


async def test_a_lease_that_has_lapsed_is_taken_over(database_url: str, looking: Looking) -> None:
    async with stores(database_url, 2) as (frozen, other):
        await put(frozen, ALICE, *LETTERS)
        lost = await frozen.open(Identity(ALICE))
        looking.lapse("node1")
        taken = await other.open(Identity(ALICE))
        with pytest.raises(LockLost):
            await lost.commit([1, 2, 3])
        assert await contents(taken) == DATA
        await lost.release()  # which frees nobody else's
        with pytest.raises(MaildropLocked):
            await frozen.open(Identity(ALICE))
        await taken.commit([1])
        await taken.release()
        assert await delete_all(frozen, ALICE) == 2


async def test_who_was_dead_deletes_nothing_though_nobody_came(
    database_url: str, looking: Looking
) -> None:
    async with stores(database_url, 1) as (frozen,):
        await put(frozen, ALICE, *LETTERS)
        await frozen.add_view(ALICE, "phone")
        sessions = [await frozen.open(Identity(ALICE, view)) for view in ("default", "phone")]
        looking.lapse("node1")
        for session in sessions:
            with pytest.raises(LockLost):
                await session.commit([1])
        assert looking.counts() == {"messages": 3, "bodies": 3, "hidden": 0}


async def test_a_life_that_is_over_is_not_put_off(database_url: str, looking: Looking) -> None:
    async with stores(database_url, 1) as (frozen,):
        await put(frozen, ALICE, *LETTERS)
        lost = await frozen.open(Identity(ALICE))
        looking.lapse("node1")
        with capture_logs() as log:
            await frozen.renew()
        assert ["lapsed" in entry["event"] for entry in log] == [True]
        assert looking.value("SELECT count(*) FROM processes WHERE alive_until > now()") == 0
        with pytest.raises(LockLost):
            await lost.commit([1])
        again = await frozen.open(Identity(ALICE))  # of another life
        await again.commit([1])
        assert looking.value("SELECT count(*) FROM processes WHERE alive_until > now()") == 1


async def test_who_does_not_know_that_he_was_dead_begins_anew(
    database_url: str, looking: Looking
) -> None:
    async with stores(database_url, 1) as (frozen,):
        await (await frozen.open(Identity(ALICE))).release()
        looking.lapse("node1")
        maildrop = await frozen.open(Identity(ALICE))
        await put(frozen, ALICE, *LETTERS)
        await maildrop.release()
        assert looking.value("SELECT count(*) FROM processes") == 2


async def test_a_life_is_put_off_as_long_as_it_lasts(database_url: str, looking: Looking) -> None:
    """Of a time that a busy machine does not need for a third of it."""
    async with stores(database_url, 1, lease_seconds=8) as (store,):
        await put(store, ALICE, *LETTERS)
        maildrop = await store.open(Identity(ALICE))
        seen = set()

        def was_put_off_twice() -> bool:
            ((end, lasts),) = looking.rows("SELECT alive_until, alive_until > now() FROM processes")
            assert lasts
            seen.add(end)
            return len(seen) > 2

        await looking.until(was_put_off_twice)
        await maildrop.commit([1, 2, 3])


async def test_a_dead_connection_costs_no_lease(
    postgres: PostgresServer, database_url: str, looking: Looking
) -> None:
    """One that swallows what it is given: the renewal gives it up while there is time for another."""
    async with proxy_before(postgres.port) as proxy:
        through = postgres.url(database_url.rpartition("/")[2], port=proxy.port)
        async with stores(through, lease_seconds=8) as (store,):
            await put(store, ALICE, *LETTERS)
            maildrop = await store.open(Identity(ALICE))
            proxy.requests.close()
            with pytest.raises(StoreUnavailable):
                await store.renew()
            assert looking.value("SELECT alive_until > clock_timestamp() FROM processes")
            proxy.lose_what_is_held()
            await store.renew()
            await maildrop.commit([1, 2, 3])
            await maildrop.release()
    assert looking.counts()["messages"] == 0


async def test_tokens_rise_and_never_come_again(database_url: str, looking: Looking) -> None:
    token = "SELECT token FROM views WHERE name = 'phone'"
    seen = []
    async with stores(database_url, 1) as (store,):
        for turn in range(3):
            await store.add_view(ALICE, "phone")
            for _ in range(3):
                await (await store.open(Identity(ALICE, "phone"))).release()
                seen.append(looking.value(token))
            if turn:
                await store.remove(ALICE)
            else:
                await store.remove_view(ALICE, "phone")
    assert seen == sorted(set(seen))  # type: ignore[type-var]


async def test_an_operator_is_told_who_has_it(database_url: str, looking: Looking) -> None:
    async with stores(database_url, 2) as (here, there):
        await put(here, ALICE, *LETTERS)
        await here.open(Identity(ALICE))
        (view,) = (await there.status(ALICE)).views
        assert view.locked
        assert view.holder is not None
        assert view.holder.startswith("node node1, process ")
        looking.lapse("node1")
        (view,) = (await there.status(ALICE)).views
        assert (view.locked, view.holder) == (False, None)
        assert not await there.unlock(ALICE)


async def test_the_log_says_who_had_what_when(database_url: str, looking: Looking) -> None:
    with capture_logs() as log:
        async with stores(database_url, 2) as (here, there):
            await (await here.open(Identity(ALICE))).release()
            await here.open(Identity(ALICE))
            looking.lapse("node1")
            await (await there.open(Identity(ALICE))).release()
    lines = [entry for entry in log if entry["event"].startswith("view ")]
    assert [(line["event"], line["node"]) for line in lines] == [
        ("view taken", "node1"),
        ("view released", "node1"),
        ("view taken", "node1"),
        ("view taken over", "node2"),
        ("view released", "node2"),
    ]
    tokens = [line["lease"] for line in lines]
    assert tokens[0] == tokens[1] < tokens[2] < tokens[3] == tokens[4]
    assert all((line["user"], line["view"]) == (ALICE, "default") for line in lines)


@pytest.mark.parametrize("turns", range(0, 60, 5))
async def test_an_opening_that_is_broken_off_has_never_been(database_url: str, turns: int) -> None:
    identity = Identity(ALICE)
    async with stores(database_url, 2) as (store, other):
        opening = asyncio.create_task(store.open(identity, minimum_interval=3600))
        for _ in range(turns):
            await asyncio.sleep(0)
        was_open = opening.done()
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        if was_open:
            await opening.result().release()
            return
        # In this process nobody is kept waiting; nor is he told that he comes too soon.
        await (await store.open(identity, minimum_interval=3600)).release()
        await (await other.open(identity)).release()


async def test_who_waits_for_a_life_that_cannot_begin_does_not_wait_for_another(
    postgres: PostgresServer, database_url: str
) -> None:
    """Of many that sign in at once each would wait for all those before him."""
    async with proxy_before(postgres.port) as proxy:
        through = postgres.url(database_url.rpartition("/")[2], port=proxy.port)
        async with stores(through) as (store,):
            proxy.requests.close()
            users = ALICE, "bob", "carol"
            opening = [asyncio.create_task(store.open(Identity(user))) for user in users]
            await proxy.requests.holds.wait()
            proxy.lose_what_is_held()
            outcomes = await asyncio.gather(*opening, return_exceptions=True)
            assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
            await (await store.open(Identity(ALICE))).release()
