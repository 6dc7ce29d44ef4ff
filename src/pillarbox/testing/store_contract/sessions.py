"""What :meth:`Store.open <pillarbox.contracts.store.Store.open>` promises, and what it opens."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.errors import MaildropLocked, NoSuchView, OpenedTooSoon
from pillarbox.model import Identity
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    Engine,
    Fixtures,
    content,
    contents,
    key_next,
    letter,
    listed,
    put,
    seen_next,
)


@pytest.mark.asyncio
class SessionCases(Fixtures):
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

    async def test_one_key_is_one_listing(self, store: Engine) -> None:
        """A listing's key is the same while the listing is, and never that of another."""
        await put(store, ALICE, letter("one"))
        keys = [await key_next(store, ALICE)]
        assert await key_next(store, ALICE) == keys[0]
        await put(store, ALICE, letter("two"))
        keys.append(await key_next(store, ALICE))
        maildrop = await store.open(Identity(ALICE))
        await maildrop.commit([1])
        await maildrop.release()
        keys.append(await key_next(store, ALICE))
        await put(store, ALICE, letter("three"))
        keys.append(await key_next(store, ALICE))
        await put(store, BOB, letter("one"))
        keys.append(await key_next(store, BOB))
        await store.remove(ALICE)
        await put(store, ALICE, letter("one"))
        keys.append(await key_next(store, ALICE))
        assert len(set(keys)) == len(keys)

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
