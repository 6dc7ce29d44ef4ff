"""Work without end: what a server needs must not grow with what it has done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.memory import open_files, pss
from tests.endurance.traffic import Traffic, audit
from tests.postoffice import PATIENCE, PostOffice

USERS = [f"user{number}" for number in range(8)]
WARMING = 25_000
WORKING = 50_000
"""Answers: letters stored for a recipient, and sessions ended by QUIT. It takes the first
many until SQLite's page caches (2 MB for each connection to a shard) are full."""
MOST_GROWTH_OCTETS = 8 * 1024 * 1024
"""Of all processes together: what the allocator may make of the same work."""


@pytest.mark.long
def test_memory_and_files_do_not_grow(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ledger = Ledger()
    with PostOffice(tmp_path, users=USERS, fresh=True) as office:
        costs = []
        for seed, answers in enumerate((WARMING, WORKING)):
            traffic = Traffic(office, ledger, USERS, gentle=True, seed=seed).start()
            try:
                ledger.wait_for(answers, PATIENCE * answers / 100)
            finally:
                traffic.join()
            costs.append((pss(office.workers()), open_files(office.workers())))
        (memory, files), (memory_after, files_after) = costs
        grown = (memory_after - memory) / 1024
        record_property("measured", f"{WORKING:,} answers: memory of all workers {grown:+.0f} KiB")
        assert memory_after - memory < MOST_GROWTH_OCTETS
        assert files_after <= files + len(USERS)
        assert office.stop() == 0
        office.start()
        audit(office, ledger, USERS)
