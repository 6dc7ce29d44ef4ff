"""Somebody keeps the whole post office from writing: everybody is told so, and nothing is lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
import poplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.app.run.processes import eventually, get
from tests.postoffice import DOMAIN, PASSWORD, PostOffice, send, send_content

HASTE = """
from pillarbox.app import monitor, wire_up
from pillarbox.app.cli import storage
from pillarbox.store.embedded import turns
assert wire_up.open_store.__kwdefaults__["patience"] > 5 < turns.TURN_SECONDS
wire_up.open_store.__kwdefaults__["patience"] = turns.TURN_SECONDS = 3.0
storage.COMMAND_PATIENCE_SECONDS = 2.0
monitor.PROBE_SECONDS = 1.0
"""
"""The same patience, shorter: with its own, this would take half a minute."""

ONE, TWO = b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n"


@contextlib.contextmanager
def seized(store: Path) -> Iterator[None]:
    """A backup tool that locks what it copies, say."""
    locks = [os.open(path, os.O_RDWR) for path in store.glob("shard-*/writer.lock")]
    assert locks
    try:
        for lock in locks:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        for lock in locks:
            os.close(lock)


def _delivered(office: PostOffice) -> tuple[list[int], list[int]]:
    """The codes that LMTP and SMTP answer a message with, for two recipients."""
    with office.lmtp() as lmtp, office.smtp() as smtp:
        for client in (lmtp, smtp):
            client.mail("sender@example.net")
            for user in office.users:
                client.rcpt(f"{user}@{DOMAIN}")
        with ThreadPoolExecutor(2) as both:
            answers = both.map(lambda client: send_content(client, TWO, 2), (lmtp, smtp))
            by_lmtp, by_smtp = [[code for code, _ in answer] for answer in answers]
        return by_lmtp, by_smtp


def _errors(office: PostOffice) -> list[dict[str, object]]:
    return [line for line in office.log.lines if line["level"] == "error"]


def _bodies(office: PostOffice) -> list[bytes]:
    """What alice has, less the lines that a delivery puts in front."""
    return [mail[mail.index(b"Subject:") :] for mail in office.collect("alice")]


def _deleted(office: PostOffice) -> bytes:
    """What QUIT is answered when alice has deleted her message."""
    client = office.connect()
    try:
        client.user("alice")
        client.pass_(PASSWORD)
        client.dele(1)
        return client.quit()
    except poplib.error_proto as error:
        answer = error.args[0]
        assert isinstance(answer, bytes)
        return answer
    finally:
        client.close()


@pytest.mark.parametrize(
    "prelude",
    [
        pytest.param(HASTE, id="shorter"),
        pytest.param("", id="its own", marks=pytest.mark.long),
    ],
)
def test_mail_is_put_off_and_nothing_deleted_until_the_lock_is_free(
    tmp_path: Path, prelude: str
) -> None:
    """One wait for all of it, of the length of the server's patience."""
    with PostOffice(tmp_path, users=["alice", "bob"], prelude=prelude) as office:
        office.deliver(ONE, "alice", "bob")
        with seized(office.store), ThreadPoolExecutor() as together:
            delivered = together.submit(_delivered, office)
            deleted = together.submit(_deleted, office)
            removed = together.submit(office.run, "user", "remove", "bob", "--yes")
            assert delivered.result() == ([451, 451], [451])
            assert deleted.result().startswith(b"-ERR [SYS/TEMP]")
            command = removed.result()
            assert command.returncode == 1
            waits, ends = command.stderr.splitlines()
            assert "waiting for the lock of another process" in waits
            assert "writer.lock" in waits
            assert f"writer.lock is locked by process {os.getpid()}" in ends
            assert "\nremoved" not in command.stdout
            status, page = get(office.addresses["http"], "/ready")
            assert status == 503
            assert b"did not answer" in page
        office.log.wait_for("waiting for the lock of another process")
        waits_in_log = office.log.find("waiting for the lock of another process")
        assert all(f"process {os.getpid()}" in line["holder"] for line in waits_in_log)
        eventually(lambda: bool(_errors(office)), "it is told")
        assert all("writer.lock is locked by" in str(line) for line in _errors(office))
        with office.lmtp() as client:
            assert [code for code, _ in send(client, TWO, ["alice"])] == [250]
        assert _bodies(office) == [ONE, TWO]
        assert office.stop() == 0


def test_a_server_starts_and_serves_beside_a_held_lock(tmp_path: Path) -> None:
    """Collecting needs no writing, so nobody should have to wait for it."""
    office = PostOffice(tmp_path, users=["alice"])
    with office:
        office.deliver(ONE, "alice")
        assert office.stop() == 0
        with seized(office.store):
            office.start()
            assert _bodies(office) == [ONE]
        office.deliver(TWO, "alice")
        assert _bodies(office) == [ONE, TWO]
