"""A maildrop of 100,000 messages, and one of a million.

*Cold* is the first session in a maildrop since the server was started (the maildrops are filled
before that, or right after it): nothing of it is in the server's memory, while the kernel may still
have its files. *Warm* is when every worker has seen all of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.realservers.server import open_folder

from bench.figures import MILLI, Figure, Stopwatch
from bench.peers.contract import Mail, Peer
from bench.peers.pillarbox import House
from bench.works.common import sign_in
from bench.works.mail import BIG, TINY

_WARM = 4
"""Sessions before it counts as warm: the system spreads them over the workers."""
_MILLION = 1_000_000


def big_maildrop(peer: Peer, user: str = BIG) -> Iterator[Figure]:
    """Milliseconds of CPU for each command; cold ones only where nobody has looked before."""
    if user not in peer.visited:
        peer.visited.add(user)
        yield from _session(peer, user, " cold")
    for _ in range(_WARM):
        _session(peer, user)
    yield from _session(peer, user)


def million(rounds: int) -> Iterator[Figure]:
    """The same of a million, on Pillarbox alone: filled once, and served anew for each round."""
    with open_folder() as folder:
        house = House(folder, {BIG: Mail(_MILLION, TINY)})
        for _ in range(rounds):
            with house.serving() as peer:
                yield from big_maildrop(peer)


def _session(peer: Peer, user: str, cold: str = "") -> list[Figure]:
    count = peer.users[user].count
    work = f"{count:,} messages{cold}: "
    figures = []
    watch = Stopwatch(peer)
    with sign_in(peer, user) as client:
        if int(client.command(b"STAT").split()[1]) != count:
            raise AssertionError("some are missing")
        figures.append(watch.figure(work + "sign in and STAT", 1, "ms", MILLI))
        for command in (b"UIDL", b"LIST"):
            watch = Stopwatch(peer)
            if client.listing(command).count(b"\n") != count + 2:
                raise AssertionError("a short listing")
            figures.append(watch.figure(work + command.decode(), 1, "ms", MILLI))
        watch = Stopwatch(peer)
        for number in (1, count):
            if len(client.listing(b"RETR %d" % number)) < TINY:
                raise AssertionError("a short message")
        figures.append(watch.figure(work + "RETR first and last", 2, "ms", MILLI))
        client.quit()
    return figures
