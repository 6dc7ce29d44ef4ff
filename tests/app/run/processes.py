"""Helpers for tests with real processes: waiting for ends and for conditions, not for time."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.postoffice import PATIENCE, Address


@contextlib.contextmanager
def watching(pids: Sequence[int]) -> Iterator[Callable[[], None]]:
    """Gives a function that waits until all these processes have ended.

    (They need not be children of ours; begin to watch while they live.)
    """
    descriptors = [os.pidfd_open(pid) for pid in pids]

    def wait() -> None:
        for descriptor in descriptors:
            readable, _, _ = select.select([descriptor], [], [], PATIENCE)
            assert readable, "a process did not end"

    try:
        yield wait
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Ask again and again, for what no event announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        os.sched_yield()


def until_it_waits(pid: int) -> None:
    """Until its main thread waits for something (on Linux).

    Python looks for signals before a system call; one that comes between this look and the call is noticed only when
    the call is over: when somebody has typed a line, say.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S", "it waits")


def accepts(address: Address) -> bool:
    """Whether a connection can be made."""
    with contextlib.suppress(OSError), socket.create_connection(address, PATIENCE):
        return True
    return False


def greets(address: Address) -> socket.socket | None:
    """A connection to a POP3 door that was greeted, or None when it was turned away."""
    client = socket.create_connection(address, PATIENCE)
    if client.recv(512).startswith(b"+OK"):
        return client
    client.close()
    return None


def certificate(address: Address, context: ssl.SSLContext) -> bytes | None:
    """The certificate (DER) that a TLS port shows."""
    with (
        socket.create_connection(address, PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.getpeercert(binary_form=True)


def get(address: Address, path: str) -> tuple[int, bytes]:
    """A page of the health listener: status and body."""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
