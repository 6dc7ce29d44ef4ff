"""Commands in one write, or in any other pieces, are answered as if each had been waited for.

RFC 2449, section 6.6 (PIPELINING). On the embedded engine, which reads ahead of who takes one
message after the other.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.server.limits import MAX_JOINED
from pillarbox.server.listener import Pop3Server
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.wire.canonical import stored_form
from tests.transport import Client, make_server, settle
from tests.world import Accounts

COUNT = 12
LARGE = 4
"""A message that is a file."""


def letter(number: int) -> StoredForm:
    lines = 30_000 // 60 if number == LARGE else number
    head = f"Subject: {number}\r\n\r\n".encode()
    return stored_form(head + f".{number} and some more text\r\n".encode() * lines)


LETTERS = [letter(number) for number in range(1, COUNT + 1)]

ALL = [f"RETR {number}" for number in range(1, COUNT + 1)]
DRAIN = [line for number in range(1, COUNT + 1) for line in (f"RETR {number}", f"DELE {number}")]
MIXED = [
    "RETR 1",
    "retr 2",
    "NOOP",
    "RETR 3",
    "DELE 3",
    "RETR 3",
    "RETR 4",
    "RETR 5",
    "TOP 6 1",
    "STAT",
    "RETR 7",
    "LIST 8",
    "RETR 8",
    "RETR 8",
    "RETR  9 ",
    "RETR 99",
    "RETR 0",
    "NONSENSE",
    "UIDL 10",
    "RETR 10",
    "LIST",
    "RSET",
    "RETR 3",
    "RETR 12",
]


async def put(store: EmbeddedStore, message: StoredForm) -> None:
    assert await store.deliver(message, [Recipient("mrose")]) == [None]
    await (await store.open(Identity("mrose"))).release()  # the first opening waits for a disk


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = open_store(tmp_path, shards=1, inline_bytes=10_000)
    for message in LETTERS:
        await put(store, message)
    yield store
    await store.close()


@pytest.fixture
def server(engine: EmbeddedStore, accounts: Accounts) -> Pop3Server:
    return make_server(engine, accounts)


def written(commands: Sequence[str]) -> bytes:
    return "".join(f"{command}\r\n" for command in commands).encode()


async def all_heard(client: Client, octets: int) -> bytes:
    """What the server has said, once it is so many *octets*."""
    said = client.heard()
    while len(said) < octets:
        await settle()
        said += client.heard()
    return said


async def one_by_one(server: Pop3Server, commands: Sequence[str]) -> list[bytes]:
    """The reply to each command, in a session that removes nothing."""
    client = await Client(server).sign_in()
    replies = []
    for command in commands:
        reply = await client.say(f"{command}\r\n".encode())
        several = command.startswith(("RETR", "retr", "TOP")) or command == "LIST"
        while not reply.endswith(b"\r\n.\r\n" if several and reply[:1] == b"+" else b"\r\n"):
            await settle()
            reply += client.heard()
        replies.append(reply)
    client.transport.client_cuts()
    await settle()
    return replies


@pytest.mark.parametrize("commands", [ALL, DRAIN, MIXED], ids=["all", "drain", "mixed"])
async def test_in_any_pieces(server: Pop3Server, commands: Sequence[str]) -> None:
    replies = b"".join(await one_by_one(server, commands))
    data = written(commands)
    for chunk in range(1, len(data) + 1):
        client = await Client(server).sign_in()
        client.heard()
        said = await client.say(data, chunk)
        said += await all_heard(client, len(replies) - len(said))
        assert said == replies, chunk
        client.transport.client_cuts()
        await settle()


async def test_each_reply_is_its_own_message(server: Pop3Server) -> None:
    for number, reply in enumerate(await one_by_one(server, ALL), 1):
        status, _, content = reply.partition(b"\r\n")
        assert status.startswith(b"+OK")
        assert content == LETTERS[number - 1].data + b".\r\n"


async def test_what_is_marked_is_refused_and_taken_back(server: Pop3Server) -> None:
    said = dict(zip(MIXED[4:6], (await one_by_one(server, MIXED))[4:6], strict=True))
    assert said["DELE 3"].startswith(b"+OK")
    assert said["RETR 3"].startswith(b"-ERR")
    assert (await one_by_one(server, MIXED))[-2].endswith(LETTERS[2].data + b".\r\n")


async def test_a_pipelined_drain_removes_all_that_it_has_sent(
    server: Pop3Server, engine: EmbeddedStore
) -> None:
    client = await Client(server).sign_in()
    client.heard()
    client.transport.client_sends(written([*DRAIN, "QUIT"]))
    said = b""
    while not re.search(rb"goodbye.*\r\n$", said):
        await settle()
        said += client.heard()
    for message in LETTERS:
        assert message.data + b".\r\n" in said
    assert (await engine.status("mrose")).count == 0


async def test_a_message_that_is_written_by_itself_is_written_once(
    server: Pop3Server, engine: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status line, content and terminator together, whatever the size of what is at hand."""
    small = stored_form(b"Subject: x\r\n\r\n" + b"y" * (MAX_JOINED + 10) + b"\r\n")
    other = open_store(engine.all_shards[0].folder.parent.with_name("other"), shards=1)
    await put(other, small)
    client = await Client(make_server(other, Accounts({"mrose": "tanstaaf"}))).sign_in()
    writes: list[bytes] = []
    monkeypatch.setattr(client.transport, "write", lambda data: writes.append(bytes(data)))
    await client.say(b"RETR 1\r\n")
    assert len(writes) == 1
    assert writes[0].endswith(small.data + b".\r\n")
    client.transport.client_cuts()
    await settle()
    await other.close()
