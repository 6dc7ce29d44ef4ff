"""A maildrop of 100,000 messages: one client, which waits for each answer."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cluster.driving import Cost, Seat
from bench.cluster.mail import BIG
from bench.cluster.places import Place
from bench.cluster.spent import Moment, now
from bench.figures import MICRO, MILLI


def big_maildrop(place: Place, count: int) -> Iterator[Cost]:
    """Signing in, and the two listings, of which a node that has made one remembers it: see *again*.

    Raises:
        AssertionError: it was not answered as it should be.
    """
    for again in ("", ", again"):
        yield from _session(Seat(place, 0), count, again)


def _session(seat: Seat, count: int, again: str) -> Iterator[Cost]:
    def cost(what: str, began: Moment) -> Cost:
        spent = began.until(now(seat.place.parties))
        milliseconds = spent.at * MILLI
        return Cost(
            work=f"{count:,} messages: {what}{again}",
            place=seat.place.name,
            nodes=1,
            seats=1,
            operations=1,
            per_second=1 / spent.at,
            median=milliseconds,
            p99=milliseconds,
            cpu={party: cpu * MICRO for party, cpu in spent.cpu.items()},
            idle=spent.idle / spent.at,
        )

    began = now(seat.place.parties)
    with seat.session(BIG) as client:
        if int(client.command(b"STAT").split()[1]) != count:
            raise AssertionError("some are missing")
        yield cost("USER PASS STAT", began)
        for command in (b"UIDL", b"LIST"):
            began = now(seat.place.parties)
            if client.listing(command).count(b"\n") != count + 2:
                raise AssertionError("a short listing")
            yield cost(command.decode(), began)
