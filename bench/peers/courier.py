"""Courier 1.0, as Debian packages it, in a root folder of its own (see ``tests/realservers``)."""

from __future__ import annotations

import gzip
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from tests.ports import free_port
from tests.realservers import courier as parts
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.maildirs import Maildirs
from bench.peers.processes import (
    HOST,
    CannotRun,
    make_certificate,
    running,
    wait_until_it_listens,
)

_SESSIONS = 12_000
"""More than any work has at once."""


@contextmanager
def courier(users: Mapping[str, Mail]) -> Iterator[Peer]:
    """Start it. It takes no part in deliveries: it has no LMTP.

    Raises:
        CannotRun: not unpacked, or not root.
    """
    if os.geteuid() != 0:
        raise CannotRun("it is started as root")
    if not parts.UNPACKED.exists():
        raise CannotRun("not unpacked: `scripts/system-packages` does it")
    owner = pwd.getpwnam("nobody")
    doors = {"pop3": free_port(), "pop3s": free_port()}
    with open_folder() as root, open_account("courier") as account, ExitStack() as all_:
        tls = make_certificate(root)
        (root / "server.pem").chmod(0o644)  # read after root's rights were given up
        maildirs = Maildirs(root, owner, users)
        parts.furnish(root, owner, {user: f"/home/{user}" for user in users}, PASSWORD)
        log = root / "log"

        def start(command: list[str], address: tuple[str, int] | str) -> None:
            process = all_.enter_context(
                running(
                    command,
                    log,
                    account,
                    environment=parts.ENVIRONMENT,
                    cwd=root,
                    enter=partial(os.chroot, root),
                )
            )
            wait_until_it_listens(process, address, log)

        start([parts.AUTHENTICATION], str(root / parts.SOCKET))
        for door, port in doors.items():
            command = parts.connections(port, tls=door == "pop3s", most=_SESSIONS)
            start(command, (HOST, port))
        yield Peer(
            "Courier",
            _version(),
            account,
            doors["pop3"],
            doors["pop3s"],
            None,
            tls,
            users,
            maildirs.refill,
        )


def _version() -> str:
    """From the changelog that the package brings."""
    found = parts.UNPACKED.glob("usr/share/doc/courier-base/changelog.Debian.gz")
    for path in found:
        line = gzip.decompress(path.read_bytes()).decode().partition("\n")[0]
        if match := re.search(r"\((?:\d+:)?([\d.]+)", line):
            return match[1]
    return "?"
