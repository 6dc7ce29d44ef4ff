"""The limit: a bare uvloop server that moves the same bytes in the same round trips.

It knows every reply beforehand, checks nothing and keeps nothing, so no server in Python on
this event loop can be cheaper. How far Pillarbox is from it is a figure that holds on a fast
machine and a slow one, a quiet one and a busy one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import uvloop

from bench.client import Client
from bench.office import PASSWORD, Office

GREETING = "greeting"
_COMMANDS = ("STAT", "UIDL", "LIST", "RETR 1", "QUIT")


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
def limit(office: Office, user: str) -> Iterator[Office]:
    """A running bare server, to be driven as if it were *office*."""
    replies = _learn(office, user)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.limit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(replies).encode() + b"\n")
    process.stdin.flush()
    try:
        yield replace(
            office, pid=process.pid, pop3=int(process.stdout.readline()), users={user: 50}
        )
    finally:
        process.terminate()
        process.communicate()


def _learn(office: Office, user: str) -> dict[str, str]:
    """What the real server says to each command."""
    client = Client(office.pop3)
    replies = {GREETING: client.greeting, f"USER {user}": client.command(f"USER {user}".encode())}
    replies[f"PASS {PASSWORD}"] = client.command(f"PASS {PASSWORD}".encode())
    for command in _COMMANDS:
        ask = client.command if command in {"STAT", "QUIT"} else client.listing
        replies[command] = ask(command.encode())
    client.socket.close()
    return {command: reply.decode("latin-1") for command, reply in replies.items()}


async def _serve() -> None:
    told = {k.encode(): v.encode("latin-1") for k, v in json.loads(sys.stdin.readline()).items()}
    greeting = told.pop(GREETING.encode())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Parrot(told, greeting), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
