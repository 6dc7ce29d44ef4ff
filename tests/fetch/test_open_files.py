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
from pillarbox.fetch.limits import BATCH_MESSAGES
from pillarbox.fetch.run import Outcome
from pillarbox.fetch.several import AT_ONCE, run_all
from tests.postoffice import PASSWORD
from tests.realservers.ours import ours

LOW = 256
"""What macOS gives a program, unless it asks for more. Linux gives 1,024."""


@pytest.fixture
def low_limit() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOW, hard))
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
