"""A maildrop of 100,000 messages (or of a million)."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import MILLI, Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import connect
from bench.works.mail import BIG

_WARM = 10
"""Sign-ins before it counts: every worker knows the password then."""


def big_maildrop(peer: Peer, user: str = BIG) -> Iterator[Figure]:
    """Milliseconds of CPU for each command, of a maildrop that was looked at before."""
    count = peer.users[user].count
    work = f"{count:,} messages: "
    for _ in range(_WARM):
        client = connect(peer, tls=False)
        client.sign_in(user)
        client.quit()
    for warm in (False, True):
        watch = Stopwatch(peer)
        client = connect(peer, tls=False)
        client.sign_in(user)
        if int(client.command(b"STAT").split()[1]) != count:
            raise AssertionError("some are missing")
        if warm:
            yield watch.figure(work + "sign in and STAT", 1, "ms", MILLI)
        for command in (b"UIDL", b"LIST"):
            watch = Stopwatch(peer)
            if client.listing(command).count(b"\n") != count + 2:
                raise AssertionError("a short listing")
            if warm:
                yield watch.figure(work + command.decode(), 1, "ms", MILLI)
        watch = Stopwatch(peer)
        for number in (1, count):
            client.listing(b"RETR %d" % number)
        if warm:
            yield watch.figure(work + "RETR first and last", 2, "ms", MILLI)
        client.quit()
