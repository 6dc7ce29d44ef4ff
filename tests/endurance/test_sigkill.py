"""All processes killed at once, in the middle of everything, again and again.

A message that was answered with 250 is there, once. A QUIT that was answered ``+OK`` has
removed its messages; one that was not answered has removed all of them or none. Nothing else
is gone, nothing comes back, and no unique-id changes or is used twice.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.traffic import Traffic, audit
from tests.postoffice import PATIENCE, PostOffice

EMPTIED_EVERY = 4
USERS = [f"user{number}" for number in range(6)]


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(300, marks=pytest.mark.long)], ids=lambda rounds: f"{rounds} rounds"
)
def test_what_was_promised_holds_after_kills(rounds: int, tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=USERS)
    ledger = Ledger()
    office.start()
    try:
        for number in range(rounds):
            traffic = Traffic(office, ledger, USERS, gentle=False, seed=number).start()
            try:
                ledger.wait_for(random.Random(number).randint(20, 120), PATIENCE)
            finally:
                traffic.expect_the_end()
                office.kill()
                traffic.join()
            office.start()
            audit(office, ledger, USERS, empty=number % EMPTIED_EVERY == 0)
        assert ledger.stored
        assert ledger.deleted
        checked = office.run("maildrop", "check")
        assert checked.returncode == 0, checked.stdout + checked.stderr
    finally:
        if office.is_running:
            office.kill()


@pytest.mark.parametrize(
    "kills", [3, pytest.param(100, marks=pytest.mark.long)], ids=lambda kills: f"{kills} kills"
)
def test_a_killed_worker_is_replaced_and_costs_nothing(kills: int, tmp_path: Path) -> None:
    """Only one process dies: mail goes on, its sessions break off without an UPDATE."""
    office = PostOffice(tmp_path, users=USERS)
    ledger = Ledger()
    with office:
        for number in range(kills):
            traffic = Traffic(office, ledger, USERS, gentle=False, seed=number).start()
            try:
                ledger.wait_for(30, PATIENCE)
            finally:
                traffic.expect_the_end()
                office.kill_worker(number)
                traffic.join()
        assert office.stop() == 0
        office.start()
        audit(office, ledger, USERS)
        assert ledger.stored
        assert ledger.deleted
