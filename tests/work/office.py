"""A post office in this process, built as a worker builds its own, and a client for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from pillarbox.app.config.settings import Config, Delivery, Server
from pillarbox.app.config.store import StoreSettings
from pillarbox.app.wire_up import ACCOUNTS_FILE
from pillarbox.app.wire_up_servers import PostOffice, open_post_office
from pillarbox.auth.accounts import Accounts
from pillarbox.contracts.meter import NullMeter
from pillarbox.contracts.store import Store
from pillarbox.model import Recipient
from pillarbox.server.limits import LocalTally
from pillarbox.server.listener import Pop3Server
from pillarbox.store.embedded import EmbeddedStore
from pillarbox.wire.canonical import stored_form
from tests.transport import Client, MemoryTransport

DOMAIN = "example.org"
PASSWORD = "a fine and private place"
USER = "alice"

_END = b"\r\n.\r\n"


def message(octets: int) -> bytes:
    """A message of so many octets, in lines of sixty characters."""
    header = b"Subject: work\r\n\r\n"
    lines = b"%s\r\n" % (b"x" * 60) * (octets // 62 + 1)
    return header + lines[: octets - len(header) - 2] + b"\r\n"


@contextlib.asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[PostOffice]:
    """With one account, :data:`USER`'s."""
    config = Config(
        server=Server(hostname="localhost", workers=1),
        store=StoreSettings(path=folder / "store"),
        delivery=Delivery(domains=(DOMAIN,)),
    )
    accounts = Accounts(config.store.path / ACCOUNTS_FILE)
    accounts.add(USER, PASSWORD)
    accounts.close()
    office = await open_post_office(
        config, pop3_tls=None, smtp_tls=None, meter=NullMeter(), tally=LocalTally(1000, 1000)
    )
    try:
        yield office
    finally:
        await office.stop(0)


async def put(store: Store, number: int, octets: int, users: Iterable[str] = (USER,)) -> None:
    """Deliver so many messages of this size to each of *users*."""
    recipients = [Recipient(user) for user in users]
    stored = stored_form(message(octets), international=False)
    answers = await asyncio.gather(*(store.deliver(stored, recipients) for _ in range(number)))
    assert not any(outcome for outcomes in answers for outcome in outcomes)


async def quiet(store: Store) -> None:
    """Wait until nothing is written any more, nor tidied up."""
    assert isinstance(store, EmbeddedStore)
    for shard in store.all_shards:
        writer = shard.writer
        while shard.seen._pending or writer.backlog or writer._untidy or writer._shrunk:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0)


class Sink(MemoryTransport):
    """A transport whose client reads all and keeps none of it: nothing is copied here."""

    octets = 0
    _ending = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:
            self.octets += len(data)
            self._ending = (self._ending + bytes(data[-len(_END) :]))[-len(_END) :]

    def forget(self) -> None:
        """What has been written so far is no answer to what comes next."""
        self._ending = b""

    def has(self, ending: bytes) -> bool:
        """Whether this is the end of what was written."""
        return self._ending.endswith(ending)


class Visitor(Client):
    """A client that waits for each reply, however long it takes, and counts its octets."""

    def __init__(self, server: Pop3Server) -> None:
        super().__init__(server)
        self.transport: Sink = Sink(self.connection, "127.0.0.1")

    async def ask(self, *commands: bytes, long: bool = False) -> int:
        """The octets of the replies, which are *long* (of many lines) or not."""
        before = self.transport.octets
        for command in commands:
            self.transport.forget()
            self.transport.client_sends(command + b"\r\n")
            while not self.transport.has(_END if long else b"\r\n"):  # noqa: ASYNC110 - there is no event of it
                await asyncio.sleep(0)
        return self.transport.octets - before

    async def signed_in(self, user: str = USER, password: str = PASSWORD) -> Visitor:
        await self.connect()
        await self.ask(f"USER {user}".encode(), f"PASS {password}".encode())
        assert self.connection.session.maildrop is not None
        return self

    async def leave(self) -> None:
        await self.ask(b"QUIT")
        assert self.transport.closed
        await asyncio.sleep(0)  # the transport tells the connection


async def poll(server: Pop3Server, user: str = USER, password: str = PASSWORD) -> None:
    """What a client does that looks for new mail."""
    visitor = await Visitor(server).signed_in(user, password)
    await visitor.ask(b"STAT")
    await visitor.ask(b"UIDL", b"LIST", long=True)
    await visitor.leave()


async def send_by_lmtp(office: PostOffice, content: bytes) -> None:
    """Deliver one message to :data:`USER`, as an MTA does."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    await office.delivery.listen("lmtp", listening)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def hear(code: bytes) -> None:
        while (heard := await reader.readline())[3:4] == b"-":
            pass
        assert heard.startswith(code), heard

    await hear(b"220")
    for said, code in (
        (b"LHLO client.test\r\n", b"250"),
        (b"MAIL FROM:<sender@example.net>\r\n", b"250"),
        (f"RCPT TO:<{USER}@{DOMAIN}>\r\n".encode(), b"250"),
        (b"DATA\r\n", b"354"),
        (content + b".\r\n", b"250"),
        (b"QUIT\r\n", b"221"),
    ):
        writer.write(said)
        await hear(code)
    writer.close()
    await writer.wait_closed()
