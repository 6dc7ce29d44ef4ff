"""HAProxy before the nodes: it asks each whether it is ready, and names the client to it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.app.run.haproxy import PROGRAM
from tests.postoffice import HOST, PATIENCE, Address

DOORS = {"pop3s": "send-proxy-v2", "pop3": "send-proxy-v2", "lmtp": ""}
"""And how a node is told who comes."""

_CONFIG = """
global
    maxconn 1000
defaults
    mode tcp
    balance random
    retries 2
    option redispatch
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    timeout check 1s
"""
_DOOR = """
listen {door}
    bind fd@{fd}
    option httpchk GET /ready
    default-server check inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions {how}
{servers}
"""


@contextlib.contextmanager
def balancer(folder: Path, nodes: Sequence[Mapping[str, int]]) -> Iterator[dict[str, Address]]:
    """Where its doors are, by name. *nodes*: each node's ports, by door."""
    config = folder / "haproxy.cfg"
    with contextlib.ExitStack() as stack:
        listening = {door: stack.enter_context(socket.create_server((HOST, 0))) for door in DOORS}
        config.write_text(
            _CONFIG
            + "".join(
                _DOOR.format(
                    door=door,
                    fd=listening[door].fileno(),
                    how=how,
                    servers="\n".join(
                        f"    server node{place} {HOST}:{ports[door]} check port {ports['http']}"
                        for place, ports in enumerate(nodes)
                    ),
                )
                for door, how in DOORS.items()
            )
        )
        log = stack.enter_context((folder / "haproxy.log").open("wb"))
        process = subprocess.Popen(
            [PROGRAM, "-db", "-f", str(config)],
            pass_fds=[each.fileno() for each in listening.values()],
            stdout=log,
            stderr=log,
        )
        try:
            yield {door: Address(*each.getsockname()) for door, each in listening.items()}
        finally:
            process.terminate()
            process.wait(PATIENCE)
