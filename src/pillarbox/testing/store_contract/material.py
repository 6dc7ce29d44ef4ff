"""What the cases are made of: an engine, letters, and ways to look into a maildrop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
from typing import Protocol

import pytest
import pytest_asyncio

from pillarbox.contracts.store import Body, Maildrop, Store, StoreAdmin
from pillarbox.model import DEFAULT_VIEW, Column, Identity, MessageInfo, Recipient, StoredForm

PIECE_LIMIT = 256 * 1024
LARGE = 3 * 1024 * 1024 + 17
ALICE, BOB, CAROL = "alice", "bob", "carol"
MOMENT = 1e-6
"""Seconds after which everything is old."""


class Engine(Store, StoreAdmin, Protocol):
    """What is tested: a store with its operator's side."""


MakeStore = Callable[[], Engine]


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


async def columns(maildrop: Maildrop, first: int = 1, last: int | None = None) -> list[list[str]]:
    """What LIST and UIDL say of these messages."""
    last = maildrop.count if last is None else last
    return [list(await maildrop.column(column, first, last)) for column in Column]


def columns_of(infos: Sequence[MessageInfo]) -> list[list[str]]:
    """The same of messages whose octets and unique-ids are known."""
    return [[str(info.octets) for info in infos], [info.unique_id for info in infos]]


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


async def seen_next(store: Store, user: str, view: str = DEFAULT_VIEW) -> list[bytes]:
    """The bodies that a session opened now would find."""
    maildrop = await store.open(Identity(user, view))
    found = await contents(maildrop)
    await maildrop.release()
    return found


async def key_next(store: Store, user: str, view: str = DEFAULT_VIEW) -> Hashable:
    """The listing key that a session opened now would have."""
    maildrop = await store.open(Identity(user, view))
    key = maildrop.listing_key
    await maildrop.release()
    return key


async def delete(
    store: Store, user: str, numbers: Collection[int], *, view: str = DEFAULT_VIEW
) -> None:
    """Delete *numbers* in a session of their own."""
    maildrop = await store.open(Identity(user, view))
    await maildrop.commit(numbers)
    await maildrop.release()


async def waits_for(store: StoreAdmin, user: str, view: str) -> int:
    """How many messages a view holds back."""
    return sum(view in message.held_by for message in await store.waiting(user))


async def later(store: Engine) -> None:
    """When all that has happened is longer ago than a moment, and known to the store."""
    await store.probe()  # behind whatever is still being written
    now = time.time()
    while time.time() < now + 2 * MOMENT:
        pass


def is_unique_id(text: str) -> bool:
    """RFC 1939, section 7: 1 to 70 characters of 0x21 to 0x7E."""
    return 1 <= len(text) <= 70 and all("\x21" <= character <= "\x7e" for character in text)


class Fixtures:
    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Override: a function that makes a new, empty store."""
        raise NotImplementedError("derive from StoreContract and override make_store")

    @pytest_asyncio.fixture
    async def store(self, make_store: MakeStore) -> AsyncIterator[Engine]:
        store = make_store()
        yield store
        await store.close()
