"""Dovecot, as Debian packages it."""

from __future__ import annotations

import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postoffice import HOST, PASSWORD
from tests.realservers.maildir import Maildir
from tests.realservers.server import (
    USER,
    Way,
    free_port,
    open_folder,
    running,
    wait_until_it_listens,
    way,
    write_certificate,
)

PROGRAM = "/usr/sbin/dovecot"
POP3 = Path("/usr/lib/dovecot/pop3")
"""Its POP3 server is a package of its own."""

_CONFIGURATION = """
    base_dir = {folder}/run
    state_dir = {folder}/state
    log_path = /dev/stderr
    protocols = pop3
    listen = {host}
    ssl = yes
    ssl_cert = <{folder}/server.pem
    ssl_key = <{folder}/server.pem
    auth_mechanisms = plain login scram-sha-256
    passdb {{
      driver = passwd-file
      args = {folder}/users
    }}
    userdb {{
      driver = static
      args = uid={owner.pw_uid} gid={owner.pw_gid} home={folder}/home/%u
    }}
    mail_location = maildir:~/Maildir
    service pop3-login {{
      inet_listener pop3 {{
        port = {pop3}
      }}
      inet_listener pop3s {{
        port = {pop3s}
        ssl = yes
      }}
    }}
"""


class Dovecot:
    """A running Dovecot."""

    name = "Dovecot"

    def __init__(self, maildir: Maildir, authority: Path, pop3: int, pop3s: int) -> None:
        self.maildir = maildir
        self._authority = authority
        self.pop3 = pop3
        self.pop3s = pop3s

    def way(self) -> Way:
        return way(f"pop3s://{USER}@localhost:{self.pop3s}", self._authority)

    def put(self, contents: Iterable[bytes]) -> None:
        self.maildir.put(contents)

    def left(self) -> int:
        return self.maildir.left()


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Start it; it ends with the block."""
    with open_folder() as folder:
        owner = pwd.getpwnam("nobody")
        maildir = Maildir(folder / "home" / USER / "Maildir", owner.pw_uid, owner.pw_gid)
        authority = write_certificate(folder / "server.pem")
        server = Dovecot(maildir, authority, free_port(), free_port())
        configuration = folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder, host=HOST, owner=owner, pop3=server.pop3, pop3s=server.pop3s
            )
        )
        users = folder / "users"
        users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        users.chmod(0o644)
        log = folder / "log"
        with running([PROGRAM, "-F", "-c", str(configuration)], log) as process:
            wait_until_it_listens(process, (HOST, server.pop3), log)
            yield server
