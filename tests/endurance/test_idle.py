"""Ten thousand clients that only hold the line.

They come from many loopback addresses, so that neither the ports of one address run out nor
the limit of connections from one address is reached: the limits are the server's defaults,
except for how many there may be in all, since an ordinary client must still find a place.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.endurance.letters import letter, tag_of
from tests.endurance.memory import pss
from tests.postoffice import PASSWORD, PATIENCE, PostOffice

HELD = 10_000
PER_ADDRESS = 90
SPARE_FILES = 300
WAIT = 24 * 3600

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.0/8 and /proc")

Record = Callable[[str, object], None]


@pytest.fixture
def many_files() -> Iterator[None]:
    """Lets this process (not the server: that must help itself) open enough sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < HELD + SPARE_FILES:
        pytest.skip(f"this user may open {hard} files only, {HELD + SPARE_FILES} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    """Its processes begin with the limit that a shell or systemd gives them."""
    limits = {"connections": HELD + 100, "login_timeout": WAIT, "idle_timeout": WAIT}
    office = PostOffice(tmp_path, users=["alice"], settings={"limits": limits})
    office.before_start(_usual_limit)
    with office:
        yield office


def _usual_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


class Line:
    """One connection, with as little around it as possible."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def say(self, command: bytes = b"") -> bytes:
        """Send a line, if there is one to send; returns the line that comes back."""
        if command:
            self._sock.sendall(command + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            piece = self._sock.recv(512)
            assert piece, "the server has closed"
            answer += piece
        return answer


def _lines(
    office: PostOffice, door: str, count: int, stack: ExitStack, first: int = 0
) -> list[Line]:
    """Connections to *door*, greeted."""
    context = office.context() if door == "pop3s" else None
    return [_line(office, door, context, number, stack) for number in range(first, first + count)]


def _line(
    office: PostOffice, door: str, context: ssl.SSLContext | None, number: int, stack: ExitStack
) -> Line:
    place = number // PER_ADDRESS
    source = (f"127.1.{place // 250}.{place % 250 + 1}", 0)
    sock = socket.create_connection(office.addresses[door], timeout=PATIENCE, source_address=source)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(sock.close)
        if context:
            sock = context.wrap_socket(sock, server_hostname="localhost")
        on_failure.pop_all()
    stack.callback(sock.close)
    line = Line(sock)
    assert line.say().startswith(b"+OK")
    return line


def _normal_session(office: PostOffice) -> None:
    """Mail comes in and goes out as ever."""
    office.deliver(letter("normal", 100_000), "alice")
    assert [tag_of(content) for content in office.collect("alice", keep=False)] == ["normal"]


def _measured(what: str, count: int, before: int, after: int) -> str:
    each = (after - before) / count
    return f"{count:,} {what}: {each / 1000:.1f} kB each (PSS of all workers)"


@pytest.mark.parametrize(
    ("door", "count"),
    [("pop3", HELD), ("pop3s", 1_000), pytest.param("pop3s", HELD, marks=pytest.mark.long)],
)
@pytest.mark.usefixtures("many_files")
def test_idle_connections_are_held(
    door: str, count: int, office: PostOffice, record_property: Record
) -> None:
    _normal_session(office)
    with ExitStack() as stack:
        _lines(office, door, 100, stack)  # whatever the first ones of all make is not counted
        before = pss(office.workers())
        lines = _lines(office, door, count - 100, stack, first=100)
        record_property(
            "measured",
            _measured(f"connections idle, {door}", count - 100, before, pss(office.workers())),
        )
        _normal_session(office)
        for line in lines:
            assert line.say(b"QUIT").startswith(b"+OK")
    assert office.stop() == 0


@pytest.mark.parametrize("count", [100, pytest.param(160, marks=pytest.mark.long)])
def test_idle_sessions_are_held(count: int, tmp_path: Path, record_property: Record) -> None:
    """The same for clients that have signed in: each has its maildrop open."""
    warming, letters = 50, 20
    users = [f"user{number}" for number in range(count)]
    limits = {"idle_timeout": WAIT}
    with PostOffice(
        tmp_path, users=["alice", *users], settings={"limits": limits}, fresh=True
    ) as office:
        for number in range(letters):
            office.deliver(letter(f"t{number}", 1_000), *users)
        with ExitStack() as stack:
            lines = _lines(office, "pop3", count, stack)
            _sign_in(users[:warming], lines)  # connections to the store and the like are made once
            before = pss(office.workers())
            _sign_in(users[warming:], lines[warming:])
            after = pss(office.workers())
            what = "sessions idle, beyond their connections"
            record_property("measured", _measured(what, count - warming, before, after))
            _normal_session(office)
            for line in lines:
                assert line.say(b"STAT").startswith(b"+OK %d " % letters)


def _sign_in(users: list[str], lines: list[Line]) -> None:
    for user, line in zip(users, lines, strict=False):
        assert line.say(b"USER " + user.encode()).startswith(b"+OK")
        assert line.say(b"PASS " + PASSWORD.encode()).startswith(b"+OK")
