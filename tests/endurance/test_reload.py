"""SIGHUP under load: nobody notices."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.traffic import Traffic, audit
from tests.postoffice import PATIENCE, PostOffice

USERS = [f"user{number}" for number in range(4)]


@pytest.mark.parametrize(
    "reloads", [3, pytest.param(100, marks=pytest.mark.long)], ids=lambda count: f"{count} reloads"
)
def test_no_client_is_disturbed(reloads: int, tmp_path: Path) -> None:
    ledger = Ledger()
    with PostOffice(tmp_path, users=USERS) as office:
        traffic = Traffic(office, ledger, USERS, gentle=True, seed=reloads).start()
        try:
            for number in range(reloads):
                ledger.wait_for(20, PATIENCE)
                office.signal(signal.SIGHUP)
                office.log.wait_for("ready", count=number + 2)
            ledger.wait_for(20, PATIENCE)
        finally:
            traffic.join()
        assert office.stop() == 0
        office.start()
        audit(office, ledger, USERS)
