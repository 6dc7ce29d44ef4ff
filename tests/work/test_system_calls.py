"""What a real worker asks of the system. A system call costs more than many lines of Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postoffice import PostOffice, Settings, send
from tests.work.conftest import Within
from tests.work.judging import Spent
from tests.work.office import message
from tests.work.system_calls import NUMBER, Tracer

USER = "alice"
DOORS = {"pop3": "in clear", "pop3s": "with TLS"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """One worker, and nobody beside it."""
    settings: Settings = {"server": {"workers": 1}, "listen": {"http": []}}
    with PostOffice(tmp_path_factory.mktemp("office"), users=[USER], settings=settings) as office:
        with office.lmtp() as client:
            for _ in range(50):
                send(client, message(5000), [USER])
        yield office


@pytest.fixture
def tracer(office: PostOffice, tmp_path: Path) -> Tracer:
    (worker,) = office.workers()
    return Tracer(worker, tmp_path)


def spent(what: str, calls: Counter[str]) -> Spent:
    parts = Counter({f"{name}, in {NUMBER} of these": n for name, n in calls.items() if n})
    return Spent(f"{what}: system calls", round(calls.total() / NUMBER), parts)


def poll(office: PostOffice, door: str) -> None:
    with office.session(USER, door) as client:
        client.stat()
        client.uidl()
        client.list()


@pytest.mark.parametrize("door", DOORS)
def test_a_poll(office: PostOffice, tracer: Tracer, door: str, within: Within) -> None:
    poll(office, door)
    calls = tracer.each(lambda: poll(office, door))
    if door == "pop3s":  # a handshake comes in one piece or in two, and wakes the loop as often
        del calls["epoll_pwait"], calls["epoll_wait"]
    within(spent(f"a poll {DOORS[door]}", calls))


@pytest.mark.parametrize("door", DOORS)
def test_retr(office: PostOffice, tracer: Tracer, door: str, within: Within) -> None:
    with office.session(USER, door) as client:
        client.retr(1)
        calls = tracer.each(lambda: client.retr(2))
    within(spent(f"RETR {DOORS[door]}", calls))


@pytest.mark.parametrize("door", DOORS)
def test_noop(office: PostOffice, tracer: Tracer, door: str, within: Within) -> None:
    with office.session(USER, door) as client:
        client.noop()
        calls = tracer.each(client.noop)
    within(spent(f"NOOP {DOORS[door]}", calls))


def test_a_message_by_lmtp(office: PostOffice, tracer: Tracer, within: Within) -> None:
    """How often the disk is waited for: once a transaction. (Threads make the rest of the calls
    come out differently each time.)
    """
    with office.lmtp() as client:

        def deliver() -> None:
            send(client, message(500), [USER])

        deliver()
        calls = tracer.each(deliver)
    syncs = Counter({name: calls[name] for name in ("fsync", "fdatasync")})
    assert syncs.total() >= NUMBER, "250 was said before the message was durable"
    within(Spent("a message by LMTP: syncs", round(syncs.total() / NUMBER), +syncs))
