"""What :meth:`Maildrop.commit <pillarbox.contracts.store.Maildrop.commit>` promises."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.errors import LockLost, MaildropLocked
from pillarbox.contracts.store import Maildrop
from pillarbox.model import Identity
from pillarbox.testing.store_contract.material import (
    ALICE,
    LARGE,
    Engine,
    Fixtures,
    content,
    contents,
    letter,
    put,
    seen_next,
)


@pytest.mark.asyncio
class CommitCases(Fixtures):
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
