"""The server that all collect from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.realservers import dovecot
from tests.realservers.ours import ours
from tests.realservers.server import RealServer

from bench.office import message

OCTETS = 4_000


@contextmanager
def open_server() -> Iterator[RealServer]:
    """Dovecot, if it can be started here; else our own."""
    has_dovecot = os.geteuid() == 0 and dovecot.POP3.exists()
    with dovecot.dovecot() if has_dovecot else ours() as server:
        yield server


def fill(server: RealServer, count: int) -> None:
    """Put in so many messages; there must be none.

    Raises:
        RuntimeError: there are some.
    """
    if left := server.left():
        raise RuntimeError(f"{left} messages were left behind")
    as_file = message(OCTETS).replace(b"\r\n", b"\n")
    server.put(as_file.replace(b"message 0", b"message %d" % number) for number in range(count))
