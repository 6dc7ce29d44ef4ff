"""Dovecot 2.3, as Debian packages it: by Debian's configuration, and tuned."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.maildirs import Maildirs
from bench.peers.processes import (
    HOST,
    CannotRun,
    make_certificate,
    output_of,
    running,
    wait_until_it_listens,
)

_PROGRAM = Path("/usr/sbin/dovecot")
_POP3 = Path("/usr/lib/dovecot/pop3")
_LMTP = Path("/usr/lib/dovecot/lmtp")
_HERE = Path(__file__).parent
MODES = ("fast", "default")


@contextmanager
def dovecot(users: Mapping[str, Mail], mode: str, password: str = "") -> Iterator[Peer]:
    """Start it; *mode* is one of :data:`MODES`.

    *password*: as ``users`` keep it, with its scheme; in the clear if empty.

    Raises:
        CannotRun: not installed, not root, another version.
    """
    if os.geteuid() != 0:
        raise CannotRun("it is started as root")
    if not (_POP3.exists() and _LMTP.exists()):
        raise CannotRun("not installed: dovecot-pop3d and dovecot-lmtpd")
    version = output_of([str(_PROGRAM), "--version"])
    if not version.startswith("2.3."):
        raise CannotRun(f"version {version.split()[0]} spells its configuration differently")
    owner = pwd.getpwnam("nobody")
    ports = {door: free_port() for door in ("pop3", "pop3s", "lmtp")}
    with open_folder() as folder, open_account(f"dovecot-{mode}") as account:
        tls = make_certificate(folder)
        maildirs = Maildirs(folder, owner, users)
        accounts = folder / "users"
        accounts.write_text("".join(f"{u}:{password or '{PLAIN}' + PASSWORD}\n" for u in users))
        accounts.chmod(0o644)
        for name in MODES:
            text = (_HERE / f"dovecot-{name}.conf").read_text()
            filled = text.format(
                folder=folder,
                host=HOST,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                cores=os.cpu_count(),
                **ports,
            )
            (folder / f"dovecot-{name}.conf").write_text(filled)
        log = folder / "log"
        command = [str(_PROGRAM), "-F", "-c", str(folder / f"dovecot-{mode}.conf")]
        with running(command, log, account) as process:
            wait_until_it_listens(process, (HOST, ports["pop3"]), log)
            yield Peer(
                f"Dovecot, {mode}",
                version.split()[0],
                account,
                ports["pop3"],
                ports["pop3s"],
                ports["lmtp"],
                tls,
                users,
                maildirs.refill,
            )
