"""Replies to LIST and UIDL are remembered while they are true, and within bounds."""

from collections.abc import Collection, Hashable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import NullMeter
from pillarbox.contracts.store import Body
from pillarbox.model import Column, Identity, MessageInfo, Recipient
from pillarbox.sasl.claims import Claim, ScramKeys
from pillarbox.server.limits import Policy
from pillarbox.server.listings import MAX_REPLY, REPLY_COST, Listings
from pillarbox.server.session import Services, Session
from pillarbox.server.verbs import respond
from pillarbox.store.memory import MemoryMaildrop, MemoryStore
from pillarbox.wire.canonical import stored_form
from pillarbox.wire.commands import Command
from pillarbox.wire.replies import Reply
from pillarbox.wire.verbs import Verb


class Counting:
    """A maildrop that counts how often its list is read."""

    def __init__(self, maildrop: MemoryMaildrop) -> None:
        self._maildrop = maildrop
        self.count = maildrop.count
        self.octets = maildrop.octets
        self.reads = 0

    @property
    def listing_key(self) -> Hashable:
        return self._maildrop.listing_key

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        self.reads += 1
        return await self._maildrop.messages(first, last)

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        self.reads += 1
        return await self._maildrop.column(column, first, last)

    async def octets_of(self, numbers: Collection[int]) -> int:
        self.reads += 1
        return await self._maildrop.octets_of(numbers)

    async def body(self, number: int) -> Body:
        return await self._maildrop.body(number)

    async def commit(self, numbers: Collection[int]) -> None:
        await self._maildrop.commit(numbers)

    async def release(self) -> None:
        await self._maildrop.release()


class House:
    """Sessions on one store; nobody has to sign in."""

    def __init__(self, authenticator: Authenticator) -> None:
        self.store = MemoryStore()
        self.services = Services(self.store, authenticator, Policy(), NullMeter())

    async def put(self, text: str) -> None:
        await self.store.deliver(stored_form(text.encode()), [Recipient("alice")])

    async def session(self) -> tuple[Session, Counting]:
        session = Session(self.services, "127.0.0.1")
        maildrop = Counting(await self.store.open(Identity("alice")))
        session.identity, session.maildrop = Identity("alice"), maildrop
        return session, maildrop


class Nobody:
    scram_hashes = frozenset[str]()

    async def check(self, claim: Claim, peer: str) -> Identity:
        raise NotImplementedError

    async def scram_keys(self, name: str, hash_name: str, peer: str) -> ScramKeys:
        raise NotImplementedError


async def _ask(session: Session, verb: Verb, number: int | None = None) -> Reply:
    return await respond(session, Command(verb, number))


async def test_a_poll_that_finds_nothing_new_reads_no_list() -> None:
    house = House(Nobody())
    await house.put("one")
    await house.put("two")
    first: list[Reply] = []
    for visit in range(2):
        session, maildrop = await house.session()
        replies = [await _ask(session, verb) for verb in (Verb.LIST, Verb.UIDL)]
        assert all(isinstance(reply.content, bytes) and reply.content for reply in replies)
        first = first or replies
        assert replies == first
        assert maildrop.reads == (2 if visit == 0 else 0)
        await session.release()


async def test_new_mail_and_deletions_are_seen_at_once() -> None:
    house = House(Nobody())
    await house.put("one")
    session, _ = await house.session()
    assert (await _ask(session, Verb.LIST)).content == b"1 5\r\n"
    await session.release()
    await house.put("longer")
    session, _ = await house.session()
    assert (await _ask(session, Verb.LIST)).content == b"1 5\r\n2 8\r\n"
    await _ask(session, Verb.DELE, 1)
    await _ask(session, Verb.QUIT)
    session, _ = await house.session()
    assert (await _ask(session, Verb.LIST)).content == b"1 8\r\n"


async def test_marks_are_one_sessions_own() -> None:
    house = House(Nobody())
    await house.put("one")
    await house.put("two")
    session, _ = await house.session()
    await _ask(session, Verb.DELE, 1)
    marked = [(await _ask(session, verb)).content for verb in (Verb.LIST, Verb.UIDL)]
    assert marked[0] == b"2 5\r\n"
    await session.release()
    session, _ = await house.session()
    assert (await _ask(session, Verb.LIST)).content == b"1 5\r\n2 5\r\n"
    await _ask(session, Verb.DELE, 2)
    assert (await _ask(session, Verb.LIST)).content == b"1 5\r\n"


def test_what_is_too_long_is_not_remembered() -> None:
    listings = Listings()
    listings.remember("alice", 1, b"x" * (MAX_REPLY + 1))
    assert listings.find("alice", 1) is None
    listings.remember("alice", 1, b"x" * MAX_REPLY)
    assert listings.find("alice", 1) == b"x" * MAX_REPLY


def test_one_reply_is_kept_for_each_and_only_under_its_key() -> None:
    listings = Listings()
    for key in range(1000):  # a maildrop whose listing changes again and again
        listings.remember("alice", key, b"%d" % key)
    listings.remember("bob", 999, b"bob's")
    assert len(listings) == 2
    assert listings.find("alice", 999) == b"999"
    assert listings.find("alice", 998) is None
    assert listings.find("bob", 999) == b"bob's"


def test_the_one_not_asked_for_the_longest_leaves_first() -> None:
    listings = Listings(limit=3 * (REPLY_COST + 10))
    for name in "abc":
        listings.remember(name, 1, b"0123456789")
    listings.find("a", 1)
    listings.remember("d", 1, b"0123456789")
    assert [name for name in "abcd" if listings.find(name, 1) is not None] == ["a", "c", "d"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 300))))
def test_memory_is_bounded_whatever_comes(replies: list[tuple[int, int]]) -> None:
    limit = 4000
    listings = Listings(limit=limit)
    for name, octets in replies:
        listings.remember(name, octets, bytes(octets))
    found = [
        made
        for name in range(21)
        for octets in range(301)
        if (made := listings.find(name, octets)) is not None
    ]
    assert sum(len(made) + REPLY_COST for made in found) <= limit
    assert len(found) == len(listings)
