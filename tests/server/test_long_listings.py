"""Listings of many pages: remembered when they were sent whole, within bounds, while they are true."""

from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from pillarbox.server import long_listings, transaction
from pillarbox.server.listings import MAX_REPLY
from pillarbox.server.long_listings import LONGEST, MOST_HELD, PIECE, LongListings
from pillarbox.wire.replies import Pieces
from pillarbox.wire.verbs import Verb
from tests.server.test_listings import House, Nobody, _ask

LISTS = (Verb.LIST, Verb.UIDL)


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def pages(*made: bytes) -> AsyncGenerator[bytes, None]:
    for page in made:
        yield page


async def sent(listings: LongListings, *made: bytes, key: object = 1) -> bytes:
    return await whole(listings.first("alice", key, pages(*made)))


async def test_what_was_sent_whole_is_remembered_under_its_key() -> None:
    listings = LongListings()
    assert await sent(listings, b"one", b"two") == b"onetwo"
    assert listings.find("alice", 1) == b"onetwo"
    assert listings.find("alice", 2) is None
    assert listings.find("bob", 1) is None


async def test_what_broke_off_is_not_remembered() -> None:
    listings = LongListings()
    pieces = listings.first("alice", 1, pages(b"one", b"two"))
    assert await anext(pieces) == b"one"
    await pieces.aclose()
    assert listings.find("alice", 1) is None

    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"one"
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        await whole(listings.first("alice", 1, failing()))
    assert listings.find("alice", 1) is None


async def test_pages_are_held_for_few_at_once() -> None:
    """However slowly clients read; what is held is given back in the end."""
    listings = LongListings()
    slow = [listings.first(number, 1, pages(b"one", b"two")) for number in range(MOST_HELD + 1)]
    for pieces in slow:
        await anext(pieces)
    for pieces in slow:
        assert await whole(pieces) == b"two"
    assert [listings.find(number, 1) for number in range(MOST_HELD + 1)] == [
        *[b"onetwo"] * MOST_HELD,
        None,
    ]
    broken = [listings.first(number, 2, pages(b"one", b"two")) for number in range(MOST_HELD)]
    for pieces in broken:
        await anext(pieces)
        await pieces.aclose()
    assert await sent(listings, b"again", key=3) == b"again"
    assert listings.find("alice", 3) == b"again"


async def test_what_is_too_long_is_sent_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_listings, "LONGEST", 10)
    listings = LongListings()
    assert await sent(listings, b"12345", b"67890") == b"1234567890"
    assert listings.find("alice", 1) == b"1234567890"
    assert await sent(listings, b"12345", b"67890", b"1", b"2", key=2) == b"123456789012"
    assert listings.find("alice", 2) is None


async def test_a_remembered_one_comes_in_pieces_that_a_slow_client_can_take() -> None:
    listings = LongListings()
    listing = bytes(range(256)) * (3 * PIECE // 256) + b"end"
    assert len(listing) < LONGEST
    pieces = [piece async for piece in listings.again(listing)]
    assert b"".join(pieces) == listing
    assert max(map(len, pieces)) <= PIECE


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "FEW", 2)
    monkeypatch.setattr(transaction, "PAGE", 2)


async def listed(house: House, verb: Verb) -> tuple[bytes, int]:
    """What a new session hears, and how often it read the list for it."""
    session, maildrop = await house.session()
    content = (await _ask(session, verb)).content
    heard = content if isinstance(content, bytes) else await read(content)
    await session.release()
    return heard, maildrop.reads


async def read(content: Pieces | None) -> bytes:
    assert content is not None
    return await whole(aiter(content))


@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize("verb", LISTS)
async def test_a_poll_of_many_pages_reads_them_once(verb: Verb) -> None:
    house = House(Nobody())
    for number in range(5):
        await house.put("x" * number)
    first, reads = await listed(house, verb)
    assert (first.count(b"\r\n"), reads) == (5, 3)
    assert await listed(house, verb) == (first, 0)


@pytest.mark.parametrize("verb", LISTS)
@pytest.mark.parametrize("above", [0, 1])
async def test_one_page_is_remembered_however_long_it_is(
    monkeypatch: pytest.MonkeyPatch, verb: Verb, above: int
) -> None:
    """Between what is short and what has several pages there is no gap."""
    monkeypatch.setattr(transaction, "FEW", 3 - above)
    house = House(Nobody())
    for number in range(3):
        await house.put("x" * number)
    first, reads = await listed(house, verb)
    assert (first.count(b"\r\n"), reads) == (3, 1)
    assert await listed(house, verb) == (first, 0)


def test_what_goes_out_whole_is_short_enough_to_be_remembered() -> None:
    longest = f"{transaction.FEW} {'u' * 70}\r\n"
    assert transaction.FEW * len(longest) <= MAX_REPLY


@pytest.mark.usefixtures("pages_of_two")
async def test_new_mail_deletions_and_marks_are_seen_at_once() -> None:
    house = House(Nobody())
    for _ in range(3):
        await house.put("one")
    assert await listed(house, Verb.LIST) == (b"1 5\r\n2 5\r\n3 5\r\n", 2)
    await house.put("longer")
    assert (await listed(house, Verb.LIST))[0] == b"1 5\r\n2 5\r\n3 5\r\n4 8\r\n"
    session, _ = await house.session()
    await _ask(session, Verb.DELE, 2)
    assert await read((await _ask(session, Verb.LIST)).content) == b"1 5\r\n3 5\r\n4 8\r\n"  # type: ignore[arg-type] # pieces, not bytes
    await _ask(session, Verb.RSET)
    assert await read((await _ask(session, Verb.LIST)).content) == b"1 5\r\n2 5\r\n3 5\r\n4 8\r\n"  # type: ignore[arg-type] # the same
    await _ask(session, Verb.DELE, 1)
    await _ask(session, Verb.QUIT)
    assert (await listed(house, Verb.LIST))[0] == b"1 5\r\n2 5\r\n3 8\r\n"
