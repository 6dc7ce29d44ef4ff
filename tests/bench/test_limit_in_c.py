"""The bare server in C: it says what it was told to, however much of it and however it is asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.client import Client
from bench.peers.limit import GREETING
from bench.peers.limit_in_c import prepare
from bench.peers.processes import HOST

from tests.ports import free_port
from tests.realservers.server import running, wait_until_it_listens

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler (cc)")

BODY = b"+OK\r\n" + b"x" * 5000 + b"\r\n.\r\n"
TOLD = {
    GREETING: b"+OK ready\r\n",
    b"STAT": b"+OK 1 5000\r\n",
    b"RETR 2": BODY,
    b"QUIT": b"+OK\r\n",
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    folder, port = tmp_path_factory.mktemp("limit"), free_port()
    log = folder / "log"
    with running([*prepare(folder, TOLD), str(port)], log) as process:
        wait_until_it_listens(process, (HOST, port), log)
        yield port, process


@pytest.fixture
def client(server: tuple[int, subprocess.Popen[bytes]]) -> Iterator[Client]:
    with Client(server[0]) as client:
        yield client.meet()


def test_it_answers_by_heart(client: Client) -> None:
    assert client.greeting == TOLD[GREETING]
    assert client.command(b"STAT") == TOLD[b"STAT"]
    assert client.listing(b"RETR 2") == BODY


def test_it_answers_all_of_a_pipeline(client: Client) -> None:
    client.exactly(b"RETR 2\r\n" * 50, BODY * 50)


def test_it_answers_who_reads_late(client: Client) -> None:
    for _ in range(80):  # twenty megabytes: more than the buffers of two sockets take
        client.say(b"RETR 2\r\n" * 50)
    client.hear(BODY * 4000)
    assert client.command(b"STAT") == TOLD[b"STAT"]


def test_half_a_command_waits_for_its_rest(client: Client) -> None:
    client.say(b"ST")
    client.say(b"AT\r\nSTAT\r")
    client.hear(TOLD[b"STAT"])
    client.say(b"\n")
    client.hear(TOLD[b"STAT"])


def test_it_hangs_up_behind_quit(client: Client) -> None:
    client.command(b"QUIT")
    assert client.socket.recv(1) == b""


def test_what_it_was_not_told_ends_it(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with running([*prepare(tmp_path, TOLD), str(port)], log) as process:
        wait_until_it_listens(process, (HOST, port), log)
        with Client(port) as client:
            client.meet().say(b"NOOP\r\n")
            assert process.wait() == 1
    assert b"has not been told" in log.read_bytes()
