"""Thousands of messages are collected from servers that people use, octet for octet.

First they are kept on the server, then a hundred more come in, then all is deleted there:
every message is here once, none is changed, and the server has none left.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.events import Connected, Problem, Totals
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import Outcome, run
from tests.corpus import corpus
from tests.postoffice import PASSWORD
from tests.realservers.choice import OF_OTHERS, OPENERS, opener
from tests.realservers.server import RealServer

MANY = pytest.mark.parametrize("many", [1_200, pytest.param(5_000, marks=pytest.mark.long)])
"""Several batches."""
MORE = 100
DEBIAN = Path("/etc/debian_version")
KEEP = Rules(keep_days=None)
DELETE = Rules()


@pytest.fixture(params=OPENERS)
def server(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    with opener(request.param)() as running:
        yield running


def awkward() -> list[bytes]:
    r"""The corpus as files, without what a file or these servers cannot keep.

    A CR before a CRLF looks like a line end of its own in a file; a message that begins with a
    dot is not stuffed by Dovecot and Courier (see below); one of no octets gets a line end.
    """
    contents = [sample.canonical for sample in corpus()]
    return [
        as_file(content)
        for content in contents
        if content and not content.startswith(b".") and b"\r\r\n" not in content
    ]


def as_file(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def simple(first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        yield b"From: a@example.net\nSubject: message %d\n\nThe body of it.\n" % number


class Collecting:
    """Runs of one account, and what they told."""

    def __init__(self, server: RealServer, folder: Path) -> None:
        way = server.way()
        self._state = folder / "state"
        self._new = folder / "Mail" / "new"
        self._account = Account(
            "real",
            way.endpoint,
            parse_destination(f"maildir:{folder / 'Mail'}"),
            password=PASSWORD,
            tls=way.tls,
            confirmed=True,
        )
        self.problems: list[str] = []
        self.sessions = 0

    def go(self, rules: Rules) -> Outcome:
        self.sessions = 0
        account = self._account._replace(rules=rules)
        return asyncio.run(run(account, self._state, tell=self._hear))

    def _hear(self, event: object) -> None:
        if isinstance(event, Problem):
            self.problems.append(event.text)
        elif isinstance(event, Connected):
            self.sessions += 1

    def here(self) -> Counter[bytes]:
        return Counter(path.read_bytes() for path in self._new.iterdir())


@MANY
def test_thousands_kept_then_some_more_then_all_deleted(
    server: RealServer, tmp_path: Path, many: int
) -> None:
    messages: Sequence[bytes] = [*awkward()]
    messages = [*messages, *simple(0, many - len(messages))]
    collecting = Collecting(server, tmp_path)
    server.put(messages)

    done = collecting.go(KEEP)
    assert (done.error, collecting.problems, collecting.sessions) == (None, [], 1)
    assert done.totals == Totals(retrieved=many, octets=done.totals.octets)
    assert collecting.here() == Counter(messages)
    assert server.left() == many

    assert collecting.go(KEEP) == Outcome(Totals())

    more = list(simple(many, MORE))
    server.put(more)
    done = collecting.go(DELETE)
    assert (done.error, collecting.problems, collecting.sessions) == (None, [], 1)
    assert done.totals == Totals(MORE, done.totals.octets, deleted=many + MORE)
    assert collecting.here() == Counter([*messages, *more])
    assert server.left() == 0

    assert collecting.go(DELETE) == Outcome(Totals())


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_dot_that_is_not_stuffed_stays_there_alone(name: str, tmp_path: Path) -> None:
    """Dovecot 2.3 and Courier 1.0 do not stuff a dot that is the first octet of a message: the
    reply seems to end there, and what follows is no reply. Such a message can neither be
    collected nor be trusted; all others can.
    """
    with opener(name)() as server:
        before, after = list(simple(0, 50)), list(simple(50, 50))
        server.put([*before, b".\nthe rest\n", *after])
        collecting = Collecting(server, tmp_path)
        done = collecting.go(DELETE)
        assert done.error is None
        assert done.totals == Totals(100, done.totals.octets, deleted=100, failed=1)
        assert "it is left on the server" in collecting.problems[-1]
        assert collecting.here() == Counter([*before, *after])
        assert server.left() == 1


def test_no_server_is_left_out() -> None:
    """A skip must not go unnoticed where the programs can be installed."""
    if os.geteuid() != 0:
        pytest.skip("not root: the servers of others cannot be started")
    missing = [name for name, (_, needed) in OPENERS.items() if needed and not needed.exists()]
    if missing == ["Courier"] and not DEBIAN.read_text().startswith("12."):
        pytest.skip("scripts/system-packages knows Courier's packages in Debian 12 only")
    assert not missing
