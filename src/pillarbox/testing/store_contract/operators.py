"""What the operator's side promises: StoreAdmin, and the rest of the store."""

from __future__ import annotations

import pytest

from pillarbox.contracts.errors import LockLost, MaildropLocked, StoreUnavailable
from pillarbox.model import DEFAULT_VIEW, Identity, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    CAROL,
    LARGE,
    Engine,
    Fixtures,
    content,
    letter,
    listed,
    put,
    seen_next,
)


@pytest.mark.asyncio
class OperatorCases(Fixtures):
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
