"""A Dovecot of the test's own, where one is installed: another server than ours to talk to.

Version 2.3, as Debian has it (2.4 spells its configuration differently), and started as root,
since it wants to change users.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import trustme

HOST = "127.0.0.1"
USER = "alice"
PASSWORD = "a fine and private place"
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "APOP", "USER")

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = pop3
listen = {host}
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 apop
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/home/Maildir
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


def why_not() -> str | None:
    """Why there can be none here, if so."""
    if shutil.which("dovecot") is None:
        return "dovecot is not installed on this machine"
    if os.geteuid() != 0:
        return "dovecot has to be started as root"
    version = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True)
    return None if version.stdout.startswith("2.3.") else f"dovecot is {version.stdout.strip()}"


class Dovecot:
    """A server with one maildrop.

    Its folder is not pytest's, which nobody (the user who reads the maildrop) cannot enter.
    """

    def __init__(self, mails: Iterable[bytes]) -> None:
        self.folder = folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.authority = folder / "authority.pem"
        self.ports = {"pop3": _free_port(), "pop3s": _free_port()}
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        certificate = authority.issue_cert(HOST)
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        settings = _CONFIGURATION.format(folder=folder, host=HOST, **self.ports)
        (folder / "dovecot.conf").write_text(settings)
        self._fill(mails)

    def _fill(self, mails: Iterable[bytes]) -> None:
        maildir = self.folder / "home" / "Maildir"
        for name in ("cur", "new", "tmp"):
            (maildir / name).mkdir(parents=True)
        for number, mail in enumerate(mails):  # listed in the order of these names
            (maildir / "new" / f"1000000000.M{number:06d}.host").write_bytes(mail)
        for path in (self.folder / "home", *(self.folder / "home").rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
        self.folder.chmod(0o711)

    def url(self, scheme: str) -> str:
        return f"{scheme}://{USER}@{HOST}:{self.ports[scheme]}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        said = b""
        while b"starting up" not in said:
            line = self._process.stderr.readline()
            said += line
            assert line, said.decode()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()
        shutil.rmtree(self.folder)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
