"""The kinds of work, one function each; each returns figures of one round."""

from __future__ import annotations

import smtplib
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.client import Client
from bench.figures import cpu_seconds, pss_bytes
from bench.limit import limit
from bench.office import DOMAIN, PASSWORD, Office, message
from bench.office import office as open_office

SMALL = 5_000
LARGE = 5_000_000
USERS = tuple(f"user{number}" for number in range(8))
"""With 50 small messages each."""
MAILDROPS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(USERS, (50, SMALL)),
    "large": (4, LARGE),
    "hundred-thousand": (100_000, 500),
    **{f"in{number}": (0, 0) for number in range(32)},
}
MICRO = 1e6


@dataclass
class Figure:
    """What one round of one work cost."""

    work: str
    value: float
    unit: str
    wall: float = 0.0
    """Operations per second, where it says something."""


class Meter:
    """The server's CPU time between two moments."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._cpu = cpu_seconds(office.pid)
        self._began = time.perf_counter()

    def per(self, work: str, operations: int, unit: str = "µs", scale: float = MICRO) -> Figure:
        cpu = cpu_seconds(self._office.pid) - self._cpu
        wall = time.perf_counter() - self._began
        return Figure(work, cpu / operations * scale, unit, operations / wall)


def _open(office: Office, user: str, tls: ssl.SSLContext | None) -> Client:
    client = Client(office.pop3s if tls else office.pop3, tls)
    client.sign_in(user, PASSWORD)
    return client


def at_limit(office: Office, rounds: int) -> Iterator[Figure]:
    """The same bytes in the same round trips, by a server that does nothing else."""
    with limit(office, USERS[0]) as bare:
        for figure in (
            sessions(bare, rounds),
            retrieve(bare, rounds * 5),
            retrieve(bare, rounds * 10, batch=50),
        ):
            yield replace(figure, work=f"limit: {figure.work}")


def _name(text: str, tls: ssl.SSLContext | None) -> str:
    return f"{text}, {'TLS' if tls else 'clear'}"


def sessions(office: Office, rounds: int, tls: ssl.SSLContext | None = None) -> Figure:
    """USER, PASS, STAT, UIDL, LIST, QUIT on 50 messages; TLS: full handshake each time."""
    for user in office.users:  # proven once, so that what is measured is a polling client
        if user in USERS:
            _open(office, user, None).quit()
    users = [user for user in office.users if user in USERS]
    meter = Meter(office)
    for number in range(rounds):
        client = _open(office, users[number % len(users)], tls)
        client.command(b"STAT")
        if client.listing(b"UIDL").count(b"\n") != 52 or client.listing(b"LIST").count(b"\n") != 52:
            raise AssertionError("not 50 messages")
        client.quit()
    return meter.per(_name("session, 50 messages", tls), rounds)


def retrieve(
    office: Office, rounds: int, tls: ssl.SSLContext | None = None, *, batch: int = 1
) -> Figure:
    """RETR of 5 kB, one at a time or *batch* in a write."""
    with _open(office, USERS[0], tls) as client:
        octets = len(client.listing(b"RETR 1"))
        commands = b"RETR 1\r\n" * batch
        client.exactly(commands, octets * batch)
        meter = Meter(office)
        for _ in range(rounds // batch):
            client.exactly(commands, octets * batch)
        label = f"RETR 5 kB, {f'{batch} in a write' if batch > 1 else 'one at a time'}"
        return meter.per(_name(label, tls), rounds)


def large(office: Office, rounds: int, tls: ssl.SSLContext | None = None) -> Figure:
    """RETR of 5 MB."""
    with _open(office, "large", tls) as client:
        octets = len(client.listing(b"RETR 1"))
        meter = Meter(office)
        for number in range(rounds):
            client.exactly(b"RETR %d\r\n" % (number % 4 + 1), octets)
        return meter.per(_name("RETR 5 MB", tls), rounds * octets, "ns/byte", 1e9)


def idle(_office: Office, count: int, *, secured: bool = False) -> Figure:
    """Connections that do nothing: PSS for each, in a server that is fresh.

    (One that has served before has memory to spare, and would look better than it is.)
    """
    users = {f"idle{number}": (1, SMALL) for number in range(8)}
    with (
        tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder,
        open_office(Path(folder), users) as fresh,
    ):
        tls = fresh.tls if secured else None
        port = fresh.pop3s if secured else fresh.pop3
        clients = [_open(fresh, user, tls) for user in users]
        before = pss_bytes(fresh.pid)
        clients += [Client(port, tls) for _ in range(count)]
        after = pss_bytes(fresh.pid)
        for client in clients:
            client.socket.close()
    return Figure(_name("idle connection", tls), (after - before) / count / 1e3, "kB")


def hundred_thousand(office: Office, _rounds: int) -> Iterator[Figure]:
    """A maildrop of 100,000 messages: milliseconds of CPU for each command."""
    count = office.users["hundred-thousand"]
    work = f"{count:,} messages: "
    meter = Meter(office)
    client = _open(office, "hundred-thousand", None)
    client.command(b"STAT")
    yield meter.per(work + "sign in and STAT", 1, "ms", 1e3)
    for command in (b"UIDL", b"LIST"):
        meter = Meter(office)
        if client.listing(command).count(b"\n") != count + 2:
            raise AssertionError("a short listing")
        yield meter.per(work + command.decode(), 1, "ms", 1e3)
    meter = Meter(office)
    for number in (1, count):
        client.listing(b"RETR %d" % number)
    yield meter.per(work + "RETR first and last", 2, "ms", 1e3)
    client.quit()


def deliveries(office: Office, rounds: int, *, connections: int) -> Figure:
    """LMTP, 5 kB, durable: messages per second over all connections, and CPU for each."""
    text = message(SMALL)

    def deliver(number: int) -> None:
        with smtplib.LMTP("127.0.0.1", office.lmtp) as lmtp:
            for _ in range(rounds // connections):
                lmtp.sendmail(f"a@{DOMAIN}", [f"in{number % 32}@{DOMAIN}"], text)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(connections)]
    meter = Meter(office)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plural = "s" if connections > 1 else ""
    return meter.per(f"LMTP delivery, {connections} connection{plural}", rounds)
