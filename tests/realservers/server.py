"""What the tests need of a server, and what all of them are made with."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from pillarbox.client.endpoint import Endpoint
from pillarbox.client.tls import TlsSettings
from tests.ports import free_port
from tests.postoffice import HOST, PATIENCE, authority
from tests.realservers.maildir import Maildir

USER = "alice"
_MOMENT = 0.02
"""Seconds between two looks whether a server listens."""


class Way(NamedTuple):
    """How to reach a maildrop."""

    endpoint: Endpoint
    tls: TlsSettings


class RealServer(Protocol):
    """A running server with the maildrop of :data:`USER`, whose password is the post office's."""

    name: str

    def way(self) -> Way:
        """The safest way in that this server has."""
        ...

    def put(self, contents: Iterable[bytes]) -> None:
        """Messages come in. Line ends as in a file: LF, or CRLF."""

    def left(self) -> int:
        """How many messages there are."""
        ...


class MaildirServer:
    """A server of others, which reads a Maildir with the rights of ``nobody``."""

    def __init__(self, name: str, folder: Path, *schemes: str) -> None:
        """Makes in *folder* what all of them need: the maildrop, a certificate.

        *schemes* are those of its doors, the safest first; each gets a port.
        """
        self.name = name
        self.owner = pwd.getpwnam("nobody")
        self.maildir = Maildir(folder / "home" / USER / "Maildir", self.owner)
        self.certificate = folder / "server.pem"
        self.authority = write_certificate(self.certificate)
        self.ports = {scheme: free_port() for scheme in schemes}

    def url(self, scheme: str) -> str:
        return f"{scheme}://{USER}@localhost:{self.ports[scheme]}"

    def way(self) -> Way:
        return way(self.url(next(iter(self.ports))), self.authority)

    def put(self, contents: Iterable[bytes]) -> None:
        self.maildir.put(contents)

    def left(self) -> int:
        return self.maildir.left()


def why_not(name: str, needed: Path) -> str | None:
    """Why the server *name*, of which *needed* is a file, cannot be run here; None: it can."""
    if os.geteuid() != 0:
        return f"{name} gives up root's rights, so it can only be started by root"
    if not needed.exists():
        return f"{name} is not installed on this machine: see scripts/system-packages"
    return None


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder into which servers can look that gave up root's rights, with a short name (a Unix
    socket's has 107 octets).
    """
    with tempfile.TemporaryDirectory(prefix="pop3-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def way(url: str, authority: Path) -> Way:
    """The way to *url*, whose certificate *authority* has signed."""
    return Way(Endpoint.parse(url), TlsSettings(authority))


def write_certificate(path: Path) -> Path:
    """Key and certificate of ``localhost`` in one file; returns the authority's beside it."""
    certificate = authority().issue_cert(HOST, "localhost", common_name="localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(path)
    trusted = path.with_name("authority.pem")
    authority().cert_pem.write_to_path(trusted)
    return trusted


@contextmanager
def running(command: list[str], log: Path, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that is ended, with all that it started, when the block is left."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **settings,  # type: ignore[call-overload] # the caller's business
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            _end_the_rest(process)


def _end_the_rest(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):  # the usual case: it has left nobody
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until_it_listens(
    process: subprocess.Popen[bytes], address: tuple[str, int] | str, log: Path
) -> None:
    """Wait until *address* (TCP, or the path of a Unix socket) is listened to.

    Raises:
        AssertionError: the process has ended instead.
    """
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        try:
            process.wait(_MOMENT)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server did not start:\n{log.read_text(errors='replace')}")
