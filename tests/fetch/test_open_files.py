"""Each message that waits for its batch is an open file; the soft limit on them is low."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.events import Totals
from pillarbox.fetch.limits import AT_ONCE, BATCH_MESSAGES
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import Outcome
from pillarbox.fetch.several import run_all
from tests.fetch.children import run_child
from tests.postoffice import PASSWORD
from tests.realservers.ours import ours

LOW = 256
"""What macOS gives a program, unless it asks for more. Linux gives 1,024."""


@pytest.fixture
def low_limit() -> Iterator[None]:
    """For this process, which may have files of its own open, whatever ran in it before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOW + len([*Path("/dev/fd").iterdir()]), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_accounts_with_many_messages_each_have_enough(tmp_path: Path, low_limit: None) -> None:
    count = 3 * BATCH_MESSAGES
    users = [f"user{number}" for number in range(AT_ONCE)]
    with ours(users) as server:
        server.put((b"Subject: %d\r\n\r\nx\r\n" % number for number in range(count)), users)
        accounts = []
        for user in users:
            way = server.way(user)
            target = parse_destination(f"maildir:{tmp_path / user}")
            accounts.append(Account(user, way.endpoint, target, password=PASSWORD, tls=way.tls))
        outcomes = asyncio.run(
            run_all(accounts, tmp_path / "state", tell=lambda *_: None, ended=lambda *_: None)
        )
    assert outcomes == [
        Outcome(Totals(count, outcome.totals.octets, deleted=count)) for outcome in outcomes
    ]


@pytest.mark.parametrize("limit", [48, LOW])
def test_a_limit_that_cannot_be_lifted_makes_smaller_batches(tmp_path: Path, limit: int) -> None:
    """It ended each run at the same message, and nothing ever came."""

    def within() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    count = 2 * limit
    with ours() as server:
        server.put(b"Subject: %d\r\n\r\nx\r\n" % number for number in range(count))
        report = run_child(
            server.way(), f"maildir:{tmp_path / 'mail'}", tmp_path / "state", Rules(), within=within
        )
    assert report.error is None
    assert (report.totals.retrieved, report.totals.deleted) == (count, count)
