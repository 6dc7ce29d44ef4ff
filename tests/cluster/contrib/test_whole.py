"""Everything that ``compose.yaml`` starts, started: mail goes in and comes out, nodes come and go, and the database
fails over as docs/howto/cluster.md says.
"""

from __future__ import annotations

import poplib
import shutil
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from tests.app.run.processes import eventually
from tests.cluster.contrib.engine import NETWORKS, Engine, why_not
from tests.cluster.contrib.places import compose, prepare
from tests.cluster.contrib.service import Project

pytestmark = [
    pytest.mark.long,
    pytest.mark.cluster,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

NODES = "node1", "node2", "node3"
PASSWORD = "a password for the whole of it"
SMALL = b"Subject: small\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"a line of some length\r\n" * 20_000
T = TypeVar("T")
US = str(NETWORKS["front"][1])
"""Our address, as those see it to whom we come."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """All of it runs, and Alice has an account."""
    secrets = prepare(tmp_path / "secrets")
    engine = Engine(Project(compose(), secrets, tmp_path))
    try:
        engine.up()
        engine.wait_until_healthy(*NODES)
        add = ("pillarbox", "user", "add", "alice", "--password-stdin")
        engine.run("node1", *add, given=f"{PASSWORD}\n")
        yield engine
    finally:
        engine.stop()


def connected(connect: Callable[[], T]) -> T:
    """As everybody does: who was sent to a node that has just died, or to none, comes again."""
    made: list[T] = []

    def is_made() -> bool:
        with suppress(OSError, poplib.error_proto):  # of which SMTP's are
            made.append(connect())
        return bool(made)

    eventually(is_made, "the balancer knows a node that is ready")
    return made[0]


def deliver(engine: Engine, *messages: bytes) -> None:
    """By way of the balancer, to any of the nodes."""

    def work() -> None:
        for message in messages:
            with connected(lambda: smtplib.LMTP(engine.address("balancer"), 2424)) as lmtp:
                assert lmtp.sendmail("a@example.net", ["alice@example.org"], message) == {}

    engine.inside(work)


def collect(engine: Engine) -> list[bytes]:
    """By way of the balancer, by TLS to a node; all is deleted."""

    def work() -> list[bytes]:
        context = ssl.create_default_context(cafile=engine.project.secrets / "authority.crt")
        context.check_hostname = False  # which is mail.example.org
        address = engine.address("balancer")
        client = connected(lambda: poplib.POP3_SSL(address, 1995, context=context))
        client.user("alice")
        client.pass_(PASSWORD)
        found = []
        for number in range(1, client.stat()[0] + 1):
            found.append(b"\r\n".join([*client.retr(number)[1], b""]))
            client.dele(number)
        client.quit()
        return found

    return engine.inside(work)


def test_mail_comes_and_goes_while_nodes_do_and_the_database_fails_over(engine: Engine) -> None:
    deliver(engine, SMALL, LARGE)
    small, large = collect(engine)
    assert small.endswith(SMALL)
    assert large.endswith(LARGE)
    eventually(lambda: f"peer={US} " in _said(engine), "the balancer says whom it brings")
    assert "answers" in engine.run("node1", "pillarbox", "cluster", "status")

    assert engine.end("node1") == 0
    engine.kill("node2")
    deliver(engine, SMALL)
    assert len(collect(engine)) == 1
    engine.start("node1")
    engine.start("node2")
    engine.wait_until_healthy(*NODES)
    deliver(engine, SMALL, LARGE)

    engine.kill("postgres-a")
    engine.run("postgres-b", "pg_ctl", "promote", "-w")
    engine.project.environment["PRIMARY"] = "postgres-b"
    engine.start("postgres-a")
    assert engine.code("postgres-a") == 1, "it was a primary, and could be taken for one"
    shutil.rmtree(engine.project.folder / "volumes" / "postgres-a")
    engine.start("postgres-a")
    engine.wait_until_healthy("postgres-a")
    engine.kill("objects")
    engine.start("objects")
    engine.wait_until_healthy(*NODES)
    status = ("pillarbox", "cluster", "status")
    eventually(lambda: engine.succeeds("node1", *status), "the object store is back")
    deliver(engine, SMALL)
    assert [len(message) > len(LARGE) for message in collect(engine)] == [False, True, False]
    assert engine.run("node3", "pillarbox", "maildrop", "check").count("finding") == 0


def _said(engine: Engine) -> str:
    return "".join(map(engine.log, NODES))
