"""All works, in order: what each is called, which servers can do it, how much of it makes a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from bench.figures import Figure, Finding
from bench.peers.contract import Peer
from bench.works.big import big_maildrop, million
from bench.works.core import core
from bench.works.day import day
from bench.works.delivery import deliveries
from bench.works.handshakes import VERSIONS, handshakes
from bench.works.idle import idle
from bench.works.logins import logins
from bench.works.mail import BIG, DRAINED, idle_sessions
from bench.works.polls import polls
from bench.works.retrieving import drain, large, retrieve
from bench.works.sessions import sessions

_DAY = 20_000, 40_000, 15_000
"""Accounts, polls, letters."""
_QUICK_DAY = 200, 600, 240


class Work(NamedTuple):
    """One kind of work."""

    name: str
    """For ``--only``."""
    run: Callable[[Peer], Figure | Iterable[Finding]]
    by_heart: bool = False
    """The bare server knows the replies, too."""
    delivers: bool = False
    """Wants a server with LMTP."""
    tls: bool = False
    """Wants one with TLS."""
    once: bool = False
    """In the first round only."""

    def suits(self, peer: Peer) -> bool:
        """Whether *peer* can take part."""
        return (
            (self.by_heart or not peer.limit)
            and not (self.delivers and peer.lmtp is None)
            and not (self.tls and peer.pop3s is None)
        )


def _handshakes(rounds: int, version: str, *, resumed: bool) -> Callable[[Peer], Figure]:
    return partial(handshakes, rounds=rounds, version=version, resumed=resumed)


def apart(
    share: float, times: int, without: Callable[[str], bool]
) -> dict[str, Callable[[], Iterable[Finding]]]:
    """Works by name that start servers of their own, or none; *times*: rounds of
    each; *without*: whether to do without a server of that name.
    """
    works: dict[str, Callable[[], Iterable[Finding]]] = {
        "logins": lambda: logins(max(int(400 * share), 40), times),
        "polls": lambda: polls(max(int(1000 * share), 40), max(int(60 * share), 6), times),
        "core": lambda: (figure for _ in range(times) for figure in core(int(2000 * share))),
    }
    works["day"] = lambda: day(*(_DAY if share == 1 else _QUICK_DAY), without)
    if share == 1:  # filling takes longer than a quick bench may
        works["million"] = lambda: million(times)
    return works


def plan(share: float) -> list[Work]:
    """*share* of the operations of a whole round."""

    def of(operations: int) -> int:
        return max(int(operations * share), 50)

    return [
        Work("session", lambda p: sessions(p, of(800)), by_heart=True),
        Work("session tls", lambda p: sessions(p, of(600), tls=True), by_heart=True, tls=True),
        Work(
            "session tls resumed",
            lambda p: sessions(p, of(600), tls=True, resumed=True),
            by_heart=True,
            tls=True,
        ),
        *(
            Work(
                f"handshake {version}{' resumed' if resumed else ''}",
                _handshakes(of(300), version, resumed=resumed),
                by_heart=True,
                tls=True,
            )
            for version in VERSIONS
            for resumed in (False, True)
        ),
        Work("retr", lambda p: retrieve(p, of(16_000)), by_heart=True),
        Work("retr tls", lambda p: retrieve(p, of(8000), tls=True), by_heart=True, tls=True),
        Work("pipelined", lambda p: retrieve(p, of(20_000), batch=50), by_heart=True),
        Work(
            "pipelined tls",
            lambda p: retrieve(p, of(10_000), tls=True, batch=50),
            by_heart=True,
            tls=True,
        ),
        Work("large", lambda p: large(p, max(int(40 * share), 4))),
        Work("large tls", lambda p: large(p, max(int(40 * share), 4), tls=True), tls=True),
        *(
            Work(
                f"{count} idle{' tls' if tls else ''}",
                partial(idle, sessions=count, tls=tls),
                tls=tls,
                once=True,  # the next ones would find the memory that these have left
            )
            for count in idle_sessions(share)
            for tls in (False, True)
        ),
        Work("big", partial(big_maildrop, user=BIG)),
        Work("drain", partial(drain, user=DRAINED)),
        Work("lmtp 1", lambda p: deliveries(p, of(400)), delivers=True),
        Work("lmtp 32", lambda p: deliveries(p, of(1600), connections=32), delivers=True),
        Work(
            "lmtp 50 recipients",
            lambda p: deliveries(p, max(int(60 * share), 6), recipients=50),
            delivers=True,
        ),
    ]
