"""What the contract promises of views: each device collects all mail, in its own time."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.errors import (
    LockLost,
    MaildropLocked,
    NoSuchView,
    OpenedTooSoon,
    OverQuota,
    ViewExists,
)
from pillarbox.contracts.store import Maildrop, ViewStatus
from pillarbox.model import DEFAULT_VIEW, Identity, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    CAROL,
    LARGE,
    Engine,
    Fixtures,
    content,
    contents,
    delete,
    key_next,
    letter,
    listed,
    put,
    seen_next,
    waits_for,
)

LETTERS = [letter(str(n), 100 + n) for n in range(4)]
DATA = [message.data for message in LETTERS]


async def opened(store: Engine, view: str, user: str = ALICE) -> Maildrop:
    return await store.open(Identity(user, view))


async def status_of(store: Engine, view: str, user: str = ALICE) -> ViewStatus:
    (found,) = [each for each in (await store.status(user)).views if each.name == view]
    return found


@pytest.mark.asyncio
class ViewCases(Fixtures):
    """*Views* in :mod:`pillarbox.contracts.store`."""

    async def test_what_one_device_deletes_the_others_still_get(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        for view in ("phone", "laptop"):
            await store.add_view(ALICE, view)
        await delete(store, ALICE, [1, 3], view="phone")
        assert await seen_next(store, ALICE, "phone") == [DATA[1], DATA[3]]
        assert await seen_next(store, ALICE, "laptop") == DATA
        assert await seen_next(store, ALICE) == DATA
        for view, left in ((DEFAULT_VIEW, DATA), ("laptop", DATA), ("phone", [DATA[1], DATA[3]])):
            status = await status_of(store, view)
            assert (status.count, status.octets) == (len(left), sum(map(len, left)))
            listing = await store.listing(ALICE, view)
            assert [info.octets for info in listing] == [len(data) for data in left]
            assert [info.number for info in listing] == list(range(1, len(left) + 1))
        assert await store.check() == []

    async def test_a_message_goes_with_the_last_view_that_holds_it(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await store.add_view(ALICE, "laptop")
        await delete(store, ALICE, [1, 2, 3], view="phone")
        assert (await store.status(ALICE)).count == 4
        await delete(store, ALICE, [2, 3, 4], view="laptop")
        # default was never opened: what both have deleted is gone for it as well
        assert await seen_next(store, ALICE) == [DATA[0], DATA[3]]
        status = await store.status(ALICE)
        assert (status.count, status.octets) == (2, len(DATA[0]) + len(DATA[3]))
        assert await store.check() == []

    async def test_default_holds_mail_back_once_it_has_been_opened(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        assert not (await status_of(store, DEFAULT_VIEW)).holds
        await delete(store, ALICE, [1], view="phone")
        assert (await store.status(ALICE)).count == 3
        await (await store.open(Identity(ALICE))).release()
        assert (await status_of(store, DEFAULT_VIEW)).holds
        await delete(store, ALICE, [1, 2, 3], view="phone")
        assert await seen_next(store, ALICE) == DATA[1:]
        await delete(store, ALICE, [1, 2, 3])
        assert (await store.status(ALICE)).count == 0
        assert await store.check() == []

    async def test_a_maildrop_without_devices_is_as_it_ever_was(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await store.remove_view(ALICE, "phone")
        await delete(store, ALICE, [2])
        assert (await store.status(ALICE)).count == 3
        assert await seen_next(store, ALICE) == [DATA[0], DATA[2], DATA[3]]

    async def test_each_view_has_a_lock_of_its_own(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        default = await store.open(Identity(ALICE))
        phone = await opened(store, "phone")
        for view in (DEFAULT_VIEW, "phone"):
            assert (await status_of(store, view)).locked
            with pytest.raises(MaildropLocked):
                await opened(store, view)
        assert await store.unlock(ALICE, "phone")
        with pytest.raises(LockLost):
            await phone.commit([1])
        await default.commit([1])
        await default.release()
        assert not (await status_of(store, DEFAULT_VIEW)).locked
        await (await opened(store, "phone")).release()

    async def test_what_others_delete_stays_for_an_open_session(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS, letter("large", LARGE))
        await store.add_view(ALICE, "phone")
        default = await store.open(Identity(ALICE))  # for the first time
        phone = await opened(store, "phone")
        await phone.commit([1, 2, 5])
        await phone.release()
        assert await contents(default) == [*DATA, letter("large", LARGE).data]
        assert len(await listed(default)) == 5
        await default.commit([2, 3])
        await default.release()
        assert await seen_next(store, ALICE) == [DATA[0], DATA[3], letter("large", LARGE).data]
        assert await seen_next(store, ALICE, "phone") == [DATA[2], DATA[3]]

    async def test_sessions_at_once_delete_at_once(self, store: Engine) -> None:
        views = ("phone", "laptop", "tablet")
        await put(store, ALICE, *(letter(str(n)) for n in range(40)))
        for view in views:
            await store.add_view(ALICE, view)
        sessions = [await opened(store, view) for view in views]
        halves = [range(1, 41), range(1, 31), range(11, 41)]
        await asyncio.gather(
            *(session.commit(half) for session, half in zip(sessions, halves, strict=True))
        )
        for session in sessions:
            await session.release()
        counts = [(await status_of(store, view)).count for view in views]
        assert counts == [0, 10, 10]
        assert (await store.status(ALICE)).count == 20
        assert await store.check() == []

    async def test_unique_ids_are_the_same_in_all_views(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        ids = [info.unique_id for info in await store.listing(ALICE)]
        await delete(store, ALICE, [1], view="phone")
        phone = await store.listing(ALICE, "phone")
        assert [(info.number, info.unique_id) for info in phone] == list(enumerate(ids[1:], 1))
        session = await opened(store, "phone")
        assert await listed(session) == list(phone)

    async def test_new_mail_is_for_all_views(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await delete(store, ALICE, [1, 2, 3, 4], view="phone")
        await put(store, ALICE, letter("new"), letter("newer"))
        assert await seen_next(store, ALICE, "phone") == [letter("new").data, letter("newer").data]
        assert len(await seen_next(store, ALICE)) == 2  # never opened, it held back nothing

    async def test_a_new_device_sees_what_is_there_or_what_comes(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await delete(store, ALICE, [1])
        await store.add_view(ALICE, "all")
        await store.add_view(ALICE, "new", from_now_on=True)
        assert await seen_next(store, ALICE, "all") == DATA[1:]
        assert await seen_next(store, ALICE, "new") == []
        await put(store, ALICE, letter("later"))
        assert await seen_next(store, ALICE, "all") == [*DATA[1:], letter("later").data]
        assert await seen_next(store, ALICE, "new") == [letter("later").data]
        await delete(store, ALICE, [1, 2, 3, 4])
        await delete(store, ALICE, [1, 2, 3, 4], view="all")
        assert (await store.status(ALICE)).count == 1  # "new" never listed the other three
        await delete(store, ALICE, [1], view="new")
        assert (await store.status(ALICE)).count == 0
        assert await store.check() == []

    async def test_a_device_may_come_before_any_mail(self, store: Engine) -> None:
        await store.add_view(CAROL, "phone")
        assert list(await store.users()) == [CAROL]
        await put(store, CAROL, *LETTERS)
        assert await seen_next(store, CAROL, "phone") == DATA

    async def test_a_view_is_added_once(self, store: Engine) -> None:
        for user in (ALICE, BOB):
            with pytest.raises(ViewExists):
                await store.add_view(user, DEFAULT_VIEW)
        assert list(await store.users()) == []
        await store.add_view(ALICE, "phone")
        with pytest.raises(ViewExists):
            await store.add_view(ALICE, "phone", from_now_on=True)
        await store.add_view(BOB, "phone")
        names = [view.name for view in (await store.status(ALICE)).views]
        assert names == [DEFAULT_VIEW, "phone"]

    async def test_what_is_not_there_cannot_be_used(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await store.remove_view(ALICE, "phone")
        for user in (ALICE, CAROL):
            for use in (
                store.open(Identity(user, "phone")),
                store.listing(user, "phone"),
                store.unlock(user, "phone"),
                store.remove_view(user, "phone"),
            ):
                with pytest.raises(NoSuchView):
                    await use
        assert list(await store.users()) == [ALICE]

    async def test_removing_a_view_releases_what_only_it_held(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        for view in ("phone", "laptop"):
            await store.add_view(ALICE, view)
        await delete(store, ALICE, [1, 2], view="phone")
        await delete(store, ALICE, [2, 3], view="laptop")
        assert await seen_next(store, ALICE, "laptop") == [DATA[0], DATA[3]]
        await store.remove_view(ALICE, "laptop")
        assert await seen_next(store, ALICE, "phone") == DATA[2:]
        assert (await store.status(ALICE)).count == 2
        assert await store.check() == []

    async def test_what_nobody_has_deleted_stays_when_devices_go(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await store.remove_view(ALICE, "phone")
        assert await seen_next(store, ALICE) == DATA

    async def test_what_a_removed_view_has_deleted_stays_deleted(self, store: Engine) -> None:
        """In whatever order the devices go, no byte stays that was only for them."""
        await put(store, ALICE, *LETTERS)
        for view in ("phone", "laptop"):
            await store.add_view(ALICE, view)
        await delete(store, ALICE, [1, 2], view="phone")
        await store.remove_view(ALICE, "phone")
        assert await seen_next(store, ALICE, "laptop") == DATA
        await store.remove_view(ALICE, "laptop")
        assert await seen_next(store, ALICE) == DATA[2:]
        assert await store.check() == []

    async def test_marks_of_removed_views_harm_nobody(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await (await store.open(Identity(ALICE))).release()
        await delete(store, ALICE, [1, 2], view="phone")
        await store.remove_view(ALICE, "phone")
        assert await store.check() == []
        await delete(store, ALICE, [2, 4])
        assert await seen_next(store, ALICE) == [DATA[0], DATA[2]]
        assert await store.check() == []
        await delete(store, ALICE, [1, 2])
        assert (await store.status(ALICE)).count == 0
        assert await store.check() == []

    async def test_a_view_of_a_removed_name_begins_anew(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await (await store.open(Identity(ALICE))).release()
        before = await key_next(store, ALICE, "phone")
        await delete(store, ALICE, [1, 2], view="phone")
        session = await opened(store, "phone")
        await store.remove_view(ALICE, "phone")
        await store.add_view(ALICE, "phone")
        with pytest.raises(LockLost):
            await session.commit([1])
        again = await opened(store, "phone")
        await session.release()
        with pytest.raises(MaildropLocked):
            await opened(store, "phone")
        assert await contents(again) == DATA
        await again.commit([4])
        await again.release()
        assert await key_next(store, ALICE, "phone") != before

    async def test_default_is_reset_instead_of_removed(self, store: Engine) -> None:
        await store.remove_view(CAROL, DEFAULT_VIEW)
        assert list(await store.users()) == []
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        keys = {await key_next(store, ALICE)}
        await delete(store, ALICE, [1, 2])
        keys.add(await key_next(store, ALICE))
        await delete(store, ALICE, [2, 3], view="phone")
        session = await store.open(Identity(ALICE))
        await store.remove_view(ALICE, DEFAULT_VIEW)
        assert not (await status_of(store, DEFAULT_VIEW)).holds
        with pytest.raises(LockLost):
            await session.commit([1])
        # 2 was deleted by both, and 3 by the phone: nobody holds it any more
        assert [info.octets for info in await store.listing(ALICE)] == [len(DATA[0]), len(DATA[3])]
        await delete(store, ALICE, [1], view="phone")
        assert [info.octets for info in await store.listing(ALICE)] == [len(DATA[3])]
        reopened = await store.open(Identity(ALICE))  # its lock is not that of the old session
        assert reopened.listing_key not in keys
        assert await contents(reopened) == DATA[3:]
        assert await store.check() == []

    async def test_one_key_is_one_listing_of_one_view(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        keys = [await key_next(store, ALICE), await key_next(store, ALICE, "phone")]
        phone = {key: await store.listing(ALICE, "phone") for key in keys[1:]}
        for _ in range(2):
            await delete(store, ALICE, [1], view="phone")
            key = await key_next(store, ALICE, "phone")
            assert phone.setdefault(key, await store.listing(ALICE, "phone")) == (
                await store.listing(ALICE, "phone")
            )
        assert len(phone) == 3
        assert await key_next(store, ALICE) == keys[0]  # whose listing is what it was

    async def test_quota_counts_each_message_once(self, store: Engine) -> None:
        message = letter("one")
        recipient = Recipient(ALICE, quota_octets=2 * message.octets)
        await store.add_view(ALICE, "phone")
        await store.add_view(ALICE, "laptop")
        assert await store.deliver(message, [recipient]) == [None]
        assert await store.deliver(message, [recipient]) == [None]
        await delete(store, ALICE, [1], view="phone")
        (refused,) = await store.deliver(message, [recipient])
        assert isinstance(refused, OverQuota)
        await delete(store, ALICE, [1], view="laptop")
        assert await store.deliver(message, [recipient]) == [None]

    async def test_the_minimum_interval_is_each_views_own(self, store: Engine) -> None:
        await store.add_view(ALICE, "phone")

        async def visit(view: str) -> None:
            await (await store.open(Identity(ALICE, view), minimum_interval=3600)).release()

        await visit("phone")
        await visit(DEFAULT_VIEW)
        for view in ("phone", DEFAULT_VIEW):
            with pytest.raises(OpenedTooSoon):
                await visit(view)

    async def test_waiting_says_for_whom(self, store: Engine) -> None:
        assert list(await store.waiting(CAROL)) == []
        await put(store, ALICE, *LETTERS[:3])
        await store.add_view(ALICE, "phone")
        await store.add_view(ALICE, "laptop")
        await store.add_view(ALICE, "new, one", from_now_on=True)
        await put(store, ALICE, LETTERS[3])
        await delete(store, ALICE, [1, 4], view="phone")
        found = await store.waiting(ALICE)
        assert [(each.unique_id, each.octets) for each in found] == [
            (info.unique_id, info.octets) for info in await store.listing(ALICE)
        ]
        assert [each.listed_by for each in found] == [
            ("default", "laptop"),
            ("default", "laptop", "phone"),
            ("default", "laptop", "phone"),
            ("default", "laptop", "new, one"),
        ]
        assert [each.held_by for each in found] == [
            ("laptop",),
            ("laptop", "phone"),
            ("laptop", "phone"),
            ("laptop", "new, one"),
        ]
        assert found[0].received_at <= found[3].received_at
        assert await waits_for(store, ALICE, "phone") == 2

    async def test_seen_and_created(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        phone = await status_of(store, "phone")
        assert phone.created_at is not None
        assert phone.seen_at is None
        await (await opened(store, "phone")).release()
        await put(store, ALICE, letter("behind the note"))
        phone = await status_of(store, "phone")
        assert phone.seen_at is not None
        assert phone.seen_at >= (phone.created_at or 0) - 1

    async def test_a_view_that_has_deleted_much_in_between(self, store: Engine) -> None:
        """Gaps at the beginning, in the middle and at the end, in a long listing."""
        letters = [letter(str(n), 60) for n in range(700)]
        for message in letters:
            await put(store, ALICE, message)
        await store.add_view(ALICE, "phone")
        await store.add_view(ALICE, "laptop")
        left = list(range(1, 701))
        for gone in (range(1, 50), range(200, 240), range(640, 701)):
            await delete(store, ALICE, [left.index(n) + 1 for n in gone], view="phone")
            left = [n for n in left if n not in gone]
            maildrop = await opened(store, "phone")
            assert maildrop.count == len(left)
            infos = await listed(maildrop)
            every = await store.listing(ALICE, "laptop")
            assert [info.unique_id for info in infos] == [every[n - 1].unique_id for n in left]
            assert list(await maildrop.messages(140, 160)) == list(infos)[139:160]
            for number in (1, 150, 160, maildrop.count):
                assert (
                    await content(await maildrop.body(number)) == letters[left[number - 1] - 1].data
                )
            await maildrop.release()
        assert await store.check() == []

    async def test_remove_takes_all_views(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await (await store.open(Identity(ALICE))).release()
        await delete(store, ALICE, [1], view="phone")
        session = await opened(store, "phone")
        await store.remove(ALICE)
        with pytest.raises(LockLost):
            await session.commit([1])
        await put(store, ALICE, letter("anew"))
        with pytest.raises(NoSuchView):
            await opened(store, "phone")
        assert await seen_next(store, ALICE) == [letter("anew").data]
        assert await store.check() == []

    @pytest.mark.parametrize("view", ["a b", "ü", "'; DROP TABLE views; --", "x" * 300, "a,b"])
    async def test_the_name_of_a_view_is_only_a_name(self, store: Engine, view: str) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, view)
        await delete(store, ALICE, [1], view=view)
        assert await seen_next(store, ALICE, view) == DATA[1:]
        assert (await store.waiting(ALICE))[0].held_by == (view,)
        await store.remove_view(ALICE, view)
        assert await seen_next(store, ALICE) == DATA[1:]
