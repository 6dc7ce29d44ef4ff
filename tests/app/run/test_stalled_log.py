"""A log that nobody reads, or that is read slowly: mail goes on, lines are whole, gaps are told."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from pillarbox.app import log_stream, logs
from tests.app.run.processes import watching
from tests.postoffice import PATIENCE, PostOffice

SMALLEST_PIPE = 4096
LONG = 3 * select.PIPE_BUF

Ends = tuple[int, int]


@contextlib.contextmanager
def _pipe(pages: int = 1) -> Iterator[Ends]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, pages * SMALLEST_PIPE)
    yield reader, writer
    os.close(reader)
    os.close(writer)


@contextlib.contextmanager
def _socket() -> Iterator[Ends]:
    """What systemd's journal gives a service."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours.fileno(), theirs.fileno()


@contextlib.contextmanager
def _terminal() -> Iterator[Ends]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, slave
    os.close(master)
    os.close(slave)


@contextlib.contextmanager
def _not_to_be_reopened() -> Iterator[Ends]:
    """A pipe of another user's: all that can be had is the descriptor itself."""
    with pytest.MonkeyPatch.context() as patch, _pipe(pages=4) as ends:
        patch.setattr(log_stream, "OWN_COPY", "/nowhere/{}")
        yield ends


KINDS = {
    "pipe": _pipe,
    "socket": _socket,
    "terminal": _terminal,
    "foreign pipe": _not_to_be_reopened,
}


@pytest.fixture(params=KINDS)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    with KINDS[request.param]() as found:
        yield found


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def in_a_child(act: Callable[[], None], processes: int = 1) -> None:
    """Run *act* in processes of their own, since it may hang; they must end."""
    pids = []
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                act()
                os._exit(0)
            os._exit(1)
        pids.append(pid)
    try:
        with watching(pids) as wait:
            wait()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # a process that has ended is still ours to name
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * processes


def everything(reader: int) -> bytes:
    """All that is in there now."""
    data = b""
    while select.select([reader], [], [], 0)[0]:
        data += os.read(reader, 1 << 16)
    return data


def test_a_log_that_nobody_reads_stops_nobody(ends: Ends) -> None:
    reader, writer = ends

    def write() -> None:
        logs.configure("json", fd=writer)
        log = structlog.get_logger("pillarbox.test")
        for number in range(20_000):
            log.info("line", number=number)

    in_a_child(write)
    assert os.get_blocking(writer), "the descriptor is not ours alone: the shell has it, too"
    *lines, _unfinished = everything(reader).split(b"\n")
    found = [json.loads(line) for line in lines]  # all of them are whole
    numbers = [line["number"] for line in found if line["event"] == "line"]
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("form", ["text", "json"])
def test_lost_lines_are_counted_and_told_when_writing_works_again(
    ends: Ends, form: logs.Format
) -> None:
    reader, writer = ends
    count = 20_000

    def write() -> None:
        logs.configure(form, fd=writer)
        log = structlog.get_logger("pillarbox.test")
        for number in range(count):
            log.info("line", number=number)
        os.kill(os.getpid(), signal.SIGSTOP)
        log.info("again")
        log.info("and again")

    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            write()
        os._exit(0)
    try:
        with watching([pid]) as wait:
            stopped = os.waitpid(pid, os.WUNTRACED)[1]
            assert os.WIFSTOPPED(stopped)
            before = everything(reader)
            os.kill(pid, signal.SIGCONT)
            wait()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    said = before
    while b"and again" not in said or not said.endswith(b"\n"):  # a terminal hands on when it likes
        said += os.read(reader, 1 << 16)
    lines = said.decode().splitlines()
    told = [line for line in lines if "log lines lost" in line]
    # A terminal's buffers may take some more meanwhile; so it can be told more than once.
    assert told
    written = sum("number" in line for line in lines)
    assert written + sum(lost_in(line, form) for line in told) == count
    assert [line.partition("again")[1] for line in lines[-2:]] == ["again", "again"]


def lost_in(line: str, form: logs.Format) -> int:
    assert "warning" in line
    if form == "json":
        return int(json.loads(line)["lost"])
    return int(line.rpartition(" lost=")[2])


def test_lines_of_several_processes_stay_whole_when_the_log_is_slow() -> None:
    reader, writer = os.pipe()
    lines = 300

    def write() -> None:
        logs.configure("json", fd=writer)
        log = structlog.get_logger("pillarbox.test")
        for number in range(lines):
            size = LONG if number % 3 == 0 else number
            log.info("line", number=number, process=os.getpid(), long="x" * size)

    def read() -> list[str]:
        data = b""
        while piece := os.read(reader, 1000):
            data += piece
        return data.decode().splitlines()

    pid = os.fork()
    if pid == 0:
        os.close(reader)
        with contextlib.suppress(BaseException):
            in_a_child(write, processes=4)
            os._exit(0)
        os._exit(1)
    os.close(writer)
    found = [json.loads(line) for line in read()]
    os.close(reader)
    assert os.waitpid(pid, 0)[1] == 0
    assert any(line.get("number", 1) % 3 == 0 for line in found)
    for line in found:
        if line["event"] == "line":
            assert len(line["long"]) in {LONG, line["number"]}


def test_a_line_that_is_longer_than_the_pipe_is_written_piece_by_piece() -> None:
    with _pipe() as (reader, writer):
        logs.configure("json", fd=writer)
        log = structlog.get_logger("pillarbox.test")
        log.info("long", text="x" * LONG)
        data = b""
        while b"\n" not in data:
            data += os.read(reader, SMALLEST_PIPE)
            log.info("and so the rest can go")
        assert json.loads(data.splitlines()[0])["text"] == "x" * LONG


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        logs.configure("text", fd=descriptor)
        structlog.get_logger("pillarbox.test").info("nowhere")
    finally:
        os.close(descriptor)


def test_a_server_whose_log_nobody_reads_serves_and_ends(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, settings={"listen": {"http": [], "lmtp": [], "smtp": []}})
    command = [sys.executable, "-m", "pillarbox", "--config", str(office.config), "serve"]
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    assert server.stderr is not None
    try:
        ready: dict[str, str] = {}
        while ready.get("event") != "ready":
            ready = json.loads(server.stderr.readline())
        host, _, port = ready["pop3"].rpartition(":")
        fcntl.fcntl(server.stderr, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        for _ in range(100):
            with socket.create_connection((host, int(port)), PATIENCE) as client:
                assert client.recv(512).startswith(b"+OK")
                client.sendall(b"USER " + b"a" * 60 + b"\r\nQUIT\r\n")
                while client.recv(512):
                    pass
        server.terminate()
        assert server.wait(PATIENCE) == 0
        lines = server.stderr.read().splitlines()
        assert [json.loads(line) for line in lines]
        assert len(lines) < 100  # some were lost: the pipe was full
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        server.stderr.close()
