"""Throttling in a real server: over all workers, and over the death of any."""

from __future__ import annotations

import os
import poplib
import signal
from pathlib import Path

import pytest

from tests.app.run.processes import eventually, watching
from tests.app.run.test_monitor import counters
from tests.postoffice import PostOffice

DELAYED = 'pillarbox_sign_ins_delayed_total{by="address"}'
REFUSED = 'pillarbox_sign_ins_total{mechanism="USER",outcome="refused"}'


def guess(office: PostOffice, number: int) -> None:
    client = office.connect()
    client.user("alice")
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_(f"guess {number}")
    client.close()


def test_what_an_address_has_failed_outlives_the_workers_and_counts_in_each(
    tmp_path: Path,
) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        guess(office, 0)
        guess(office, 1)
        eventually(lambda: counters(office).get(REFUSED) == 2, "both are counted")
        assert counters(office)[DELAYED] == 1  # whichever worker had the second
        children = office.workers()  # and the page of metrics
        with watching(children) as wait_until_gone:
            for child in children:
                os.kill(child, signal.SIGKILL)
            wait_until_gone()
        guess(office, 2)
        eventually(lambda: counters(office).get(REFUSED) == 3, "the third is counted")
        assert counters(office)[DELAYED] == 2
