"""Many processes at one maildrop: nothing is lost, nothing comes twice, and all get on."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from pillarbox.contracts.errors import MaildropLocked, OverQuota
from pillarbox.model import DEFAULT_VIEW, Identity, Recipient
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.testing.store_contract.material import contents, letter, put, seen_next
from tests.cluster.postgres import PostgresServer
from tests.cluster.stores import ALICE, Looking, delete_all, stores

MANY = 120


@pytest.fixture
def looking(postgres: PostgresServer, database_url: str) -> Looking:
    return Looking(postgres, database_url)


async def test_deliveries_of_many_processes_to_one_maildrop(
    database_url: str, looking: Looking
) -> None:
    letters = [letter(str(n)) for n in range(MANY)]
    async with stores(database_url, 4) as nodes:
        outcomes = await asyncio.gather(
            *(
                nodes[n % 4].deliver(message, [Recipient(ALICE)])
                for n, message in enumerate(letters)
            )
        )
        assert outcomes == [[None]] * MANY
        found = await seen_next(nodes[0], ALICE)
        assert sorted(found) == sorted(message.data for message in letters)
        status = await nodes[0].status(ALICE)
        assert (status.count, status.octets) == (MANY, sum(map(len, found)))
    assert looking.counts() == {"messages": MANY, "bodies": MANY, "hidden": 0}


async def test_a_quota_is_exact_however_many_come_at_once(database_url: str) -> None:
    message = letter("one")
    recipient = Recipient(ALICE, quota_octets=7 * message.octets)
    async with stores(database_url, 4) as nodes:
        outcomes = await asyncio.gather(
            *(nodes[n % 4].deliver(message, [recipient]) for n in range(40))
        )
        assert sum(outcome == [None] for outcome in outcomes) == 7
        assert sum(isinstance(outcome[0], OverQuota) for outcome in outcomes) == 33
        assert (await nodes[0].status(ALICE)).count == 7


async def test_collecting_while_mail_comes(database_url: str, looking: Looking) -> None:
    """Each message is collected once, by whichever session had the lease."""
    letters = [letter(str(n)) for n in range(MANY)]
    collected: Counter[bytes] = Counter()
    arrived = asyncio.Event()

    async def collect(node: ClusterStore) -> None:
        last = False
        while not last:
            last = arrived.is_set()
            try:
                maildrop = await node.open(Identity(ALICE))
            except MaildropLocked:
                last = False
                continue
            found = await contents(maildrop)
            await maildrop.commit(range(1, maildrop.count + 1))
            await maildrop.release()
            collected.update(found)

    async with stores(database_url, 3) as nodes:
        collecting = [asyncio.create_task(collect(node)) for node in nodes]
        await asyncio.gather(
            *(
                put(nodes[n % 3], ALICE, *letters[n::6])  # six senders
                for n in range(6)
            )
        )
        arrived.set()
        await asyncio.gather(*collecting)
    assert collected == Counter(message.data for message in letters)
    assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}


async def test_devices_on_several_nodes_delete_at_once(database_url: str, looking: Looking) -> None:
    """What all have deleted is gone: none of them relies on one who no longer holds it."""
    views = ("phone", "laptop", "tablet")
    async with stores(database_url, 3) as nodes:
        for view in views:
            await nodes[0].add_view(ALICE, view)
        for turn in range(4):
            await put(nodes[0], ALICE, *(letter(f"{turn} {n}") for n in range(8)))
            found = await asyncio.gather(
                *(delete_all(node, ALICE, view) for node, view in zip(nodes, views, strict=True))
            )
            assert found == [8, 8, 8]
            assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}


async def test_the_first_opening_of_default_while_a_device_deletes(
    database_url: str, looking: Looking
) -> None:
    """Either it holds the mail back, or it does not list it: it never lists what is taken away."""
    async with stores(database_url, 2) as (here, there):
        for turn in range(12):
            user = f"user{turn}"
            await put(here, user, *(letter(str(n)) for n in range(5)))
            await here.add_view(user, "phone")
            _, maildrop = await asyncio.gather(
                delete_all(here, user, "phone"), there.open(Identity(user, DEFAULT_VIEW))
            )
            assert maildrop.count in {0, 5}
            assert len(await contents(maildrop)) == maildrop.count
            await maildrop.commit(range(1, maildrop.count + 1))
            await maildrop.release()
    assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}


async def test_a_maildrop_is_removed_while_it_is_used(database_url: str, looking: Looking) -> None:
    """Whoever comes first, no row is left that belongs to nobody."""
    async with stores(database_url, 3) as nodes:
        for turn in range(10):
            outcome, _, maildrop = await asyncio.gather(
                nodes[0].deliver(letter("x"), [Recipient(ALICE)]),
                nodes[1].remove(ALICE),
                nodes[2].open(Identity(ALICE)),
            )
            assert outcome == [None]
            assert maildrop.count <= turn + 1
            await maildrop.release()
        await nodes[0].remove(ALICE)
        assert looking.value("SELECT count(*) FROM views") == 0
        assert looking.value("SELECT count(*) FROM maildrops") == 0
    assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}
