"""A TLS client that says which worker greeted it, and brings the session of last time."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.postoffice import PATIENCE, Address

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Visit(NamedTuple):
    """What a client has seen."""

    worker: int
    """The process that greeted it (from APOP's timestamp, which has to be on)."""
    resumed: bool
    session: ssl.SSLSession | None


def visit(address: Address, context: ssl.SSLContext, session: ssl.SSLSession | None) -> Visit:
    """Connect, be greeted, and hang up."""
    plain = socket.create_connection(address, PATIENCE)
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as client:
        greeting = client.recv(512)
        found = re.search(rb"<(\d+)\.", greeting)
        assert found, greeting
        return Visit(int(found[1]), bool(client.session_reused), client.session)


def of_version(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that these processes have used (of Linux's scheduler, in nanoseconds)."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
