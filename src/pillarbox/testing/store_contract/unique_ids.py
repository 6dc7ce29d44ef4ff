"""What a unique-id is (RFC 1939, section 7)."""

from __future__ import annotations

import pytest

from pillarbox.model import Identity
from pillarbox.testing.store_contract.material import (
    ALICE,
    Engine,
    Fixtures,
    is_unique_id,
    letter,
    listed,
    put,
)


@pytest.mark.asyncio
class UniqueIdCases(Fixtures):
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
