"""The limit: a bare uvloop server that moves the same bytes in the same round trips.

It knows every reply beforehand, checks nothing and keeps nothing, so no server in Python on
this event loop can be cheaper. How far Pillarbox is from it is a figure that holds on a fast
machine and a slow one, a quiet one and a busy one. Started with ``python -m bench.peers.limit``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import cast

import uvloop
from tests.ports import free_port
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.client import Client
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.processes import (
    HOST,
    make_certificate,
    running,
    wait_until_it_listens,
)
from bench.works.mail import POLLED

GREETING = b""
"""What the greeting is kept under: it answers nothing."""
_MESSAGES = 50
_COMMANDS = (
    b"STAT",
    b"UIDL",
    b"LIST",
    *(b"RETR %d" % number for number in range(1, _MESSAGES + 1)),
    b"QUIT",
)


class Parrot(asyncio.Protocol):
    """Says what it was told to say."""

    def __init__(self, replies: dict[bytes, bytes], greeting: bytes) -> None:
        self._replies = replies
        self._greeting = greeting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is its own class
        self._transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        lines = data.split(b"\r\n")
        self._transport.write(b"".join([self._replies[line] for line in lines[:-1]]))
        if lines[-2] == b"QUIT":
            self._transport.close()


@contextmanager
def limit(example: Peer) -> Iterator[Peer]:
    """A running bare server that says to all users what *example* says to the first."""
    ports = {"pop3": free_port(), "pop3s": free_port()}
    with open_folder() as folder, open_account("limit") as account:
        tls = make_certificate(folder)
        told = {k.decode(): v.decode("latin-1") for k, v in learn(example).items()}
        (folder / "replies.json").write_text(json.dumps(told))
        command = [
            sys.executable,
            "-m",
            "bench.peers.limit",
            str(folder),
            *map(str, ports.values()),
        ]
        log = folder / "log"
        with running(command, log, account) as process:
            for port in ports.values():
                wait_until_it_listens(process, (HOST, port), log)
            yield Peer(
                "limit: bare uvloop",
                version("uvloop"),
                account,
                ports["pop3"],
                ports["pop3s"],
                None,
                tls,
                dict.fromkeys(POLLED, Mail(_MESSAGES)),
                lambda _user: None,
                limit=True,
            )


def learn(example: Peer) -> dict[bytes, bytes]:
    """What the real server says to each command, and first of all."""
    client = Client(example.pop3).meet()
    replies = {GREETING: client.greeting}
    user = client.command(b"USER " + POLLED[0].encode())
    replies |= {b"USER " + name.encode(): user for name in POLLED}
    sign_in = b"PASS " + PASSWORD.encode()
    replies[sign_in] = client.command(sign_in)
    for command in _COMMANDS:
        ask = client.command if command in {b"STAT", b"QUIT"} else client.listing
        replies[command] = ask(command)
    client.socket.close()
    return replies


async def _serve(folder: Path, pop3: int, pop3s: int) -> None:
    replies = json.loads((folder / "replies.json").read_text())
    told = {k.encode(): v.encode("latin-1") for k, v in replies.items()}
    greeting = told.pop(GREETING)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    loop = asyncio.get_running_loop()
    for port, tls in ((pop3, None), (pop3s, context)):
        await loop.create_server(lambda: Parrot(told, greeting), HOST, port, ssl=tls)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
