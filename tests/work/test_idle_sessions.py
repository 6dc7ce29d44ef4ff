"""What a session holds that says nothing: a server has thousands of them.

Counted is what Python gives out for Pillarbox; buffers of the event loop, of TLS and of the system
are not (``python -m bench --only idle`` measures those).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from math import inf
from pathlib import Path

import pytest

from pillarbox.server.listener import Pop3Server
from pillarbox.store.embedded import open_store
from tests.transport import make_server
from tests.work.conftest import Within
from tests.work.holdings import Holdings
from tests.work.judging import Spent
from tests.work.office import Visitor, poll, put, quiet
from tests.world import Accounts

pytestmark = pytest.mark.usefixtures("no_collection")

FIRST = 10
"""Sessions that come first, and with which come things that are there once for all."""
SESSIONS = 20
PASSWORD = "secret"
USERS = tuple(f"user{number}" for number in range(FIRST + SESSIONS))

Opening = Callable[[Pop3Server, str], Awaitable[Visitor]]


async def greeted(server: Pop3Server, user: str) -> Visitor:
    visitor = Visitor(server)
    await visitor.connect()
    return visitor


async def signed_in(server: Pop3Server, user: str) -> Visitor:
    return await Visitor(server).signed_in(user, PASSWORD)


async def listed(server: Pop3Server, user: str) -> Visitor:
    visitor = await signed_in(server, user)
    await visitor.ask(b"UIDL", b"LIST", long=True)
    return visitor


async def retrieved(server: Pop3Server, user: str) -> Visitor:
    visitor = await signed_in(server, user)
    await visitor.ask(b"RETR 1", b"RETR 2", long=True)
    return visitor


async def marked(server: Pop3Server, user: str) -> Visitor:
    """Holds its listing: LIST and UIDL need not read it when the reply is remembered."""
    visitor = await signed_in(server, user)
    await visitor.ask(b"DELE 1")
    return visitor


@pytest.fixture
def holdings() -> Iterator[Callable[[], Holdings]]:
    """Begins to look."""
    made: list[Holdings] = []

    def begin() -> Holdings:
        made.append(Holdings())
        return made[-1]

    yield begin
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("opened", "what"),
    [
        (greeted, "an idle session, not signed in"),
        (signed_in, "an idle session, signed in"),
        (listed, "an idle session, after UIDL and LIST of 50"),
        (retrieved, "an idle session, after RETR"),
        (marked, "an idle session, after DELE among 50"),
    ],
    ids=["greeted", "signed-in", "listed", "retrieved", "marked"],
)
async def test_an_idle_session(
    opened: Opening,
    what: str,
    tmp_path: Path,
    holdings: Callable[[], Holdings],
    within: Within,
) -> None:
    # With default_holds no sign-in waits for its note: the timer of such a wait would be freed at
    # some time, and its memory used again without anybody's seeing it.
    store = open_store(tmp_path / "store", shards=2, default_holds=True)
    store.hold()
    server = make_server(store, Accounts(dict.fromkeys(USERS, PASSWORD)))
    await put(store, 50, 100, USERS)
    for user in USERS:
        await poll(server, user, PASSWORD)
    await quiet(store)
    looking = holdings()
    visitors = [await opened(server, user) for user in USERS[:FIRST]]
    before = looking.held()
    visitors += [await opened(server, user) for user in USERS[FIRST:]]
    for shard in store.all_shards:
        shard.ahead.let_stale_go(inf)  # as happens after a moment by itself
    found = looking.held().by_each_of(SESSIONS, before)
    await server.stop(0)  # which removes nothing
    await store.close()
    within(
        Spent(f"{what}: blocks", round(found.blocks.total() / SESSIONS), found.blocks),
        Spent(f"{what}: octets", round(found.octets.total() / SESSIONS), found.octets),
    )
