"""What a maildrop says for LIST and UIDL, and for STAT among marks."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.store import Maildrop
from pillarbox.model import DEFAULT_VIEW, Column, Identity, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    Engine,
    Fixtures,
    columns,
    columns_of,
    delete,
    letter,
    listed,
    put,
)

MANY = 1100
"""More than an engine reads at once, or keeps, of a maildrop that it takes for small."""


@pytest.mark.asyncio
class ListingCases(Fixtures):
    """:meth:`~pillarbox.contracts.store.Maildrop.column` and ``octets_of``."""

    async def test_an_empty_maildrop_has_nothing_to_list(self, store: Engine) -> None:
        maildrop = await store.open(Identity(ALICE))
        assert await columns(maildrop) == [[], []]
        assert await maildrop.octets_of([]) == 0

    async def test_a_column_says_what_the_messages_say(self, store: Engine) -> None:
        await put(store, ALICE, *(letter(str(n), 100 * n) for n in range(1, 6)))
        await put(store, BOB, letter("bob's"))
        maildrop = await store.open(Identity(ALICE))
        infos = await listed(maildrop)
        for first in range(1, 6):
            for last in range(first - 1, 6):
                page = infos[first - 1 : last]
                assert await columns(maildrop, first, last) == columns_of(page)

    async def test_a_column_is_read_first_as_well_as_last(self, store: Engine) -> None:
        await put(store, ALICE, letter("1"), letter("2", 500), letter("3", 900))
        await delete(store, ALICE, [2])
        maildrop = await store.open(Identity(ALICE))
        said = await columns(maildrop)
        assert said == columns_of(await listed(maildrop))

    async def test_of_numbers_that_there_are_not_nothing_is_said(self, store: Engine) -> None:
        await put(store, ALICE, letter("1"), letter("2"))
        maildrop = await store.open(Identity(ALICE))
        for first, last in ((0, 1), (1, 3), (3, 3), (-1, 2)):
            for column in Column:
                with pytest.raises(IndexError):
                    await maildrop.column(column, first, last)
        for numbers in ([0], [3], [1, 2, 3]):
            with pytest.raises(IndexError):
                await maildrop.octets_of(numbers)

    async def test_octets_of_any_messages_in_any_order(self, store: Engine) -> None:
        await put(store, ALICE, *(letter(str(n), 100 * n) for n in range(1, 8)))
        await delete(store, ALICE, [4])
        maildrop = await store.open(Identity(ALICE))
        sizes = [info.octets for info in await listed(maildrop)]
        for numbers in ([1], [6], [1, 2, 3], [3, 1, 2], [6, 2, 4], {5, 3}, range(1, 7), [3, 4]):
            expected = sum(sizes[number - 1] for number in numbers)
            assert await maildrop.octets_of(numbers) == expected
        assert await maildrop.octets_of(range(1, 7)) == maildrop.octets

    async def test_mail_that_comes_meanwhile_is_in_no_column(self, store: Engine) -> None:
        await put(store, ALICE, letter("1"), letter("2"))
        maildrop = await store.open(Identity(ALICE))
        await put(store, ALICE, letter("3"))
        assert [len(column) for column in await columns(maildrop)] == [2, 2]
        await delete_through_another_view(store)
        assert await columns(maildrop) == columns_of(await listed(maildrop))

    async def test_large_listings_page_by_page(self, store: Engine) -> None:
        """Without gaps; with a beginning that is gone; with gaps; of a view that lists a part."""
        await store.add_view(ALICE, "phone")
        form = [letter(str(n), 100 + n) for n in range(10)]
        await asyncio.gather(
            *(store.deliver(form[n % 10], [Recipient(ALICE)]) for n in range(MANY))
        )
        for view in (DEFAULT_VIEW, "phone"):
            await self._check_pages(store, view)
        await delete(store, ALICE, range(1, 21), view="phone")
        await self._check_pages(store, "phone")
        await delete(store, ALICE, [500, 501, 510, 512, 900], view="phone")
        await self._check_pages(store, "phone")
        await store.remove_view(ALICE, "phone")
        await delete(store, ALICE, [7, *range(300, 400), 700])
        await self._check_pages(store, DEFAULT_VIEW)

    async def _check_pages(self, store: Engine, view: str) -> None:
        whole = columns_of(await store.listing(ALICE, view))
        maildrop = await store.open(Identity(ALICE, view))
        assert maildrop.count == len(whole[0])
        for size in (maildrop.count, 256, 333):
            assert await self._paged(maildrop, size) == whole
        sizes = [int(octets) for octets in whole[0]]
        assert await maildrop.octets_of(range(1, maildrop.count + 1)) == sum(sizes)
        assert await maildrop.octets_of(range(400, 600, 7)) == sum(sizes[399:599:7])
        assert await maildrop.octets_of(range(450, 550)) == sum(sizes[449:549])
        await maildrop.release()

    async def _paged(self, maildrop: Maildrop, size: int) -> list[list[str]]:
        """Both columns, read *size* messages at a time, the last page first."""
        found: list[list[str]] = [[], []]
        for first in reversed(range(1, maildrop.count + 1, size)):
            page = await columns(maildrop, first, min(first + size - 1, maildrop.count))
            found = [said + rest for said, rest in zip(page, found, strict=True)]
        return found


async def delete_through_another_view(store: Engine) -> None:
    """A view that is made for it deletes all that there is."""
    await store.add_view(ALICE, "another")
    maildrop = await store.open(Identity(ALICE, "another"))
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()
