"""Ports for servers that have to be told theirs, and for places where nobody listens.

A port that the system chose may be chosen again as soon as it is let go: for a server of another test process, for
a client's end of any connection, and for what connects to that very port. So these are below those that it chooses
from, each is given out once by a process, and the processes of one run have ports of their own.
"""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

_HOST = "127.0.0.1"
_FIRST = 12_000
_CHOSEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The first and the last of those that the system chooses from."""
_SHARES = 16
"""Half of them for the processes of one run, by their numbers; half for those that are alone."""


def _share() -> range:
    last = int(_CHOSEN.read_text().split()[0]) if _CHOSEN.exists() else 32_768
    size = (last - _FIRST) // _SHARES
    assert size > 0, "the system may choose any port"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    half = _SHARES // 2
    number = int(worker) % half if worker else half + os.getpid() % half
    return range(_FIRST + number * size, _FIRST + (number + 1) * size)


_ports = itertools.cycle(_share())


def free_port() -> int:
    """One that nobody listens at on this machine, and that nobody is given but who asked for it."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError("a cycle has no end")
