"""RETR: small messages one at a time and many in a write, and large ones."""

from __future__ import annotations

import time
from itertools import cycle, islice

from bench.figures import NANO, Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import named, sign_in
from bench.works.lockstep import WIDTH, Lockstep, open_lockstep
from bench.works.mail import POLLED, SMALL

_MESSAGE = 2
"""Not the first: one server has put fields in front of it."""
_IN_A_ROW = range(2, 22)
"""Messages that are asked for one after the other, over and over."""
_LONG_ENOUGH = 2.0
"""Seconds of a round: some servers send a message in pieces, and wait for the client's kernel in
between, which it has them do for 40 milliseconds (Nagle's algorithm and delayed acknowledgements)."""
_AT_LEAST = 10
"""Times that each client asks, all the same."""


def retrieve(peer: Peer, rounds: int, *, tls: bool = False, batch: int = 1) -> Figure:
    """RETR of 5 kB by clients in lockstep, one at a time or *batch* in a write.

    Each goes through messages one after the other, as whoever collects mail does.
    """
    with open_lockstep(peer, WIDTH, tls=tls) as together:
        together.sign_in(POLLED)
        replies = {number: _retrieved(together, number) for number in _IN_A_ROW}
        wanted, passes = -(-rounds // (batch * WIDTH)), 0
        asked = cycle(_IN_A_ROW)
        until = time.monotonic() + _LONG_ENOUGH
        watch = Stopwatch(peer)
        while passes < wanted and (passes < _AT_LEAST or time.monotonic() < until):
            batched = [*islice(asked, batch)]
            commands = b"".join([b"RETR %d\r\n" % number for number in batched])
            whole = zip(*(replies[number] for number in batched), strict=True)
            together.exactly(commands, [b"".join(each) for each in whole])
            watch.lap(WIDTH)
            passes += 1
        how = f"{batch} in a write" if batch > 1 else "one at a time"
        figure = watch.figure(named(f"RETR 5 kB, {how}", tls=tls), passes * batch * WIDTH)
        together.lines(b"QUIT")
    return figure


def _retrieved(together: Lockstep, number: int) -> list[bytes]:
    """What each client is told of that message."""
    for client in together.clients:
        client.say(b"RETR %d\r\n" % number)
    replies = [client.multiline() for client in together.clients]
    for reply in replies:
        if len(reply) < SMALL:
            raise AssertionError(f"a short message: {reply[:200]!r}")
    return replies


def large(peer: Peer, rounds: int, *, tls: bool = False) -> Figure:
    """RETR of 5 MB."""
    with sign_in(peer, "large", tls=tls) as client:
        reply = client.listing(b"RETR %d" % _MESSAGE)
        watch = Stopwatch(peer)
        for _ in range(rounds):
            client.exactly(b"RETR %d\r\n" % _MESSAGE, reply)
        figure = watch.figure(named("RETR 5 MB", tls=tls), rounds * len(reply), "ns/byte", NANO)
        client.quit()
    return figure


def drain(peer: Peer, user: str) -> Figure:
    """RETR and DELE of all, pipelined, then QUIT, whose deletions are then durable."""
    count = peer.users[user].count
    client = sign_in(peer, user)
    if int(client.command(b"STAT").split()[1]) != count:
        raise AssertionError("the maildrop is not full")
    reply = client.listing(b"RETR %d" % _MESSAGE)
    watch = Stopwatch(peer)
    size = len(client.listing(b"RETR 1"))
    client.command(b"DELE 1")
    for first in range(2, count + 1, 50):
        last = min(first + 49, count)
        client.drain(first, last, len(reply))
    client.quit()
    figure = watch.figure("drain, RETR and DELE pipelined", count)
    if size < SMALL:
        raise AssertionError("a short message")
    peer.refill(user)
    return figure
