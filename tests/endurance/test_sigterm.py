"""SIGTERM under load: doors close, what has begun is finished, nothing is lost."""

from __future__ import annotations

import contextlib
import poplib
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter, tag_of
from tests.endurance.traffic import Traffic, audit
from tests.postoffice import PATIENCE, Address, PostOffice, retrieve

USERS = [f"user{number}" for number in range(4)]
PATIENT = [f"patient{number}" for number in range(6)]
LETTERS = 5


def _wait_until_closed(address: Address) -> None:
    """Knock until nobody opens."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            with contextlib.suppress(ConnectionResetError):
                socket.create_connection(address, timeout=PATIENCE).close()


def _send_letters(office: PostOffice) -> None:
    with office.lmtp():
        for number in range(LETTERS):
            office.deliver(letter(f"p{number}", 40_000 * number), *PATIENT)


@pytest.fixture
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostOffice]:
    """A running office with letters for the patient."""
    settings = getattr(request, "param", {})
    with PostOffice(tmp_path, users=[*USERS, *PATIENT], settings=settings) as office:
        _send_letters(office)
        yield office


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize("begun", [{"limits": {"stop_grace": 3600}}], indirect=True)
def test_running_sessions_finish_under_load(seed: int, begun: PostOffice) -> None:
    ledger = Ledger()
    door = begun.addresses["pop3"]
    with ExitStack() as sessions:
        clients = [
            sessions.enter_context(begun.session(user, ("pop3s", "pop3", "stls")[place % 3]))
            for place, user in enumerate(PATIENT)
        ]
        for client in clients:
            assert tag_of(retrieve(client, 1)) == "p0"
        traffic = Traffic(begun, ledger, USERS, gentle=True, seed=seed).start()
        try:
            ledger.wait_for(60, PATIENCE)
        finally:
            traffic.expect_the_end()
            begun.signal(signal.SIGTERM)
            traffic.join()
        _wait_until_closed(door)
        for client in clients:  # these have all the time until now
            for number in range(1, LETTERS + 1):
                assert tag_of(retrieve(client, number)) == f"p{number - 1}"
                client.dele(number)
    assert begun.wait() == 0
    begun.start()
    audit(begun, ledger, USERS)
    for user in PATIENT:
        assert begun.unique_ids(user) == []


@pytest.mark.parametrize("begun", [{"limits": {"stop_grace": 1}}], indirect=True)
def test_a_session_that_takes_too_long_is_cut_off_without_an_update(begun: PostOffice) -> None:
    before = begun.unique_ids(PATIENT[0])
    with begun.session(PATIENT[0], quits=False) as client:
        for number in range(1, LETTERS + 1):
            client.dele(number)
        assert begun.stop() == 0
        with pytest.raises((OSError, poplib.error_proto)):
            client.quit()
    begun.start()
    assert begun.unique_ids(PATIENT[0]) == before


@pytest.mark.parametrize("begun", [{"limits": {"stop_grace": 3600}}], indirect=True)
def test_a_second_sigterm_ends_the_waiting_without_an_update(begun: PostOffice) -> None:
    before = begun.unique_ids(PATIENT[0])
    door = begun.addresses["pop3"]
    with begun.session(PATIENT[0], quits=False) as client:
        client.dele(1)
        begun.signal(signal.SIGTERM)
        _wait_until_closed(door)
        client.noop()  # it goes on
        assert begun.stop() == 0
    begun.start()
    assert begun.unique_ids(PATIENT[0]) == before


def test_nobody_signed_in_keeps_it_from_ending(begun: PostOffice) -> None:
    """Connections that have not signed in have nothing to finish."""
    with ExitStack() as open_ones:
        for door in ("pop3", "pop3s", "stls"):
            client = begun.connect(door)
            open_ones.callback(client.close)
        for door in ("lmtp", "smtp"):
            open_ones.enter_context(socket.create_connection(begun.addresses[door]))
        assert begun.stop() == 0
    assert not begun.log.find("killed: it did not end in time")
