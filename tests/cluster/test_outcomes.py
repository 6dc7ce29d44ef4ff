"""Answers that are lost, and statements that come late: what is said in the end is true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
import structlog

from pillarbox.contracts.errors import MaildropLocked, StoreUnavailable
from pillarbox.model import Identity, Recipient
from pillarbox.store.cluster import clock, moving
from pillarbox.store.cluster import delivering as delivering_module
from pillarbox.store.cluster.clock import DatabaseClock, Patience
from pillarbox.store.cluster.delivering import Delivery
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.maildrop import ClusterMaildrop
from pillarbox.testing.store_contract.material import letter, put
from tests.cluster.postgres import PostgresServer
from tests.cluster.proxy import Proxy, proxy_before
from tests.cluster.stores import ALICE, BOB, Looking, delete_all, stores

OBJECT = UUID(int=1)
LETTERS = [letter(str(n)) for n in range(3)]


class Place(NamedTuple):
    store: ClusterStore
    """Which speaks through the proxy."""
    other: ClusterStore
    """Which does not."""
    proxy: Proxy
    looking: Looking
    url: str


@pytest_asyncio.fixture
async def place(postgres: PostgresServer, database_url: str) -> AsyncIterator[Place]:
    looking = Looking(postgres, database_url)
    async with proxy_before(postgres.port) as proxy:
        through = postgres.url(database_url.rpartition("/")[2], port=proxy.port)
        async with (
            stores(through, connections=1) as (store,),
            stores(database_url) as (other,),
        ):
            await put(store, BOB, *LETTERS)
            await delete_all(store, BOB)  # the connection knows the statements: they go out whole
            await put(store, ALICE, *LETTERS)
            yield Place(store, other, proxy, looking, database_url)


@pytest.fixture
def impatient(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that takes longer than this comes too late, now that all is set up."""
    del place
    monkeypatch.setattr(clock, "STATEMENT_SECONDS", 1.0)


@contextmanager
def row_locked(url: str, table: str) -> Iterator[None]:
    """Somebody is at all rows of a table, and takes his time."""
    with psycopg.connect(url) as connection:
        connection.execute(f"SELECT 1 FROM {table} FOR UPDATE".encode())
        yield
        connection.rollback()


@contextmanager
def commits_waiting(url: str) -> Iterator[None]:
    """Whoever changes views has to wait with his commit, as for a standby."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("""
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$
        """)
        connection.execute("""
            CREATE CONSTRAINT TRIGGER waits AFTER INSERT OR UPDATE ON views
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()
        """)
        connection.execute("SELECT pg_advisory_lock(1)")
        yield


async def opened_at_last(store: ClusterStore, *, minimum_interval: float = 0) -> ClusterMaildrop:
    """As soon as nobody has it."""
    while True:
        try:
            return await store.open(Identity(ALICE), minimum_interval=minimum_interval)
        except MaildropLocked:
            await asyncio.sleep(0)


@pytest.mark.parametrize("device", [False, True])
async def test_a_commit_whose_answer_is_lost_has_happened(place: Place, device: bool) -> None:
    if device:
        await place.store.add_view(ALICE, "phone")
        await (await place.store.open(Identity(ALICE))).release()
    session = await place.store.open(Identity(ALICE, "phone" if device else "default"))
    place.proxy.answers.close()
    committing = asyncio.create_task(session.commit([1, 2]))
    await place.proxy.answers.holds.wait()
    place.proxy.lose_what_is_held()
    await committing
    assert place.looking.counts()["messages"] == (3 if device else 1)
    assert [view.count for view in (await place.other.status(ALICE)).views][-1] == 1
    await session.commit([3])  # it still has its lease
    await session.release()
    assert [view.count for view in (await place.other.status(ALICE)).views][-1] == 0


async def test_a_commit_that_is_lost_on_the_way_is_sent_again(place: Place) -> None:
    session = await place.store.open(Identity(ALICE))
    place.proxy.requests.close()
    committing = asyncio.create_task(session.commit([1, 2]))
    await place.proxy.requests.holds.wait()
    held = place.proxy.lose_what_is_held()
    await committing
    assert place.looking.counts()["messages"] == 1
    await held.arrive()
    assert place.looking.counts()["messages"] == 1
    await session.commit([3])


@pytest.mark.usefixtures("impatient")
async def test_what_was_said_not_to_be_deleted_is_not_deleted_later(place: Place) -> None:
    session = await place.store.open(Identity(ALICE))
    place.proxy.requests.close()
    committing = asyncio.create_task(session.commit([1, 2]))
    await place.proxy.requests.holds.wait()
    held = place.proxy.lose_what_is_held()
    place.proxy.cut()
    with pytest.raises(StoreUnavailable):
        await committing
    await held.arrive()
    assert place.looking.counts()["messages"] == 3
    place.proxy.mend()
    await session.release()
    assert await delete_all(place.other, ALICE) == 3


async def test_the_database_ends_a_commit_in_the_middle(place: Place) -> None:
    session = await place.store.open(Identity(ALICE))
    with row_locked(place.url, "maildrops"):
        committing = asyncio.create_task(session.commit([1, 2]))
        await place.looking.until(place.looking.is_somebody_waiting)
        place.looking.end_who_waits()
    await committing
    assert place.looking.counts()["messages"] == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.long
async def test_the_database_ends_a_delivery_in_the_middle(place: Place) -> None:
    with row_locked(place.url, "maildrops"):
        delivering = asyncio.create_task(place.store.deliver(letter("x"), [Recipient(ALICE)]))
        await place.looking.until(place.looking.is_somebody_waiting)
        place.looking.end_who_waits()
        (outcome,) = await delivering
    assert isinstance(outcome, StoreUnavailable)
    assert outcome.temporary
    assert place.looking.counts() == {"messages": 3, "bodies": 3, "hidden": 0}


async def test_a_delivery_whose_answer_is_lost_has_happened_once(place: Place) -> None:
    place.proxy.answers.close()
    delivering = asyncio.create_task(place.store.deliver(letter("x"), [Recipient(ALICE)]))
    await place.proxy.answers.holds.wait()
    place.proxy.lose_what_is_held()
    assert await delivering == [None]
    assert place.looking.counts()["messages"] == 4


@pytest.mark.usefixtures("impatient")
async def test_a_delivery_that_was_put_off_does_not_come_late(place: Place) -> None:
    place.proxy.requests.close()
    delivering = asyncio.create_task(place.store.deliver(letter("x"), [Recipient(ALICE)]))
    await place.proxy.requests.holds.wait()
    held = place.proxy.lose_what_is_held()
    (outcome,) = await delivering
    assert isinstance(outcome, StoreUnavailable)
    await held.arrive()
    assert place.looking.counts()["messages"] == 3


@pytest.mark.usefixtures("impatient")
async def test_a_large_message_is_not_tried_for_others_once_it_was_put_off(place: Place) -> None:
    """Each would be waited for anew, until the sender has long given up, and sends it to all again."""
    place.looking.rows(f"INSERT INTO objects (id) VALUES ('{OBJECT}')")
    parts = place.store._parts
    delivery = Delivery.of(parts.tables, parts.clock, letter("x"), OBJECT)
    recipients = [Recipient(user) for user in (ALICE, BOB, "carol")]
    place.proxy.requests.close()
    delivering = asyncio.create_task(place.store._deliver(delivery, recipients))
    await place.proxy.requests.holds.wait()
    place.proxy.lose_what_is_held()
    first, *others = await delivering
    assert isinstance(first, StoreUnavailable)
    assert others == [first, first]
    assert place.looking.counts()["messages"] == 3


async def test_patience_with_a_delivery_begins_when_the_time_is_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then nothing was sent; and what is sent then may arrive so much later."""
    begun: list[Patience] = []

    def patience() -> Patience:
        begun.append(Patience())
        return begun[-1]

    monkeypatch.setattr(delivering_module, "Patience", patience)
    place.store._parts.clock = DatabaseClock(place.store._parts.tables)
    place.proxy.answers.close()
    delivering = asyncio.create_task(place.store.deliver(letter("x"), [Recipient(ALICE)]))
    await place.proxy.answers.holds.wait()
    assert not begun
    place.proxy.answers.opened.set()
    assert await delivering == [None]
    assert len(begun) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("user", "busy"),
    [
        (ALICE, "SELECT 1 FROM maildrops FOR UPDATE"),
        ("carol", "INSERT INTO maildrops (name) VALUES ('carol')"),
    ],
)
async def test_a_delivery_that_was_not_found_does_not_happen_afterwards(
    place: Place, user: str, busy: str
) -> None:
    """It is under way, and cannot be seen: as when it waits for a standby. Carol has no maildrop yet."""
    with psycopg.connect(place.url) as connection:
        connection.execute(busy.encode())
        delivering = asyncio.create_task(place.store.deliver(letter("x"), [Recipient(user)]))
        await place.looking.until(lambda: place.looking.number_waiting() == 1)
        place.proxy.lose()
        await place.looking.until(lambda: place.looking.number_waiting() == 2 or delivering.done())
        connection.rollback()
    (outcome,) = await delivering
    await place.looking.until(lambda: not place.looking.is_somebody_busy())
    assert place.looking.counts()["messages"] == 3 + (outcome is None)
    if user == ALICE:
        assert outcome is None
    session = await place.other.open(Identity(user))  # whatever was written is a whole maildrop
    assert session.count == (3 if user == ALICE else 0) + (outcome is None)
    await session.release()


async def test_an_opening_that_is_undone_in_the_end_has_never_been(place: Place) -> None:
    """It was broken off, and the first statement that undoes it is lost."""
    place.proxy.answers.close()
    opening = asyncio.create_task(place.store.open(Identity(ALICE), minimum_interval=3600))
    await place.proxy.answers.holds.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    place.proxy.requests.close()
    place.proxy.answers.opened.set()
    await place.proxy.requests.holds.wait()
    place.proxy.lose_what_is_held()
    await (await opened_at_last(place.other, minimum_interval=3600)).release()


async def test_an_opening_whose_answer_is_lost_holds_no_lock(place: Place) -> None:
    await (await place.store.open(Identity(ALICE))).release()  # so that it has a life
    place.proxy.answers.close()
    opening = asyncio.create_task(place.store.open(Identity(ALICE)))
    await place.proxy.answers.holds.wait()
    place.proxy.lose_what_is_held()
    with pytest.raises(StoreUnavailable):
        await opening
    await (await opened_at_last(place.other)).release()


@pytest.mark.usefixtures("impatient")
async def test_an_opening_that_comes_late_holds_no_lock(place: Place) -> None:
    await (await place.store.open(Identity(ALICE))).release()
    place.proxy.requests.close()
    opening = asyncio.create_task(place.store.open(Identity(ALICE)))
    await place.proxy.requests.holds.wait()
    held = place.proxy.lose_what_is_held()
    with pytest.raises(StoreUnavailable):
        await opening
    # Until then the store gives it back again and again.
    await place.looking.until(lambda: not place.store._parts.chores._endless)
    await held.arrive()
    await (await place.other.open(Identity(ALICE))).release()


@pytest.mark.usefixtures("impatient")
async def test_a_first_opening_that_was_given_up_while_it_was_invisible_holds_no_lock(
    place: Place,
) -> None:
    """Its commit waits, as for a standby, and there was no row of the view before it."""
    await (await place.store.open(Identity(ALICE))).release()  # so that it has a life
    with commits_waiting(place.url):
        opening = asyncio.create_task(place.store.open(Identity("carol")))
        await place.looking.until(place.looking.is_somebody_waiting)
        place.proxy.lose()
        with pytest.raises(StoreUnavailable):
            await opening
        chores = place.store._parts.chores
        await place.looking.until(
            lambda: place.looking.number_waiting() == 2 or not chores._endless
        )
    await place.looking.until(lambda: not chores._endless and not place.looking.is_somebody_busy())
    await (await place.other.open(Identity("carol"))).release()


async def _exported(store: ClusterStore) -> Callable[[], Awaitable[None]]:
    export = await store.export(ALICE)
    assert export is not None
    return export.release


async def _landed(store: ClusterStore) -> Callable[[], Awaitable[None]]:
    landing = await moving._land(store._parts, ALICE, 0, lock=True)
    return landing.release


@pytest.mark.parametrize("moved", [_exported, _landed])
async def test_a_move_that_could_not_give_its_locks_back_does_so_later(
    place: Place, moved: Callable[[ClusterStore], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    """The process goes on for hours, with others."""
    release = await moved(place.store)
    place.proxy.requests.close()
    releasing = asyncio.ensure_future(release())
    await place.proxy.requests.holds.wait()
    with structlog.testing.capture_logs() as lines:
        place.proxy.lose_what_is_held()
        await releasing
        await (await opened_at_last(place.other)).release()
    (warning,) = [line for line in lines if line["log_level"] == "warning"]
    assert warning["user"] == ALICE


@pytest.mark.parametrize("moved", [_exported, _landed])
async def test_a_move_whose_beginning_was_lost_holds_no_lock(
    place: Place, moved: Callable[[ClusterStore], Awaitable[object]]
) -> None:
    await (await place.store.open(Identity(ALICE))).release()  # so that it has a life
    with commits_waiting(place.url):
        leasing = asyncio.ensure_future(moved(place.store))
        await place.looking.until(place.looking.is_somebody_waiting)
        place.proxy.lose()
        with pytest.raises(StoreUnavailable):
            await leasing
    await place.looking.until(lambda: place.looking.number_waiting() == 0)
    await (await opened_at_last(place.other)).release()


async def test_the_databases_clock_may_be_set(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that thinks it earlier than it is there asks too late, once, and knows better then."""
    session = await place.store.open(Identity(ALICE))
    monkeypatch.setattr(clock, "STATEMENT_SECONDS", -3600.0)
    with pytest.raises(StoreUnavailable, match="too late"):
        await session.commit([1])
    (outcome,) = await place.store.deliver(letter("x"), [Recipient(ALICE)])
    assert isinstance(outcome, StoreUnavailable)
    with pytest.raises(StoreUnavailable, match="too late"):
        await place.store.open(Identity("somebody else"))
    monkeypatch.undo()
    await session.commit([1])
    assert place.looking.counts()["messages"] == 2


async def test_a_session_that_ends_while_the_database_is_away(
    place: Place, postgres: PostgresServer
) -> None:
    session = await place.store.open(Identity(ALICE))
    postgres.stop()
    await session.release()
    postgres.start()
    await (await opened_at_last(place.other)).release()


async def test_the_database_goes_and_comes_back(place: Place, postgres: PostgresServer) -> None:
    session = await place.store.open(Identity(ALICE))
    postgres.stop()
    with pytest.raises(StoreUnavailable) as caught:
        await place.other.open(Identity(ALICE))
    assert caught.value.temporary
    with pytest.raises(StoreUnavailable):
        await session.body(1)
    with pytest.raises(StoreUnavailable):
        await place.other.probe()
    (outcome,) = await place.other.deliver(letter("x"), [Recipient(ALICE)])
    assert isinstance(outcome, StoreUnavailable)
    postgres.start()
    await place.other.probe()
    assert (await session.body(1)).octets == LETTERS[0].octets
    assert await place.other.deliver(letter("x"), [Recipient(ALICE)]) == [None]
    await session.commit([1, 2, 3])
    await session.release()
    assert await delete_all(place.other, ALICE) == 1
