"""Courier's POP3 server, as Debian packages it, in a root folder of its own.

Its package cannot be installed beside Dovecot's, and its programs have the names of all their
files compiled in. So ``scripts/system-packages`` only unpacks it, and what is needed of it is
copied into a folder that is root for its processes: two daemons, for sign-ins and for
connections, and a login and a server program for each connection.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.postoffice import HOST, PASSWORD
from tests.realservers.server import (
    USER,
    MaildirServer,
    open_folder,
    running,
    wait_until_it_listens,
)

UNPACKED = Path("/usr/local/lib/pillarbox-tests/courier")
"""Where ``scripts/system-packages`` unpacks the packages."""

_LIBRARIES = ("usr/lib", "usr/lib/*-linux-gnu")
AUTHENTICATION = "/usr/lib/courier/courier-authlib/authdaemond"
_CONNECTIONS = "/usr/sbin/couriertcpd"
_LOGIN = "/usr/lib/courier/courier/courierpop3login"
_SERVER = "/usr/lib/courier/courier/courierpop3d"
_TLS = "/usr/bin/couriertls"
_ACCOUNTS = "/usr/lib/courier-authlib/libauthuserdb.so.0"
_MAKE_DATABASE = "usr/lib/courier/courier-authlib/makedatprog"
SOCKET = "run/courier/authdaemon/socket"

_DAEMON_SETTINGS = """\
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
"""
ENVIRONMENT = {
    "PATH": "/",
    "LD_LIBRARY_PATH": "/lib",
    "POP3AUTH": "PLAIN",
    "POP3AUTH_TLS": "PLAIN",
    "POP3_STARTTLS": "YES",
    "POP3_TLS_REQUIRED": "0",
    "COURIERTLS": _TLS,
    "TLS_CERTFILE": "/server.pem",
    "TLS_VERIFYPEER": "NONE",
}


@contextmanager
def courier() -> Iterator[MaildirServer]:
    """Start it; it ends with the block. The way in is STLS."""
    with open_folder() as root:
        server = MaildirServer("Courier", root, "pop3")
        server.certificate.chmod(0o644)  # read after root's rights were given up
        furnish(root, server.owner, {USER: f"/home/{USER}"}, PASSWORD)
        log = root / "log"
        inside = partial(os.chroot, root)
        settings = {"cwd": root, "env": ENVIRONMENT, "preexec_fn": inside}
        with running([AUTHENTICATION], log, **settings) as daemon:
            wait_until_it_listens(daemon, str(root / SOCKET), log)
            with running(connections(server.ports["pop3"]), log, **settings) as process:
                wait_until_it_listens(process, (HOST, server.ports["pop3"]), log)
                yield server


def furnish(root: Path, owner: pwd.struct_passwd, homes: Mapping[str, str], password: str) -> None:
    """Make *root* a root folder for it, with these users, by their home folders in it. The
    certificate is ``server.pem``.
    """
    for program in (AUTHENTICATION, _CONNECTIONS, _LOGIN, _SERVER, _TLS, _ACCOUNTS):
        _copy_program(program, root)
    _write_settings(root, owner, homes, password)


def connections(port: int, *, tls: bool = False, most: int = 40) -> list[str]:
    """The daemon for *port*, with TLS from the first byte or STLS, and at most so many sessions."""
    command = [_CONNECTIONS, f"-address={HOST}", "-nodnslookup", "-noidentlookup"]
    command += [f"-maxprocs={most}", f"-maxperip={most}", str(port)]
    first = [_TLS, "-server", "-tcpd"] if tls else []
    return [*command, *first, _LOGIN, _SERVER, "Maildir"]


def _library_path() -> Mapping[str, str]:
    folders = [str(path) for name in _LIBRARIES for path in UNPACKED.glob(name)]
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def _copy_program(program: str, root: Path) -> None:
    """Copy *program* and the libraries that it is linked to."""
    source = UNPACKED / program.lstrip("/")
    _copy(source, root / program.lstrip("/"))
    linked = subprocess.run(
        ["ldd", source], env=_library_path(), capture_output=True, text=True, check=True
    )
    for library in re.findall(r"(/\S+) \(0x", linked.stdout):
        is_loader = "/ld-" in library  # its place is written into every program
        _copy(
            Path(library),
            root / (library.lstrip("/") if is_loader else f"lib/{Path(library).name}"),
        )


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _write_settings(
    root: Path, owner: pwd.struct_passwd, homes: Mapping[str, str], password: str
) -> None:
    """Everything below ``/etc``, and what else is looked for by name."""
    etc = root / "etc"
    (etc / "courier").mkdir(parents=True)
    (root / SOCKET).parent.mkdir(parents=True)
    (root / "dev").mkdir()
    (root / "dev" / "null").touch()
    (etc / "courier" / "authdaemonrc").write_text(_DAEMON_SETTINGS)
    ids = f"{owner.pw_uid}:{owner.pw_gid}"
    (etc / "passwd").write_text(f"root:x:0:0::/:/\ncourier:x:{ids}::/:/\n")
    (etc / "group").write_text(f"root:x:0:\ncourier:x:{owner.pw_gid}:\n")
    owned = f"uid={owner.pw_uid}|gid={owner.pw_gid}"
    fields = {user: f"{owned}|home={home}|mail={home}/Maildir" for user, home in homes.items()}
    _make_database(etc / "courier" / "userdb", fields)
    secret = f"systempw={_hashed(password)}"
    _make_database(etc / "courier" / "userdbshadow", dict.fromkeys(homes, secret))


def _hashed(password: str) -> str:
    done = subprocess.run(
        [UNPACKED / "usr/sbin/userdbpw"],
        env=_library_path(),
        input=f"{password}\n{password}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _make_database(path: Path, fields: Mapping[str, str]) -> None:
    command = [str(UNPACKED / _MAKE_DATABASE), "-", f"{path}.tmp", f"{path}.dat"]
    lines = "".join(f"{user}\t{text}\n" for user, text in fields.items()).encode() + b".\n"
    subprocess.run(command, env=_library_path(), input=lines, capture_output=True, check=True)
