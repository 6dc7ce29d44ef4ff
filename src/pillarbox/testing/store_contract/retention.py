"""What :meth:`StoreAdmin.expire <pillarbox.contracts.store.StoreAdmin.expire>` promises."""

from __future__ import annotations

import pytest

from pillarbox.contracts.errors import MaildropLocked
from pillarbox.contracts.store import SEEN_PRECISION, Expired, Retention
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    CAROL,
    LARGE,
    MOMENT,
    Engine,
    Fixtures,
    contents,
    delete,
    later,
    letter,
    put,
    seen_next,
)

LETTERS = [letter(str(n), 100 + n) for n in range(4)]
DATA = [message.data for message in LETTERS]
LONG = 86_400.0


@pytest.mark.asyncio
class RetentionCases(Fixtures):
    """:meth:`StoreAdmin.expire <pillarbox.contracts.store.StoreAdmin.expire>`."""

    async def test_nothing_expires_for_ever(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await store.add_view(ALICE, "phone")
        await later(store)
        assert await store.expire(Retention()) == Expired()
        assert await store.expire(Retention(LONG, LONG)) == Expired()
        assert (await store.status(ALICE)).count == 4

    async def test_old_mail_goes_whoever_wants_it(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await put(store, BOB, letter("large", LARGE))
        await store.add_view(ALICE, "phone")
        await delete(store, ALICE, [1, 2], view="phone")
        await later(store)
        octets = sum(map(len, DATA[2:])) + letter("large", LARGE).octets
        assert await store.expire(Retention(expire_seconds=MOMENT)) == Expired(3, octets)
        for user, view in ((ALICE, DEFAULT_VIEW), (ALICE, "phone"), (BOB, DEFAULT_VIEW)):
            assert await seen_next(store, user, view) == []
        assert [view.count for view in (await store.status(ALICE)).views] == [0, 0]
        assert await store.check() == []
        await put(store, ALICE, letter("new"))
        assert await seen_next(store, ALICE, "phone") == [letter("new").data]

    async def test_an_absent_device_holds_nothing_back(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        for view in ("phone", "laptop"):
            await store.add_view(ALICE, view)
        await delete(store, ALICE, [1, 2], view="phone")
        await later(store)
        octets = sum(map(len, DATA[:2]))
        absent = ((ALICE, "laptop"), (ALICE, "phone"))
        assert await store.expire(Retention(absent_seconds=MOMENT)) == Expired(2, octets, absent)
        assert [view.holds for view in (await store.status(ALICE)).views] == [False, False, False]
        # What nobody has deleted stays; and it is told only once.
        assert await store.expire(Retention(absent_seconds=MOMENT)) == Expired()
        assert await seen_next(store, ALICE, "laptop") == DATA[2:]
        assert await store.check() == []

    async def test_an_absent_device_that_comes_back_holds_what_is_left(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        for view in ("phone", "laptop"):
            await store.add_view(ALICE, view)
        await later(store)
        absent = (await store.expire(Retention(absent_seconds=MOMENT))).absent
        assert absent == ((ALICE, "laptop"), (ALICE, "phone"))
        laptop = await store.open(Identity(ALICE, "laptop"))
        await delete(store, ALICE, [1, 2], view="phone")
        assert await contents(laptop) == DATA
        await laptop.release()
        assert await seen_next(store, ALICE, "laptop") == DATA
        holds = {view.name: view.holds for view in (await store.status(ALICE)).views}
        assert holds == {DEFAULT_VIEW: False, "laptop": True, "phone": True}

    async def test_default_becomes_absent_as_devices_do(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await (await store.open(Identity(ALICE))).release()
        await store.add_view(ALICE, "phone")
        await delete(store, ALICE, [1, 2], view="phone")
        assert (await store.status(ALICE)).count == 4
        await later(store)
        expired = await store.expire(Retention(absent_seconds=MOMENT))
        assert (expired.messages, expired.absent) == (2, ((ALICE, DEFAULT_VIEW), (ALICE, "phone")))
        assert await seen_next(store, ALICE) == DATA[2:]
        assert (await store.status(ALICE)).views[0].holds

    async def test_a_session_is_left_in_peace(self, store: Engine) -> None:
        await put(store, ALICE, *LETTERS)
        await put(store, BOB, *LETTERS[:1])
        await store.add_view(ALICE, "phone")
        await store.add_view(ALICE, "laptop")
        await delete(store, ALICE, [1], view="laptop")
        phone = await store.open(Identity(ALICE, "phone"))
        await later(store)
        expired = await store.expire(Retention(MOMENT, MOMENT))
        assert expired == Expired(1, len(DATA[0]), busy=1)
        assert await contents(phone) == DATA
        await phone.commit([4])
        with pytest.raises(MaildropLocked):
            await store.open(Identity(ALICE, "phone"))
        await phone.release()
        await later(store)
        expired = await store.expire(Retention(expire_seconds=MOMENT))
        assert (expired.messages, expired.busy) == (4, 0)
        assert await store.check() == []

    async def test_who_will_soon_be_absent_is_named_beforehand(self, store: Engine) -> None:
        await store.add_view(BOB, "phone")
        await store.add_view(ALICE, "phone")
        await (await store.open(Identity(ALICE))).release()
        await (await store.open(Identity(CAROL))).release()  # who has no device
        await later(store)
        month = Retention(absent_seconds=30 * LONG)
        soon = await store.soon_absent(month, 30 * LONG)
        assert [(each.user, each.view) for each in soon] == [
            (ALICE, DEFAULT_VIEW),
            (ALICE, "phone"),
            (BOB, "phone"),
        ]
        seen_at = (await store.status(ALICE)).views[0].seen_at
        assert [each.seen_at for each in soon] == [seen_at, None, None]
        assert all(30 * LONG - SEEN_PRECISION < each.seconds_left < 30 * LONG for each in soon)
        assert await store.soon_absent(month, LONG) == []
        assert await store.soon_absent(Retention(), LONG) == []
        # Whose time has come is no longer warned of, nor who is absent.
        gone = Retention(absent_seconds=MOMENT)
        assert await store.soon_absent(gone, LONG) == []
        assert len((await store.expire(gone)).absent) == 4
        assert await store.soon_absent(month, 30 * LONG) == []

    async def test_who_sweeps_goes_on(self, store: Engine) -> None:
        assert await store.take_sweep(LONG)
        assert await store.take_sweep(LONG)

    async def test_after_it_everything_can_be_opened(self, store: Engine) -> None:
        await put(store, ALICE, *(letter(str(n)) for n in range(1200)))
        await store.add_view(ALICE, "phone")
        await later(store)
        expired = await store.expire(Retention(MOMENT, MOMENT))
        assert (expired.messages, expired.busy) == (1200, 0)
        for view in (DEFAULT_VIEW, "phone"):
            assert await seen_next(store, ALICE, view) == []
