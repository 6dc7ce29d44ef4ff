"""The store contract as a test suite: every engine passes it, and so does the fake.

An engine's own tests derive from :class:`StoreContract` and say how a store is made::

    class TestMyEngine(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            folders = itertools.count()
            return lambda: MyEngine(tmp_path / str(next(folders)))

Each call of ``make_store()`` gives a store that is empty. Each case is named for a promise
of :mod:`pillarbox.contracts.store`. At the end a state machine (hypothesis) compares the
engine with a model of twenty lines, in orders that nobody thought of. Needs pytest,
pytest-asyncio and hypothesis.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pillarbox.contracts.errors import (
    LockLost,
    MaildropLocked,
    NoSuchView,
    OpenedTooSoon,
    OverQuota,
    StoreUnavailable,
)
from pillarbox.contracts.store import Body, Maildrop, Store, StoreAdmin
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo, Recipient, StoredForm

PIECE_LIMIT = 256 * 1024
LARGE = 3 * 1024 * 1024 + 17
ALICE, BOB, CAROL = "alice", "bob", "carol"


class Engine(Store, StoreAdmin, Protocol):
    """What is tested: a store with its operator's side."""


MakeStore = Callable[[], Engine]


# What the cases are made of


def letter(mark: str = "", size: int = 120) -> StoredForm:
    """A message in its stored form, of about *size* octets, without a dot to stuff."""
    data = f"Subject: {mark}\r\n\r\n".encode()
    data += (b"%07d and some words to fill the line\r\n" % size) * max(0, (size - len(data)) // 39)
    return StoredForm(data, len(data))


async def put(store: Store, user: str, *messages: StoredForm) -> None:
    """Deliver *messages* to *user*, one after the other."""
    for message in messages:
        assert await store.deliver(message, [Recipient(user)]) == [None]


async def listed(maildrop: Maildrop) -> Sequence[MessageInfo]:
    return list(await maildrop.messages(1, maildrop.count))


async def content(body: Body) -> bytes:
    """The whole body, whether it comes at once or in pieces."""
    if isinstance(body.content, bytes):
        return body.content
    pieces = [piece async for piece in body.content]
    await body.content.aclose()
    assert all(0 < len(piece) <= PIECE_LIMIT for piece in pieces)
    return b"".join(pieces)


async def contents(maildrop: Maildrop) -> list[bytes]:
    return [await content(await maildrop.body(n)) for n in range(1, maildrop.count + 1)]


async def seen_next(store: Store, user: str) -> list[bytes]:
    """The bodies that a session opened now would find."""
    maildrop = await store.open(Identity(user))
    found = await contents(maildrop)
    await maildrop.release()
    return found


def is_unique_id(text: str) -> bool:
    """RFC 1939, section 7: 1 to 70 characters of 0x21 to 0x7E."""
    return 1 <= len(text) <= 70 and all("\x21" <= character <= "\x7e" for character in text)


class _Fixtures:
    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Override: a function that makes a new, empty store."""
        raise NotImplementedError("derive from StoreContract and override make_store")

    @pytest_asyncio.fixture
    async def store(self, make_store: MakeStore) -> AsyncIterator[Engine]:
        store = make_store()
        yield store
        await store.close()


@pytest.mark.asyncio
class DeliveryCases(_Fixtures):
    """:meth:`Store.deliver <pillarbox.contracts.store.Store.deliver>`."""

    async def test_mail_is_listed_in_the_order_of_its_delivery(self, store: Engine) -> None:
        letters = [letter(str(n), 100 * n) for n in range(1, 6)]
        await put(store, ALICE, *letters)
        maildrop = await store.open(Identity(ALICE))
        infos = await listed(maildrop)
        assert [info.number for info in infos] == [1, 2, 3, 4, 5]
        assert [info.octets for info in infos] == [message.octets for message in letters]
        assert await contents(maildrop) == [message.data for message in letters]
        assert (maildrop.count, maildrop.octets) == (5, sum(m.octets for m in letters))

    @pytest.mark.parametrize(
        "message",
        [
            StoredForm(b"", 0),
            StoredForm(b"\r\n", 2),
            StoredForm(b"..\r\n...\r\n", 7),
            StoredForm(bytes(range(256)) + b"\r\n", 258),
            StoredForm("Subject: Grüße\r\n\r\n".encode(), 20, international=True),
            StoredForm(b"x" * 40_000 + b"\r\n", 40_002),
            StoredForm(b"y" * 400_000 + b"\r\n", 400_002),
        ],
        ids=["empty", "one line", "dots", "all bytes", "UTF-8", "40 kB", "400 kB"],
    )
    async def test_body_is_the_stored_form_byte_for_byte(
        self, store: Engine, message: StoredForm
    ) -> None:
        await put(store, ALICE, message)
        body = await (await store.open(Identity(ALICE))).body(1)
        assert (body.octets, body.stored) == (message.octets, len(message.data))
        assert body.international is message.international
        assert await content(body) == message.data

    async def test_large_body_comes_in_pieces_and_can_be_given_up(self, store: Engine) -> None:
        message = letter("large", LARGE)
        await put(store, ALICE, message)
        maildrop = await store.open(Identity(ALICE))
        assert await content(await maildrop.body(1)) == message.data
        stream = (await maildrop.body(1)).content
        assert not isinstance(stream, bytes)
        assert message.data.startswith(await anext(stream))
        await stream.aclose()
        await stream.aclose()

    async def test_delivery_waits_for_no_session_and_is_seen_at_the_next(
        self, store: Engine
    ) -> None:
        await put(store, ALICE, letter("before"))
        maildrop = await store.open(Identity(ALICE))
        await put(store, ALICE, letter("meanwhile"))
        assert maildrop.count == 1
        assert await contents(maildrop) == [letter("before").data]
        with pytest.raises(IndexError):
            await maildrop.body(2)
        await maildrop.release()
        assert await seen_next(store, ALICE) == [letter("before").data, letter("meanwhile").data]

    async def test_quota_is_the_most_that_a_maildrop_holds(self, store: Engine) -> None:
        message = letter("one")
        exact = Recipient(ALICE, quota_octets=2 * message.octets)
        short = Recipient(ALICE, quota_octets=2 * message.octets - 1)
        await put(store, ALICE, message)
        (refused,) = await store.deliver(message, [short])
        assert isinstance(refused, OverQuota)
        assert (await store.status(ALICE)).count == 1
        assert await store.deliver(message, [exact]) == [None]
        (refused,) = await store.deliver(message, [exact])
        assert isinstance(refused, OverQuota)
        maildrop = await store.open(Identity(ALICE))
        await maildrop.commit([1])
        assert await store.deliver(message, [exact]) == [None]

    @pytest.mark.parametrize("size", [500, LARGE])
    async def test_each_recipient_has_an_outcome_of_its_own(self, store: Engine, size: int) -> None:
        users = [f"user{n}" for n in range(12)]
        message = letter("to all", size)
        recipients = [Recipient(user, quota_octets=n % 3) for n, user in enumerate(users)]
        outcomes = await store.deliver(message, recipients)
        for user, recipient, outcome in zip(users, recipients, outcomes, strict=True):
            if recipient.quota_octets:
                assert isinstance(outcome, OverQuota)
                assert await seen_next(store, user) == []
            else:
                assert outcome is None
                assert await seen_next(store, user) == [message.data]
        assert await store.deliver(message, []) == []

    @pytest.mark.parametrize("size", [500, LARGE])
    async def test_what_one_recipient_deletes_the_others_keep(
        self, store: Engine, size: int
    ) -> None:
        message = letter("shared", size)
        users = [f"user{n}" for n in range(6)]
        await store.deliver(message, [Recipient(user) for user in users])
        for user in users[:-1]:
            maildrop = await store.open(Identity(user))
            await maildrop.commit([1])
            await maildrop.release()
        assert await seen_next(store, users[-1]) == [message.data]
        assert await store.check() == []

    async def test_a_recipient_named_twice_gets_it_twice(self, store: Engine) -> None:
        assert await store.deliver(letter(), [Recipient(ALICE), Recipient(ALICE)]) == [None, None]
        maildrop = await store.open(Identity(ALICE))
        assert maildrop.count == 2
        await maildrop.commit([1])
        await maildrop.release()
        assert await seen_next(store, ALICE) == [letter().data]
        assert await store.check() == []

    async def test_deliveries_at_once_each_arrive_once(self, store: Engine) -> None:
        letters = [letter(str(n), 100 + n) for n in range(60)]
        users = (ALICE, BOB, CAROL)
        await asyncio.gather(
            *(put(store, users[n % 3], message) for n, message in enumerate(letters))
        )
        for n, user in enumerate(users):
            found = await seen_next(store, user)
            assert sorted(found) == sorted(message.data for message in letters[n::3])

    async def test_a_cancelled_delivery_is_whole_or_not_at_all(self, store: Engine) -> None:
        for turns in range(6):
            delivery = asyncio.create_task(
                store.deliver(letter("x", LARGE), [Recipient(ALICE), Recipient(BOB)])
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)
        await put(store, ALICE, letter("last"))  # queued behind the others
        await put(store, BOB, letter("last"))
        for user in (ALICE, BOB):
            *found, last = await seen_next(store, user)
            assert set(found) <= {letter("x", LARGE).data}
            assert last == letter("last").data
        assert await store.check() == []


@pytest.mark.asyncio
class SessionCases(_Fixtures):
    """:meth:`Store.open <pillarbox.contracts.store.Store.open>` and what it opens."""

    async def test_a_user_without_mail_has_an_empty_maildrop(self, store: Engine) -> None:
        maildrop = await store.open(Identity(ALICE))
        assert (maildrop.count, maildrop.octets) == (0, 0)
        assert list(await maildrop.messages(1, 0)) == []
        await maildrop.commit([])
        await maildrop.release()

    async def test_a_second_session_is_refused(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        maildrop = await store.open(Identity(ALICE))
        for _ in range(2):
            with pytest.raises(MaildropLocked):
                await store.open(Identity(ALICE))
        await (await store.open(Identity(BOB))).release()
        assert maildrop.count == 1

    async def test_of_many_at_once_one_session_opens(self, store: Engine) -> None:
        tries = await asyncio.gather(
            *(store.open(Identity(ALICE)) for _ in range(10)), return_exceptions=True
        )
        refused = [outcome for outcome in tries if isinstance(outcome, MaildropLocked)]
        assert len(refused) == 9

    async def test_release_frees_the_lock_and_deletes_nothing(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        for _ in range(3):
            maildrop = await store.open(Identity(ALICE))
            assert maildrop.count == 1
            await maildrop.release()
            await maildrop.release()

    async def test_a_late_release_frees_nobody_elses_lock(self, store: Engine) -> None:
        first = await store.open(Identity(ALICE))
        await first.release()
        await store.open(Identity(ALICE))
        await first.release()
        with pytest.raises(MaildropLocked):
            await store.open(Identity(ALICE))

    @pytest.mark.parametrize("number", [0, -1, 4, 2**70])
    async def test_numbers_out_of_range_are_index_errors(self, store: Engine, number: int) -> None:
        await put(store, ALICE, letter("1"), letter("2"), letter("3"))
        maildrop = await store.open(Identity(ALICE))
        with pytest.raises(IndexError):
            await maildrop.body(number)
        with pytest.raises(IndexError):
            await maildrop.commit([1, number])
        with pytest.raises(IndexError):
            await maildrop.messages(min(1, number), max(1, number))
        await maildrop.release()
        assert len(await seen_next(store, ALICE)) == 3

    async def test_numbers_stay_while_others_deliver_and_delete(self, store: Engine) -> None:
        letters = [letter(str(n), 100 + n) for n in range(8)]
        await put(store, ALICE, *letters)
        first = await store.open(Identity(ALICE))
        await first.commit([2, 5])
        await first.release()
        left = [message.data for n, message in enumerate(letters, 1) if n not in {2, 5}]
        second = await store.open(Identity(ALICE))
        await put(store, ALICE, letter("new"))
        for _ in range(2):
            assert [info.number for info in await listed(second)] == [1, 2, 3, 4, 5, 6]
            assert await contents(second) == left

    async def test_bodies_can_be_read_before_any_listing(self, store: Engine) -> None:
        letters = [letter(str(n)) for n in range(6)]
        await put(store, ALICE, *letters)
        first = await store.open(Identity(ALICE))
        await first.commit([1, 3])
        await first.release()
        second = await store.open(Identity(ALICE))
        assert await content(await second.body(2)) == letters[3].data
        assert await content(await second.body(1)) == letters[1].data

    @pytest.mark.parametrize("gaps", [False, True])
    async def test_a_large_maildrop_is_listed_page_by_page(self, store: Engine, gaps: bool) -> None:  # noqa: FBT001
        letters = [letter(str(n), 60) for n in range(600)]
        for message in letters:
            await put(store, ALICE, message)
        gone = set(range(3, 601, 5)) if gaps else set(range(1, 101))
        first = await store.open(Identity(ALICE))
        every_id = [info.unique_id for info in await listed(first)]
        await first.commit(gone)
        await first.release()
        left = [n for n in range(1, 601) if n not in gone]
        maildrop = await store.open(Identity(ALICE))
        assert maildrop.count == len(left)
        page = await maildrop.messages(100, 299)
        assert [info.number for info in page] == list(range(100, 300))
        whole = await listed(maildrop)
        assert list(page) == list(whole)[99:299]
        assert [info.unique_id for info in whole] == [every_id[n - 1] for n in left]
        for number in (1, 57, 400, maildrop.count):
            body = await maildrop.body(number)
            assert await content(body) == letters[left[number - 1] - 1].data

    async def test_no_view_but_the_default_exists_by_itself(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        with pytest.raises(NoSuchView):
            await store.open(Identity(ALICE, "no such device"))
        with pytest.raises(NoSuchView):
            await store.listing(ALICE, "no such device")
        with pytest.raises(NoSuchView):
            await store.unlock(ALICE, "no such device")

    async def test_minimum_interval(self, store: Engine) -> None:
        async def visit(interval: float) -> None:
            await (await store.open(Identity(ALICE), minimum_interval=interval)).release()

        await visit(0)
        await visit(3600)  # no session was opened with an interval yet
        for _ in range(2):
            with pytest.raises(OpenedTooSoon):
                await visit(3600)  # and a refusal holds no lock
        await visit(0)
        await (await store.open(Identity(BOB), minimum_interval=3600)).release()
        await visit(1e-9)

    @pytest.mark.parametrize(
        "user",
        [
            "a b",
            "ü",
            "..",
            "a/b",
            "'; DROP TABLE maildrops; --",
            "%s{user}\\",
            "x" * 300,
            "\U0001f4ee",
        ],
    )
    async def test_a_name_is_only_a_name(self, store: Engine, user: str) -> None:
        await put(store, user, letter("odd", 500_000))
        assert await seen_next(store, user) == [letter("odd", 500_000).data]
        assert list(await store.users()) == [user]
        await store.remove(user)
        assert list(await store.users()) == []


@pytest.mark.asyncio
class CommitCases(_Fixtures):
    """:meth:`Maildrop.commit <pillarbox.contracts.store.Maildrop.commit>`."""

    async def test_commit_deletes_what_it_was_given_and_nothing_else(self, store: Engine) -> None:
        letters = [letter(str(n), 100 + n) for n in range(5)]
        await put(store, ALICE, *letters)
        maildrop = await store.open(Identity(ALICE))
        await put(store, ALICE, letter("meanwhile"))
        await maildrop.commit({1, 4})
        await maildrop.release()
        rest = [letters[1], letters[2], letters[4], letter("meanwhile")]
        assert await seen_next(store, ALICE) == [message.data for message in rest]
        status = await store.status(ALICE)
        assert (status.count, status.octets) == (4, sum(message.octets for message in rest))

    async def test_commit_keeps_the_lock(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        maildrop = await store.open(Identity(ALICE))
        await maildrop.commit([1])
        with pytest.raises(MaildropLocked):
            await store.open(Identity(ALICE))

    async def test_a_body_that_is_open_can_be_read_after_its_removal(self, store: Engine) -> None:
        message = letter("large", LARGE)
        await put(store, ALICE, message)
        maildrop = await store.open(Identity(ALICE))
        body = await maildrop.body(1)
        await maildrop.commit([1])
        assert await content(body) == message.data

    async def test_commit_without_the_lock_deletes_nothing(self, store: Engine) -> None:
        await put(store, ALICE, letter("1"), letter("2"))
        maildrop = await store.open(Identity(ALICE))
        await store.unlock(ALICE)
        with pytest.raises(LockLost):
            await maildrop.commit([1, 2])
        await maildrop.commit([])
        assert len(await seen_next(store, ALICE)) == 2

    async def test_a_session_that_has_ended_deletes_nothing(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        maildrop = await store.open(Identity(ALICE))
        await maildrop.release()
        with pytest.raises(LockLost):
            await maildrop.commit([1])
        assert len(await seen_next(store, ALICE)) == 1

    async def test_after_a_cancelled_commit_the_next_session_stands_firm(
        self, store: Engine
    ) -> None:
        for turns in range(5):
            await put(store, ALICE, letter("1"), letter("2"))
            first = await store.open(Identity(ALICE))
            commit = asyncio.create_task(first.commit(range(1, first.count + 1)))
            for _ in range(turns):
                await asyncio.sleep(0)
            commit.cancel()
            await asyncio.gather(commit, return_exceptions=True)
            await first.release()
            second = await self._opened(store)
            assert second.count in {0, first.count}
            assert len(await contents(second)) == second.count
            await put(store, ALICE, letter("3"))  # queued behind the commit
            assert (await store.status(ALICE)).count == second.count + 1
            await second.release()

    async def _opened(self, store: Engine) -> Maildrop:
        """Opened as soon as the commit that is under way lets go."""
        while True:
            try:
                return await store.open(Identity(ALICE))
            except MaildropLocked:
                await asyncio.sleep(0)


@pytest.mark.asyncio
class UniqueIdCases(_Fixtures):
    """RFC 1939, section 7: a unique-id names one message, for ever."""

    async def test_unique_ids_are_well_formed_and_stay(self, store: Engine) -> None:
        await put(store, ALICE, *(letter(str(n)) for n in range(20)))
        before = await store.listing(ALICE)
        maildrop = await store.open(Identity(ALICE))
        unique_ids = [info.unique_id for info in await listed(maildrop)]
        assert all(map(is_unique_id, unique_ids))
        assert len(set(unique_ids)) == 20
        assert [info.unique_id for info in before] == unique_ids
        await maildrop.commit([1, 7])
        await maildrop.release()
        after = [info.unique_id for info in await store.listing(ALICE)]
        assert after == unique_ids[1:6] + unique_ids[7:]

    async def test_unique_ids_are_never_used_again(self, store: Engine) -> None:
        used: set[str] = set()
        for turn in range(4):
            await put(store, ALICE, letter("same"), letter("same"))
            found = {info.unique_id for info in await store.listing(ALICE)}
            assert not used & found
            used |= found
            if turn % 2:
                await store.remove(ALICE)
            else:
                maildrop = await store.open(Identity(ALICE))
                await maildrop.commit([1, 2])
                await maildrop.release()


@pytest.mark.asyncio
class OperatorCases(_Fixtures):
    """:class:`~pillarbox.contracts.store.StoreAdmin`, and the rest of the store."""

    async def test_users_and_status(self, store: Engine) -> None:
        await put(store, BOB, letter("1", 200), letter("2", 300))
        await put(store, ALICE, letter())
        assert list(await store.users()) == [ALICE, BOB]
        status = await store.status(BOB)
        assert (status.user, status.count) == (BOB, 2)
        assert status.octets == letter("1", 200).octets + letter("2", 300).octets
        (view,) = status.views
        assert (view.name, view.count, view.octets) == (DEFAULT_VIEW, 2, status.octets)
        assert (view.locked, view.holder) == (False, None)
        maildrop = await store.open(Identity(BOB))
        assert (await store.status(BOB)).views[0].locked
        await maildrop.release()
        assert not (await store.status(BOB)).views[0].locked

    async def test_asking_makes_no_maildrop(self, store: Engine) -> None:
        assert (await store.status(CAROL)).count == 0
        assert list(await store.listing(CAROL)) == []
        assert not await store.unlock(CAROL)
        await store.remove(CAROL)
        assert list(await store.users()) == []

    async def test_listing_is_what_a_session_would_see_and_takes_no_lock(
        self, store: Engine
    ) -> None:
        await put(store, ALICE, *(letter(str(n), 90 + n) for n in range(5)))
        maildrop = await store.open(Identity(ALICE))
        await maildrop.commit([2])
        listing = list(await store.listing(ALICE))
        await maildrop.release()
        assert listing == await listed(await store.open(Identity(ALICE)))

    async def test_unlock_lets_the_next_session_in_at_once(self, store: Engine) -> None:
        await put(store, ALICE, letter())
        assert not await store.unlock(ALICE)
        old = await store.open(Identity(ALICE))
        assert await store.unlock(ALICE)
        assert not await store.unlock(ALICE)
        new = await store.open(Identity(ALICE))
        assert await content(await old.body(1)) == letter().data
        with pytest.raises(LockLost):
            await old.commit([1])
        await old.release()
        with pytest.raises(MaildropLocked):
            await store.open(Identity(ALICE))
        await new.commit([1])

    async def test_remove_takes_everything_and_every_lock(self, store: Engine) -> None:
        await put(store, ALICE, letter("1"), letter("large", LARGE))
        await put(store, BOB, letter("bob's"))
        maildrop = await store.open(Identity(ALICE))
        await store.remove(ALICE)
        assert list(await store.users()) == [BOB]
        with pytest.raises(LockLost):
            await maildrop.commit([1])
        await put(store, ALICE, letter("anew"))
        with pytest.raises(LockLost):
            await maildrop.commit([1])
        assert await seen_next(store, ALICE) == [letter("anew").data]
        await maildrop.release()
        assert await seen_next(store, BOB) == [letter("bob's").data]
        assert await store.check() == []

    async def test_check_of_a_sound_store_finds_nothing(self, store: Engine) -> None:
        assert await store.check(ALICE) == []
        await put(store, ALICE, letter("1"), letter("2", LARGE), letter("3"))
        maildrop = await store.open(Identity(ALICE))
        await maildrop.commit([1])
        for repair in (False, True):
            assert await store.check(repair=repair) == []
            assert await store.check(ALICE, repair=repair) == []
        await maildrop.release()
        assert len(await seen_next(store, ALICE)) == 2

    async def test_probe_of_a_sound_store_is_silent(self, store: Engine) -> None:
        for _ in range(3):
            await store.probe()

    async def test_a_closed_store_says_so(self, store: Engine) -> None:
        maildrop = await store.open(Identity(ALICE))
        await store.close()
        await store.close()
        await maildrop.release()
        with pytest.raises(StoreUnavailable):
            await store.open(Identity(ALICE))
        with pytest.raises(StoreUnavailable):
            await store.deliver(letter(), [Recipient(ALICE)])


# The state machine


@dataclass(eq=False)
class _Session:
    user: str
    maildrop: Maildrop
    bodies: list[bytes]
    gone: set[int] = field(default_factory=set)


class StoreMachine(RuleBasedStateMachine):
    """Deliveries, opens, commits, releases, unlocks and removals in any order.

    The model: ``mail`` holds the bodies of each user in order, ``holder`` the session that
    has the lock.
    """

    sessions: Bundle[_Session] = Bundle("sessions")
    users = st.sampled_from([ALICE, BOB, CAROL])

    def __init__(self, make_store: MakeStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = make_store()
        self.mail: dict[str, list[bytes]] = {user: [] for user in (ALICE, BOB, CAROL)}
        self.holder: dict[str, _Session] = {}
        self.named: dict[str, bytes] = {}
        self.letters = 0

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @rule(to=st.lists(users, max_size=4, unique=True), size=st.sampled_from([0, 300, 90_000]))
    def deliver(self, to: list[str], size: int) -> None:
        self.letters += 1
        message = letter(str(self.letters), size)
        outcomes = self.run(self.store.deliver(message, [Recipient(user) for user in to]))
        assert list(outcomes) == [None] * len(to)
        for user in to:
            self.mail[user].append(message.data)

    @rule(target=sessions, user=users)
    def open(self, user: str) -> Any:
        if user in self.holder:
            with pytest.raises(MaildropLocked):
                self.run(self.store.open(Identity(user)))
            return multiple()
        maildrop = self.run(self.store.open(Identity(user)))
        self.holder[user] = _Session(user, maildrop, list(self.mail[user]))
        return self.holder[user]

    @rule(session=sessions)
    def read(self, session: _Session) -> None:
        if self.holder.get(session.user) is not session:
            return  # it may read what it can
        maildrop = session.maildrop
        infos = self.run(listed(maildrop)) if not session.gone else []
        for info in infos:
            body = session.bodies[info.number - 1]
            assert info.octets == len(body)
            assert is_unique_id(info.unique_id)
            assert self.named.setdefault(info.unique_id, body) == body
        for number, expected in enumerate(session.bodies, 1):
            if number not in session.gone:
                assert self.run(_read(maildrop, number)) == expected
        assert maildrop.count == len(session.bodies)
        assert maildrop.octets == sum(map(len, session.bodies))

    @rule(session=sessions, data=st.data())
    def commit(self, session: _Session, data: st.DataObject) -> None:
        left = sorted(set(range(1, len(session.bodies) + 1)) - session.gone)
        chosen = data.draw(st.sets(st.sampled_from(left))) if left else set()
        if chosen and self.holder.get(session.user) is not session:
            with pytest.raises(LockLost):
                self.run(session.maildrop.commit(chosen))
            return
        self.run(session.maildrop.commit(chosen))
        session.gone |= chosen
        for number in chosen:
            self.mail[session.user].remove(session.bodies[number - 1])

    @rule(session=consumes(sessions))
    def release(self, session: _Session) -> None:
        self.run(session.maildrop.release())
        if self.holder.get(session.user) is session:
            del self.holder[session.user]

    @rule(user=users)
    def unlock(self, user: str) -> None:
        held = self.holder.pop(user, None)
        assert self.run(self.store.unlock(user)) is (held is not None)

    @rule(user=users)
    def remove(self, user: str) -> None:
        self.run(self.store.remove(user))
        self.holder.pop(user, None)
        self.mail[user] = []

    @precondition(lambda self: self.letters % 4 == 3)
    @rule()
    def check(self) -> None:
        assert self.run(self.store.check()) == []

    @invariant()
    def listings_agree(self) -> None:
        for user, bodies in self.mail.items():
            infos = self.run(self.store.listing(user))
            assert [info.octets for info in infos] == [len(body) for body in bodies]
            status = self.run(self.store.status(user))
            assert (status.count, status.octets) == (len(bodies), sum(map(len, bodies)))
            assert status.views[0].locked is (user in self.holder)


async def _read(maildrop: Maildrop, number: int) -> bytes:
    return await content(await maildrop.body(number))


class StoreContract(DeliveryCases, SessionCases, CommitCases, UniqueIdCases, OperatorCases):
    """All cases, and the state machine. Derive from it and override ``make_store``."""

    machine_settings = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    async def test_any_order_of_events_agrees_with_the_model(self, make_store: MakeStore) -> None:
        # In a thread, where the machine can have event loops of its own.
        await asyncio.to_thread(
            run_state_machine_as_test,
            lambda: StoreMachine(make_store),  # type: ignore[arg-type]  # a factory will do
            settings=self.machine_settings,
        )
