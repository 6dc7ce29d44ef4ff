"""Cyrus 3.6, as Debian packages it; unpacked only, since its package excludes Dovecot's.

Its mail is put into its spool as files and added by ``reconstruct``, which is quick. All
processes run as ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.ports import free_port
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.peers.contract import DOMAIN, PASSWORD, Mail, Peer, message
from bench.peers.processes import (
    HOST,
    CannotRun,
    make_certificate,
    running,
    wait_until_it_listens,
)

UNPACKED = Path("/usr/local/lib/pillarbox-tests/cyrus")
"""Where ``scripts/system-packages`` unpacks the packages."""
_PROGRAMS = UNPACKED / "usr/lib/cyrus/bin"
_HERE = Path(__file__).parent
_OWNER = "nobody"


@contextmanager
def cyrus(users: Mapping[str, Mail]) -> Iterator[Peer]:
    """Start it.

    Raises:
        CannotRun: not unpacked, or not root.
    """
    if os.geteuid() != 0:
        raise CannotRun("it is started as root")
    if not (_PROGRAMS / "pop3d").exists():
        raise CannotRun("not unpacked: `scripts/system-packages peers` does it")
    if not shutil.which("db_load"):
        raise CannotRun("db_load is missing, which makes its users: it is in Debian's db-util")
    ports = {door: free_port() for door in ("pop3", "pop3s", "lmtp")}
    with open_folder() as folder, open_account("cyrus") as account:
        tls = make_certificate(folder)
        _configure(folder, users, ports)
        run = _Commands(folder)
        run.give_all_away()
        log = folder / "log"
        command = [str(_PROGRAMS / "master"), "-C", f"{folder}/imapd.conf"]
        command += ["-M", f"{folder}/cyrus.conf", "-p", f"{folder}/pid", "-D"]
        with running(command, log, account, environment=run.environment) as process:
            wait_until_it_listens(process, (HOST, ports["pop3"]), log)
            wait_until_it_listens(process, (HOST, ports["lmtp"]), log)
            refill = partial(_fill, run, users, ports["lmtp"])
            for user in users:
                refill(user)
            yield Peer(
                "Cyrus",
                _version(ports["pop3"]),
                account,
                ports["pop3"],
                ports["pop3s"],
                ports["lmtp"],
                tls,
                users,
                refill,
            )


class _Commands:
    """Its programs, run as its user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owner = pwd.getpwnam(_OWNER)
        libraries = ":".join(map(str, UNPACKED.glob("usr/lib/*-linux-gnu")))
        self.environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries}

    def __call__(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [_PROGRAMS / program, "-C", f"{self.folder}/imapd.conf", *arguments],
            env=self.environment,
            user=self._owner.pw_uid,
            group=self._owner.pw_gid,
            extra_groups=[],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def give_all_away(self) -> None:
        for path in (self.folder, *self.folder.rglob("*")):
            self.give_away(path)

    def give_away(self, path: Path) -> None:
        os.chown(path, self._owner.pw_uid, self._owner.pw_gid)


def _configure(folder: Path, users: Mapping[str, Mail], ports: Mapping[str, int]) -> None:
    for name in ("spool", *(f"conf/{part}" for part in ("db", "proc", "socket", "log", "msg"))):
        (folder / name).mkdir(parents=True)
    values = {"folder": folder, "host": HOST, "owner": _OWNER, "programs": _PROGRAMS, **ports}
    for source, target in (("cyrus.conf", "cyrus.conf"), ("cyrus-imapd.conf", "imapd.conf")):
        text = (_HERE / source).read_text()
        (folder / target).write_text(text.format(cores=os.cpu_count(), **values))
    # saslpasswd2 would take a process for each user. The file is what it makes: a hash of Berkeley DB.
    realm = socket.gethostname()
    rows = [f"{user}\\00{realm}\\00userPassword\n{PASSWORD}\n" for user in users]
    subprocess.run(
        ["db_load", "-T", "-t", "hash", folder / "sasldb2"],
        input="".join(rows).encode(),
        check=True,
    )


def _fill(run: _Commands, users: Mapping[str, Mail], lmtp: int, user: str) -> None:
    """The first message comes in by the door, and makes the mailbox; the others lie down beside it.

    So the first is a little larger than the others, by the fields that the door puts in front.
    """
    mail = users[user]
    for _ in range(min(mail.count, 1)):
        with smtplib.LMTP(HOST, lmtp) as door:
            door.sendmail(f"a@{DOMAIN}", [user], message(mail.octets))
    if mail.count == 0:
        return
    mailbox = Path(run("mbpath", f"user/{user}"))
    first = max(int(path.name[:-1]) for path in mailbox.glob("[0-9]*."))
    for number in range(first + 1, first + mail.count):
        if (number - first) % 30_000 == 0 or number == first + 1:
            source = mailbox / f"{number}."
            source.write_bytes(message(mail.octets))
            run.give_away(source)
        else:
            (mailbox / f"{number}.").hardlink_to(source)
    run("reconstruct", f"user/{user}")


def _version(port: int) -> str:
    with socket.create_connection((HOST, port)) as connection:
        words = connection.recv(512).decode().split()
    return words[words.index("POP3") + 1].partition("-")[0] if "POP3" in words else "?"
