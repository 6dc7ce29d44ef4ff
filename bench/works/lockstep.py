"""Several clients in lockstep: each says its words, then all hear their replies.

A single client that waits for each reply finds the server asleep each time, and measures mostly how dear
it is to wake an idle core of a virtual machine: one server's session cost between 260 and 565 µs.
With eight there is always something to do, as there is at a post office, and a figure holds
within a few per cent. What each client says, and what is checked, is the same as for one alone.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.client import Client
from bench.peers.contract import PASSWORD, Peer
from bench.works.common import begin

WIDTH = 8
"""Clients: more than there are workers, few enough for each to be heard at once."""


class Lockstep:
    """Clients that have been greeted."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self.clients = clients

    def lines(self, *commands: bytes) -> None:
        """One command for each (or the same for all), whose reply is one good line."""
        for client, command in zip(self.clients, self._each(commands), strict=True):
            client.say(command + b"\r\n")
        for client in self.clients:
            client.line()

    def exactly(self, commands: bytes, replies: Sequence[bytes]) -> None:
        """The same commands for all; what each hears is its one of *replies*, to the last octet."""
        for client in self.clients:
            client.say(commands)
        for client, reply in zip(self.clients, replies, strict=True):
            client.hear(reply)

    def sign_in(self, users: Iterable[str], passwords: Iterable[str] = (PASSWORD,)) -> None:
        """USER and PASS, one user for each; and one password, or the same for all."""
        self.lines(*(b"USER " + user.encode() for user in users))
        self.lines(*(b"PASS " + password.encode() for password in passwords))

    def _each(self, commands: Sequence[bytes]) -> Sequence[bytes]:
        return commands if len(commands) > 1 else [*commands] * len(self.clients)


@contextmanager
def open_lockstep(
    peer: Peer, count: int, *, tls: bool = False, session: ssl.SSLSession | None = None
) -> Iterator[Lockstep]:
    """So many clients, whose handshakes go in lockstep, too; all are closed when the block is left.

    *session*: of TLS, which all of them resume.
    """
    with ExitStack() as opened:
        clients = [
            opened.enter_context(begin(peer, tls=tls, session=session)) for _ in range(count)
        ]
        for client in clients:
            client.meet()
        yield Lockstep(clients)
