"""The examples do what they say, on a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postoffice import PASSWORD, PATIENCE, PostOffice

EXAMPLES = Path(__file__).parents[2] / "examples"
MAILS = [f"Subject: number {n}\r\n\r\n.{n}\r\n".encode() for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with PostOffice(tmp_path_factory.mktemp("office"), users=["alice", "bob"]) as office:
        for mail in MAILS:
            office.deliver(mail, "alice")
        yield office


def url(office: PostOffice, user: str) -> str:
    host, port = office.addresses["pop3s"]
    return f"pop3s://{user}@{host}:{port}"


def run(
    office: PostOffice, name: str, *arguments: str, said: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments, "--ca", str(office.authority)],
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_blocking(office: PostOffice) -> None:
    done = run(office, "blocking.py", url(office, "alice"), said=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    assert [(line[0], line[3]) for line in lines] == [(str(n), f"number {n}") for n in (1, 2, 3)]
    assert [line[2] for line in lines] == office.unique_ids("alice")


def test_blocking_says_what_is_wrong_in_a_sentence(office: PostOffice) -> None:
    done = run(office, "blocking.py", url(office, "alice"), said="wrong\n")
    assert done.returncode == 1
    assert done.stderr.startswith("blocking: the server refused the sign-in")
    assert done.stderr.count("\n") == 1


def test_asynchronous(office: PostOffice) -> None:
    users = ["alice", "bob", "alice"]
    said = f"{PASSWORD}\n{PASSWORD}\nwrong\n"
    done = run(office, "asynchronous.py", *(url(office, user) for user in users), said=said)
    assert (done.returncode, done.stderr) == (0, "")
    alice, bob, wrong = done.stdout.splitlines()
    assert ": 3 messages, " in alice
    assert bob.endswith(": 0 messages, 0 octets")
    assert ": the server refused the sign-in" in wrong


def test_pipelined(office: PostOffice, tmp_path: Path) -> None:
    arguments = (url(office, "alice"), str(tmp_path))
    done = run(office, "pipelined.py", *arguments, said=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "3 messages\n")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["1.eml", "2.eml", "3.eml"]
    assert [file.read_bytes() for file in files] == office.collect("alice")
