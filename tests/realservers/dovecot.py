"""Dovecot, as Debian packages it: version 2.3 (2.4 spells its configuration differently)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postoffice import HOST, PASSWORD
from tests.realservers.server import (
    USER,
    MaildirServer,
    open_folder,
    running,
    wait_until_it_listens,
)
from tests.realservers.server import why_not as why_no_server

PROGRAM = "/usr/sbin/dovecot"
POP3 = Path("/usr/lib/dovecot/pop3")
"""Its POP3 server is a package of its own."""

_CONFIGURATION = """
    base_dir = {folder}/run
    state_dir = {folder}/state
    log_path = /dev/stderr
    protocols = pop3
    listen = {host}
    ssl = required
    ssl_cert = <{server.certificate}
    ssl_key = <{server.certificate}
    auth_mechanisms = {mechanisms}
    passdb {{
      driver = passwd-file
      args = {folder}/users
    }}
    userdb {{
      driver = static
      args = uid={server.owner.pw_uid} gid={server.owner.pw_gid} home={folder}/home/%u
    }}
    mail_location = maildir:~/Maildir
    service pop3-login {{
      inet_listener pop3 {{
        port = {server.ports[pop3]}
      }}
      inet_listener pop3s {{
        port = {server.ports[pop3s]}
        ssl = yes
      }}
    }}
"""


def why_not() -> str | None:
    """Why it cannot be run here, if so."""
    return why_no_server("Dovecot", POP3) or _of_another_version()


def _of_another_version() -> str | None:
    command = [PROGRAM, "--version"]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return None if version.startswith("2.3.") else f"dovecot is {version.strip()}"


@contextmanager
def dovecot(mechanisms: str = "plain login scram-sha-256") -> Iterator[MaildirServer]:
    """Start it, with these ways to sign in; it ends with the block."""
    with open_folder() as folder:
        server = MaildirServer("Dovecot", folder, "pop3s", "pop3")
        configuration = folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, host=HOST, server=server, mechanisms=mechanisms)
        )
        users = folder / "users"
        users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        users.chmod(0o644)
        log = folder / "log"
        with running([PROGRAM, "-F", "-c", str(configuration)], log) as process:
            for port in server.ports.values():  # one after the other
                wait_until_it_listens(process, (HOST, port), log)
            yield server
