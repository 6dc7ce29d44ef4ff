"""What happens when a process dies: workers are replaced, orphans end, nothing stays counted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.app.run.processes import accepts, eventually, get, greets, watching
from tests.postoffice import PostOffice

DIED = "died; it is replaced"


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        for number, victim in enumerate(office.workers(), 1):
            os.kill(victim, signal.SIGKILL)
            line = office.log.wait_for(DIED, count=number)
            assert (line["pid"], line["signal"]) == (victim, "SIGKILL")
        assert len(office.log.find(DIED)) == 3
        eventually(lambda: get(office.addresses["http"], "/ready")[0] == 200, "ready again")
        # Every door of every worker: connections are spread over both.
        assert all(accepts(office.addresses["pop3"]) for _ in range(10))
        assert office.collect("alice") == []
        assert b"pillarbox_restarts_total 3.0" in get(office.addresses["http"], "/metrics")[1]
        assert office.stop() == 0


def test_the_connections_of_a_dead_worker_are_not_counted_any_more(tmp_path: Path) -> None:
    settings = {"limits": {"connections_per_address": 4}, "server": {"workers": 1}}
    with PostOffice(tmp_path, settings=settings) as office:
        address = office.addresses["pop3"]
        held = [greets(address) for _ in range(5)]
        assert [client is not None for client in held] == [True] * 4 + [False]
        os.kill(office.workers()[0], signal.SIGKILL)
        office.log.wait_for(DIED)
        again = [greets(address) for _ in range(5)]
        assert [client is not None for client in again] == [True] * 4 + [False]
        for client in filter(None, held + again):
            client.close()


def test_a_worker_that_dies_again_and_again_is_replaced_less_and_less_often(
    tmp_path: Path,
) -> None:
    with PostOffice(
        tmp_path, settings={"server": {"workers": 1}, "listen": {"http": []}}
    ) as office:
        delays = []
        for number in (1, 2, 3):
            eventually(lambda: len(office.workers()) == 1, "it is there")
            os.kill(office.workers()[0], signal.SIGKILL)
            delays.append(office.log.wait_for(DIED, count=number)["delay_seconds"])
        assert delays == sorted(delays)
        assert delays[0] < delays[-1]


def test_workers_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        address = office.addresses["pop3"]
        with watching(office.workers()) as gone:
            with office.session("alice") as client:
                os.kill(office.pid, signal.SIGKILL)
                office.log.wait_for("the supervisor is gone; draining", count=3)
                eventually(lambda: not accepts(address), "the doors are closed")
                # Who is inside may finish, as on SIGTERM.
                assert client.noop().startswith(b"+OK")
            gone()
        office.wait()
        with office:
            assert office.collect("alice") == []
