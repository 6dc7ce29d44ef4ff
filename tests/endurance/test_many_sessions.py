"""Many sessions at the same time, each on a maildrop of its own, every octet compared."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.endurance.letters import letter, tag_of
from tests.postoffice import PATIENCE, PostOffice, retrieve, send

DOORS = ("pop3s", "stls", "pop3", "pop3s")
OWN_SIZES = (500, 5_000, 50_000, 70_000)
SHARED_SIZE = 300_000


@pytest.mark.parametrize("sessions", [40, pytest.param(200, marks=pytest.mark.long)])
def test_many_sessions_at_once(sessions: int, tmp_path: Path) -> None:
    users = [f"user{number}" for number in range(sessions)]
    settings = {"limits": {"connections_per_address": 2 * sessions}}
    with PostOffice(tmp_path, users=users, settings=settings) as office:
        with office.lmtp() as client:
            for user in users:
                for number, size in enumerate(OWN_SIZES):
                    answers = send(client, letter(f"{user}-{number}", size), [user])
                    assert [code for code, _ in answers] == [250]
            answers = send(client, letter("shared", SHARED_SIZE), users)
            assert [code for code, _ in answers] == [250] * sessions

        all_in = threading.Barrier(sessions, timeout=PATIENCE)

        def visit(place: int) -> list[str]:
            with office.session(users[place], DOORS[place % len(DOORS)]) as client:
                all_in.wait()  # now they are all there
                count, _ = client.stat()
                tags = [tag_of(retrieve(client, number)) for number in range(1, count + 1)]
                all_in.wait()
                for number in range(1, count + 1):
                    client.dele(number)
            return tags

        with ThreadPoolExecutor(sessions) as threads:
            found = list(threads.map(visit, range(sessions)))

        own = range(len(OWN_SIZES))
        assert found == [[*(f"{user}-{n}" for n in own), "shared"] for user in users]
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(office.unique_ids, users)) == [[]] * sessions
        assert not [line for line in office.log.lines if line["level"] == "error"]
