"""Round trips to the database for each kind of session: listened to on the wire, not guessed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.cluster.driving import Seat
from bench.cluster.letters import letter
from bench.cluster.mail import EMPTY, LARGE, PASSING, POLLED, RECEIVERS, SMALL, SOME_LARGE
from bench.cluster.places import Cluster
from bench.cluster.wiretap import Wiretap, wiretap
from bench.lmtp import Lmtp
from bench.peers.contract import DOMAIN

_TIMES = 20
_QUIET = 0.3
"""Seconds without a word, and what was begun is over."""
_OF_NO_SESSION = ("UPDATE processes", "INSERT INTO pulses", "INSERT INTO processes")
"""What a node says anyhow: that it lives, that it can write."""
_SHOWN = 100
"""Characters of a statement."""


@dataclass(frozen=True)
class Trips:
    """Of one kind of session."""

    what: str
    count: float
    """For each."""
    statements: dict[str, float]
    """The beginning of what was asked, and how often."""


def trips(cluster: Cluster) -> Iterator[Trips]:
    """Of every kind of session, on a node that has seen it before."""
    with (
        wiretap(cluster.database.server.port) as tap,
        cluster.nodes(1, port=tap.port) as nodes,
    ):
        seat = Seat(cluster.place_of(nodes), 0)
        for what, session in _sessions(seat).items():
            session()
            session()
            said = _heard(tap, session)
            of_each = {text: times / _TIMES for text, times in said.items()}
            yield Trips(what, sum(of_each.values()), of_each)


def _heard(tap: Wiretap, session: Callable[[], None]) -> Counter[str]:
    _settle(tap)
    before = len(tap.trips)
    for _ in range(_TIMES):
        session()
    _settle(tap)
    return Counter(
        text[:_SHOWN]
        for text in tap.trips[before:]
        if not text.removeprefix("prepare ").startswith(_OF_NO_SESSION)
    )


def _settle(tap: Wiretap) -> None:
    before = -1
    while before != len(tap.trips):
        before = len(tap.trips)
        time.sleep(_QUIET)


def _sessions(seat: Seat) -> dict[str, Callable[[], None]]:
    def poll() -> None:
        with seat.session(EMPTY.users[0]) as client:
            client.command(b"STAT")

    def nothing_new() -> None:
        with seat.session(POLLED.users[0]) as client:
            client.command(b"STAT")
            client.listing(b"UIDL")
            client.listing(b"LIST")

    def retrieve(user: str, count: int) -> Callable[[], None]:
        def session() -> None:
            with seat.session(user) as client:
                for number in range(1, count + 1):
                    client.listing(b"RETR %d" % number)

        return session

    def deliver(user: str, octets: int) -> None:
        with Lmtp(seat.lmtp) as lmtp:
            lmtp.deliver(f"a@{DOMAIN}", [f"{user}@{DOMAIN}"], letter(octets))

    def collect() -> None:
        deliver(PASSING.users[0], SMALL)
        with seat.session(PASSING.users[0]) as client:
            client.listing(b"UIDL")
            client.listing(b"RETR 1")
            client.command(b"DELE 1")

    return {
        "USER PASS STAT QUIT, empty": poll,
        "USER PASS STAT UIDL LIST QUIT, 50 messages, nothing new": nothing_new,
        "USER PASS, RETR of 1 message of 5 kB, QUIT": retrieve(POLLED.users[0], 1),
        "USER PASS, RETR of 10 messages of 5 kB, QUIT": retrieve(POLLED.users[0], 10),
        "USER PASS, RETR of 1 message of 100 kB, QUIT": retrieve(SOME_LARGE.users[0], 1),
        "LMTP, 5 kB": lambda: deliver(RECEIVERS.users[0], SMALL),
        "LMTP, 100 kB": lambda: deliver(RECEIVERS.users[0], LARGE),
        "LMTP, 5 kB; USER PASS UIDL RETR DELE QUIT": collect,
    }
