"""The kinds of work. Each answer is compared with one that was heard before it counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle

from bench.client import Client
from bench.cluster.driving import Operation, Seat, Work
from bench.cluster.letters import letter
from bench.cluster.mail import (
    EMPTY,
    LARGE,
    PASSING,
    POLLED,
    RECEIVERS,
    SMALL,
    SOME_HUGE,
    SOME_LARGE,
    Lot,
)
from bench.lmtp import Lmtp
from bench.peers.contract import DOMAIN

_LISTINGS = (b"STAT", b"UIDL", b"LIST")


@contextmanager
def _poll(seat: Seat) -> Iterator[Operation]:
    turns = cycle(EMPTY.of(seat.number))

    def operation() -> None:
        with seat.session(next(turns)) as client:
            if client.command(b"STAT").split()[1] != b"0":
                raise AssertionError("it is not empty")

    yield operation


@contextmanager
def _session(seat: Seat) -> Iterator[Operation]:
    users = POLLED.of(seat.number)
    expected = {user: _listings(seat, user) for user in users}
    turns = cycle(users)

    def operation() -> None:
        user = next(turns)
        with seat.session(user) as client:
            for command, reply in zip(_LISTINGS, expected[user], strict=True):
                client.exactly(command + b"\r\n", reply)

    yield operation


def _listings(seat: Seat, user: str) -> list[bytes]:
    with seat.session(user) as client:
        stat = client.command(b"STAT")
        listings = [client.listing(command) for command in _LISTINGS[1:]]
    if stat.split()[1] != b"%d" % POLLED.count:
        raise AssertionError(f"another number of messages: {stat!r}")
    if any(listing.count(b"\n") != POLLED.count + 2 for listing in listings):
        raise AssertionError("a short listing")
    return [stat, *listings]


def _retrieving(lot: Lot, seats: int) -> Work:
    """RETR of one message after the other, one at a time."""

    @contextmanager
    def begin(seat: Seat) -> Iterator[Operation]:
        (user, *_) = lot.of(seat.number, seats)
        with seat.session(user) as client:
            numbers = range(1, lot.count + 1)
            replies = {number: _retrieved(client, number, lot.octets) for number in numbers}
            turns = cycle(numbers)

            def operation() -> None:
                number = next(turns)
                client.exactly(b"RETR %d\r\n" % number, replies[number])

            yield operation

    return Work(f"RETR {_size(lot.octets)}", begin, lot, seats, warm=1)


def _retrieved(client: Client, number: int, octets: int) -> bytes:
    reply = client.listing(b"RETR %d" % number)
    if len(reply) < octets:
        raise AssertionError(f"a short message: {reply[:200]!r}")
    return reply


def _delivering(octets: int) -> Work:
    """LMTP: each client on a connection that stays, one recipient after the other."""

    @contextmanager
    def begin(seat: Seat) -> Iterator[Operation]:
        text = letter(octets, seat.number)
        turns = cycle(RECEIVERS.of(seat.number))
        with Lmtp(seat.lmtp) as lmtp:
            yield lambda: lmtp.deliver(f"a@{DOMAIN}", [f"{next(turns)}@{DOMAIN}"], text)

    return Work(f"LMTP {_size(octets)}", begin, RECEIVERS)


def _passing(octets: int) -> Work:
    """A message delivered, found, retrieved and deleted, in a session of its own."""

    @contextmanager
    def begin(seat: Seat) -> Iterator[Operation]:
        text = letter(octets, seat.number)
        turns = cycle(PASSING.of(seat.number))
        with ExitStack() as opened:
            lmtp = opened.enter_context(Lmtp(seat.lmtp))

            def operation() -> None:
                user = next(turns)
                lmtp.deliver(f"a@{DOMAIN}", [f"{user}@{DOMAIN}"], text)
                with seat.session(user) as client:
                    if client.listing(b"UIDL").count(b"\n") != 3:
                        raise AssertionError("not one message")
                    _retrieved(client, 1, octets)
                    client.command(b"DELE 1")

            yield operation

    return Work(f"{_size(octets)} delivered, collected, deleted", begin, PASSING)


def _size(octets: int) -> str:
    return f"{octets // 1_000_000} MB" if octets >= 1_000_000 else f"{octets // 1000} kB"


WORKS = (
    Work("poll, empty: USER PASS STAT QUIT", _poll, EMPTY),
    Work("session, 50 messages: USER PASS STAT UIDL LIST QUIT", _session, POLLED),
    _retrieving(POLLED, len(SOME_LARGE.users)),
    _retrieving(SOME_LARGE, len(SOME_LARGE.users)),
    _retrieving(SOME_HUGE, len(SOME_HUGE.users)),
    _delivering(SMALL),
    _delivering(LARGE),
    _passing(SMALL),
    _passing(LARGE),
)
