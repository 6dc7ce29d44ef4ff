"""The collectors, each told to empty a maildrop by POP3S and to keep nothing back.

Each has a folder of its own, new for every collection. Its settings are those by which it does
least: no trace fields, no progress, no log.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import textwrap
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.postoffice import PASSWORD
from tests.realservers.server import USER, Way


class Errand(NamedTuple):
    """What is to be collected, and where everything may be written."""

    way: Way
    folder: Path

    @property
    def port(self) -> int:
        return self.way.endpoint.port

    @property
    def maildir(self) -> Path:
        return self.folder / "Mail"


class Peer(Protocol):
    """A collector."""

    name: str
    fine: Sequence[int]
    """Exit codes of a run that did what it had to."""
    rounds: int
    """In how many it takes part at most."""

    def command(self, errand: Errand) -> list[str]:
        """The command for one collection; writes the configuration that it needs."""
        ...

    def collected(self, errand: Errand) -> int:
        """How many messages have been collected."""
        ...


def _in_maildir(errand: Errand) -> int:
    return len(list((errand.maildir / "new").iterdir()))


def _private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


class Pillarbox:
    """Ours."""

    name = "Pillarbox"
    rounds = sys.maxsize
    fine: Sequence[int] = (0,)

    def command(self, errand: Errand) -> list[str]:
        command = [sys.executable, "-m", "pillarbox", "fetch", str(errand.way.endpoint)]
        command += ["--password-stdin", "--to", f"maildir:{errand.maildir}", "--delete"]
        return [*command, "--state", str(errand.folder / "state"), "--ca", str(errand.way.tls.ca)]

    def collected(self, errand: Errand) -> int:
        return _in_maildir(errand)


class Mpop:
    """It pipelines, and syncs each message by itself."""

    name = "mpop"
    rounds = sys.maxsize
    fine: Sequence[int] = (0,)

    def command(self, errand: Errand) -> list[str]:
        for part in ("cur", "new", "tmp"):
            (errand.maildir / part).mkdir(parents=True, exist_ok=True)
        control = f"""
            account default
            host localhost
            port {errand.port}
            tls on
            tls_starttls off
            tls_trust_file {errand.way.tls.ca}
            auth plain
            user {USER}
            password "{PASSWORD}"
            keep off
            received_header off
            uidls_file {errand.folder / "uidls"}
            delivery maildir {errand.maildir}
            """
        return ["mpop", "--file", _private(errand.folder / "mpoprc", control), "--quiet"]

    def collected(self, errand: Errand) -> int:
        return _in_maildir(errand)


class Getmail:
    """One message at a time; a program in Python, too. Each message is delivered by a child
    process, which must not be root's.
    """

    name = "getmail6"
    rounds = 1  # of minutes
    fine: Sequence[int] = (0,)

    def __init__(self, program: Path) -> None:
        self._program = program

    def command(self, errand: Errand) -> list[str]:
        agent = "nobody" if os.geteuid() == 0 else getpass.getuser()
        errand.folder.chmod(0o711)
        for part in ("", "cur", "new", "tmp"):
            (errand.maildir / part).mkdir(exist_ok=True)
            shutil.chown(errand.maildir / part, agent)
        control = f"""
            [retriever]
            type = SimplePOP3SSLRetriever
            server = localhost
            port = {errand.port}
            username = {USER}
            password = {PASSWORD}
            ca_certs = {errand.way.tls.ca}
            [destination]
            type = Maildir
            path = {errand.maildir}/
            user = {agent}
            [options]
            delete = true
            verbose = 0
            delivered_to = false
            received = false
            """
        _private(errand.folder / "getmailrc", textwrap.dedent(control))
        return [str(self._program), f"--getmaildir={errand.folder}", "--rcfile=getmailrc"]

    def collected(self, errand: Errand) -> int:
        return _in_maildir(errand)


class Fetchmail:
    """One message at a time, all into one file."""

    name = "fetchmail"
    rounds = sys.maxsize
    fine: Sequence[int] = (0, 1)  # 1: there was no mail

    def command(self, errand: Errand) -> list[str]:
        control = f"""
            set invisible
            poll localhost service {errand.port} protocol pop3 timeout 60 bad-header accept
                user "{USER}" password "{PASSWORD}" is root here
                ssl sslcertck sslcertfile "{errand.way.tls.ca}"
                bsmtp "{errand.folder / "bsmtp"}"
                nokeep fetchall no rewrite
            """
        command = ["fetchmail", "--silent"]
        command += ["--fetchmailrc", _private(errand.folder / "fetchmailrc", control)]
        command += ["--idfile", str(errand.folder / "ids")]
        return [*command, "--pidfile", str(errand.folder / "pid")]

    def collected(self, errand: Errand) -> int:
        bsmtp = errand.folder / "bsmtp"
        return bsmtp.read_bytes().count(b"\nDATA\r\n") if bsmtp.exists() else 0


def find_peers(folder: Path, without: str) -> list[Peer]:
    """Ours, and those others that can be had here, except those whose name holds the word
    *without*; getmail6 is installed below *folder*.
    """

    def wanted(name: str) -> bool:
        return not without or without not in name

    peers: list[Peer] = [Pillarbox()]
    peers += [
        peer for peer in (Mpop(), Fetchmail()) if wanted(peer.name) and shutil.which(peer.name)
    ]
    if wanted(Getmail.name):
        program = _install_getmail(folder / "getmail")
        if program is None:
            print(f"{Getmail.name} cannot be installed here, so it takes no part")
        else:
            peers.append(Getmail(program))
    return peers


def _install_getmail(folder: Path) -> Path | None:
    venv.create(folder, with_pip=True)
    install = [str(folder / "bin" / "pip"), "install", "--quiet", "getmail6"]
    done = subprocess.run(install, check=False, capture_output=True)
    program = folder / "bin" / "getmail"
    return program if done.returncode == 0 and program.exists() else None
