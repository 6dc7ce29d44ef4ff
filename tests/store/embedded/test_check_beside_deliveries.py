"""``maildrop check`` on a store that is in use: nobody waits for it, and it takes nothing that is
under way for a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.contracts.errors import StoreError
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.embedded import check as checking
from pillarbox.store.embedded.bodies import BodyFiles, stage
from pillarbox.store.embedded.faults import Key, Scope
from pillarbox.store.embedded.jobs import Deliver
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.store.embedded.turns import turn

from .actor import letter

SMALL, LARGE = letter("small", 5), letter("large", 20_000)
MANY = 3 * checking.TURN_FAULTS + 1


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = open_store(tmp_path / "store", shards=1)
    yield store
    await store.close()


def sql(store: EmbeddedStore, statement: str) -> None:
    index = store.all_shards[0].index
    with contextlib.closing(sqlite3.connect(index)) as connection, connection:
        connection.execute(statement)


class Turns:
    """Watches the check: what it does while it holds the writer lock, and lets others in."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        self.between: list[Callable[[], None]] = []
        self.held = False
        self.looks: list[int | None] = []
        """How many keys each look under the lock was for; None: for all there is."""
        patch.setattr(checking, "turn", self._turn)
        rows = Scope.rows

        def watched(
            scope: Scope, query: str, keys: list[Key] | None, *columns: str, **values: object
        ) -> list[object]:
            if self.held:
                self.looks.append(len(keys) if keys is not None else None)
            return rows(scope, query, keys, *columns, **values)

        patch.setattr(Scope, "rows", watched)

    @contextlib.contextmanager
    def _turn(self, path: Path) -> Iterator[None]:
        for act in self.between:
            act()
        with turn(path):
            self.taken += 1
            self.held = True
            yield
            self.held = False


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(monkeypatch)


async def many_users(store: EmbeddedStore) -> list[str]:
    users = [f"user{number}" for number in range(MANY)]
    for user in users:
        assert await store.deliver(SMALL, [Recipient(user)]) == [None]
    return users


async def test_a_look_does_nothing_while_it_holds_the_lock(
    store: EmbeddedStore, turns: Turns
) -> None:
    await many_users(store)
    sql(store, "UPDATE views SET octets = octets + 1")
    sql(store, "UPDATE bodies SET refs = 2")
    sql(store, "DELETE FROM bodies WHERE id = 1")
    assert len(await store.check()) == MANY + MANY - 1 + 1
    assert turns.taken <= 1
    assert turns.looks == []


FAULTS = [
    ("UPDATE views SET octets = octets + 1", MANY),
    ("DELETE FROM views", MANY),
    ("UPDATE bodies SET refs = 9", MANY),
    ("UPDATE bodies SET data = x'00'", MANY),
]


@pytest.mark.parametrize(("fault", "findings"), FAULTS)
async def test_repair_mends_a_few_faults_at_a_time(
    store: EmbeddedStore, turns: Turns, fault: str, findings: int
) -> None:
    await many_users(store)
    sql(store, fault)
    assert len(await store.check(repair=True)) >= findings
    assert turns.taken >= findings / checking.TURN_FAULTS
    assert turns.looks
    assert all(keys is not None and keys <= checking.TURN_FAULTS for keys in turns.looks)
    assert await store.check() == []


@pytest.mark.parametrize(("fault", "findings"), FAULTS[:3])
async def test_mail_that_comes_while_counters_are_mended_is_counted(
    store: EmbeddedStore, turns: Turns, fault: str, findings: int
) -> None:
    """What the first look has found is out of date when its turn comes."""
    users = await many_users(store)
    sql(store, fault)
    loop = asyncio.get_running_loop()

    def mail_for_all() -> None:
        delivery = store.deliver(SMALL, [Recipient(user) for user in users])
        asyncio.run_coroutine_threadsafe(delivery, loop).result()

    turns.between.append(mail_for_all)
    await store.check(repair=True)
    turns.between.clear()
    assert turns.taken >= findings / checking.TURN_FAULTS
    assert await store.check() == []
    for user in (users[0], users[-1]):
        maildrop = await store.open(Identity(user))
        listed = await maildrop.messages(1, maildrop.count)
        assert len(listed) == 1 + turns.taken
        await maildrop.release()


class SlowDelivery(Deliver):
    """Tells when its file is linked, and waits before its row is there for others to see."""

    def __init__(self, *rest: object) -> None:
        super().__init__(*rest)  # type: ignore[arg-type] # as its parent's
        self.linked = threading.Event()
        self.may_end = threading.Event()

    def run(self, transaction: Transaction) -> list[StoreError | None]:
        outcome = super().run(transaction)
        self.linked.set()
        self.may_end.wait()
        return outcome


@pytest.mark.parametrize("repair", [False, True])
async def test_a_delivery_between_its_file_and_its_row_is_no_fault(
    store: EmbeddedStore, turns: Turns, repair: bool
) -> None:
    staged = await asyncio.to_thread(
        stage, store.all_shards[0].folder.parent / "staging", LARGE.data, 1
    )
    delivery = SlowDelivery(LARGE, [Recipient("alice")], staged)
    answer = store.all_shards[0].writer.submit(delivery)
    await asyncio.to_thread(delivery.linked.wait)
    turns.between.append(delivery.may_end.set)  # not before the first look is over
    assert await store.check(repair=repair) == []
    assert turns.taken == 1
    assert await answer == [None]
    assert (await store.open(Identity("alice"))).count == 1


async def test_a_deletion_between_its_row_and_its_file_is_no_fault(
    store: EmbeddedStore, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was read; before the file is looked at, the message is deleted and it is gone."""
    assert await store.deliver(LARGE, [Recipient("alice")]) == [None]
    maildrop = await store.open(Identity("alice"))
    loop = asyncio.get_running_loop()
    path = BodyFiles.path
    deleted = False

    def late(bodies: BodyFiles, body: int) -> Path:
        nonlocal deleted
        if not deleted and threading.current_thread() is not threading.main_thread():
            deleted = True
            asyncio.run_coroutine_threadsafe(maildrop.commit([1]), loop).result()
            path(bodies, body).unlink(missing_ok=True)  # the writer's thread may be later
        return path(bodies, body)

    monkeypatch.setattr(checking, "changed_bodies", lambda _: [])
    monkeypatch.setattr(BodyFiles, "path", late)
    assert await store.check() == []
    assert deleted
