"""What :meth:`Store.deliver <pillarbox.contracts.store.Store.deliver>` promises."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.errors import OverQuota
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    CAROL,
    LARGE,
    Engine,
    Fixtures,
    content,
    contents,
    letter,
    listed,
    put,
    seen_next,
)


@pytest.mark.asyncio
class DeliveryCases(Fixtures):
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
