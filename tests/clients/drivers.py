"""Four POP3 clients that other people wrote, each told to change nothing, as far as it can be.

Each driver collects a whole maildrop into a list of contents, in any order. What a client
changes all the same, by its own documentation or design, is written down in its ``kept``:
the form of a message that must be equal on both sides.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.postoffice import DOMAIN, PASSWORD, PATIENCE, PostOffice

PROGRAMS = ("curl", "fetchmail", "mpop")
"""The clients that are programs of their own; poplib comes with Python."""


@dataclass(frozen=True)
class Errand:
    """One visit to a maildrop."""

    office: PostOffice
    user: str
    door: str
    """``pop3s``: TLS first; ``stls``: TLS by STLS."""
    folder: Path
    """For whatever the client wants to write, over several visits."""
    keep: bool
    only_new: bool = False
    """Leave out what an earlier visit from the same folder has brought (by unique-id)."""
    password: str = PASSWORD

    @property
    def port(self) -> int:
        return self.office.addresses["pop3s" if self.door == "pop3s" else "pop3"].port


class Client(Protocol):
    """How one client is driven."""

    name: str

    def installed(self) -> bool: ...

    def collect(self, errand: Errand) -> list[bytes]:
        """All messages that the maildrop holds."""

    def kept(self, content: bytes) -> bytes:
        """What this client leaves of a message."""


def run(command: list[str], folder: Path, *, fine: tuple[int, ...] = (0,)) -> str:
    """Run a client in *folder*, its home; returns what it printed."""
    code, text = attempt(command, folder)
    assert code in fine, f"{command[0]} ended with {code}:\n{text[-4000:]}"
    return text


def attempt(command: list[str], folder: Path) -> tuple[int, str]:
    """The same; returns its exit code, too, whatever it is."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="backslashreplace")


class Poplib:
    """Python's own."""

    name = "poplib"

    def installed(self) -> bool:
        return True

    def collect(self, errand: Errand) -> list[bytes]:
        return errand.office.collect(errand.user, errand.door, keep=errand.keep)

    def kept(self, content: bytes) -> bytes:
        return content


class Curl:
    """curl writes each message to a file as it comes, dots undone."""

    name = "curl"

    def installed(self) -> bool:
        return shutil.which("curl") is not None

    def collect(self, errand: Errand) -> list[bytes]:
        count = len(self._lines(errand, "LIST"))
        # One visit: all are retrieved, then all are deleted, then curl says QUIT.
        command = [*self.start(errand, f"[1-{count}]"), "--output", "message-#1"]
        if not errand.keep:
            command += ["--next", *self.start(errand, f"[1-{count}]")[1:]]
            command += ["--request", "DELE", "--head", "--output", "deleted-#1"]
        if count:
            run(command, errand.folder)
        paths = [errand.folder / f"message-{number}" for number in range(1, count + 1)]
        contents = [path.read_bytes() for path in paths]
        for path in paths:
            path.unlink()
        return contents

    def send(self, office: PostOffice, content: bytes, user: str, folder: Path) -> None:
        """Send a canonical message by SMTP, with STARTTLS."""
        (folder / "letter").write_bytes(content)
        command = ["curl", "--silent", "--show-error", "--ssl-reqd"]
        command += ["--cacert", str(office.authority), "--mail-from", "sender@example.net"]
        command += ["--mail-rcpt", f"{user}@{DOMAIN}", "--upload-file", "letter"]
        run([*command, f"smtp://localhost:{office.addresses['smtp'].port}"], folder)

    def unique_ids(self, errand: Errand) -> list[str]:
        return [line.split()[1] for line in self._lines(errand, "UIDL")]

    def _lines(self, errand: Errand, verb: str) -> list[str]:
        text = run([*self.start(errand, ""), "--request", verb], errand.folder)
        return (
            text.split("\r\n")[:-1] if text.strip() else []
        )  # of no line, curl makes an empty one

    def start(self, errand: Errand, path: str) -> list[str]:
        """The beginning of a command."""
        scheme, tls = ("pop3s", []) if errand.door == "pop3s" else ("pop3", ["--ssl-reqd"])
        return [
            "curl",
            "--silent",
            "--show-error",
            "--fail",
            *tls,
            "--cacert",
            str(errand.office.authority),
            "--user",
            f"{errand.user}:{errand.password}",
            f"{scheme}://localhost:{errand.port}/{path}",
        ]

    def kept(self, content: bytes) -> bytes:
        return content


class Fetchmail:
    """fetchmail hands each message to a delivery agent: here, a script that keeps it.

    It retrieves by RETR; but by ``TOP n 99999999`` when it is to leave out what it knows.
    """

    name = "fetchmail"

    def installed(self) -> bool:
        return shutil.which("fetchmail") is not None

    def collect(self, errand: Errand) -> list[bytes]:
        run(self.command(errand), errand.folder, fine=(0, NO_MAIL))
        return self.collected(errand)

    def command(self, errand: Errand) -> list[str]:
        """What to run; its files are made."""
        folder = errand.folder / "mda"
        folder.mkdir(exist_ok=True)
        script = errand.folder / "agent"
        # A process each, which no other program has to be started for; -C: no file is written over.
        script.write_text(f'#!/bin/sh -C\nexec cat > "{folder}/$$"\n')
        script.chmod(0o700)
        control = errand.folder / "fetchmailrc"
        control.write_text(self._control(errand, script))
        control.chmod(0o600)
        command = [
            "fetchmail",
            "--fetchmailrc",
            str(control),
            "--idfile",
            str(errand.folder / "ids"),
        ]
        return [*command, "--pidfile", str(errand.folder / "pid"), "--silent"]

    def collected(self, errand: Errand) -> list[bytes]:
        """What it has brought since this was last asked."""
        folder = errand.folder / "mda"
        contents = [_mended(path.read_bytes()) for path in folder.iterdir()]
        shutil.rmtree(folder)
        return contents

    def _control(self, errand: Errand, script: Path) -> str:
        tls = "ssl" if errand.door == "pop3s" else ""
        return f"""
            set invisible
            poll localhost service {errand.port} protocol pop3 timeout 60 bad-header accept
                {"uidl" if errand.only_new else ""}
                user "{errand.user}" password "{errand.password}" is root here
                {tls} sslproto "tls1.2+" sslcertck sslcertfile "{errand.office.authority}"
                mda "{script}"
                {"keep" if errand.keep else "nokeep"} {"" if errand.only_new else "fetchall"}
                no rewrite no stripcr no forcecr no mimedecode no dropstatus no dropdelivered
                pass8bits
            """

    def kept(self, content: bytes) -> bytes:
        r"""It takes out an mbox line, ends a header that has no end, and leaves dots doubled there.

        (``fetchmail``'s readheaders: "From " lines are dropped, and stuffing is undone in
        the body only.)
        """
        header, end, body = content.partition(b"\r\n\r\n")
        header = re.sub(rb"(?m)^From .*\r\n", b"", header)
        header = re.sub(rb"(?m)^\.", b"..", header)
        if not end:
            return header.removesuffix(b"\r\n") + b"\r\n\r\n"
        return header + end + body


NO_MAIL = 1
"""fetchmail's exit code for "there was no mail to be retrieved"."""


def _mended(content: bytes) -> bytes:
    """What fetchmail wrote, without the breaks that it puts into very long lines of a body.

    Its buffer holds 8,191 octets of a line. A longer one is cut, and behind each piece it
    writes the NUL at the end of the buffer, whatever octet follows that, and CRLF.
    """
    return re.sub(rb"(?m)^([^\n]{8191})\x00[\x00-\xff]\r\n", rb"\1", content)


class Mpop:
    """mpop delivers into a Maildir, whose files have Unix line ends."""

    name = "mpop"

    def installed(self) -> bool:
        return shutil.which("mpop") is not None

    def collect(self, errand: Errand) -> list[bytes]:
        run(self.command(errand), errand.folder)
        return self.collected(errand)

    def command(self, errand: Errand) -> list[str]:
        """What to run; its files are made."""
        maildir = errand.folder / "Maildir"
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        control = errand.folder / "mpoprc"
        control.write_text(self._control(errand, maildir))
        control.chmod(0o600)
        return ["mpop", "--file", str(control), "--quiet"]

    def collected(self, errand: Errand) -> list[bytes]:
        """What it has brought since this was last asked."""
        maildir = errand.folder / "Maildir"
        contents = [path.read_bytes() for path in (maildir / "new").iterdir()]
        shutil.rmtree(maildir)
        return contents

    def _control(self, errand: Errand, maildir: Path) -> str:
        return f"""
            account default
            host localhost
            port {errand.port}
            tls on
            tls_starttls {"off" if errand.door == "pop3s" else "on"}
            tls_trust_file {errand.office.authority}
            auth plain
            user {errand.user}
            password "{errand.password}"
            keep {"on" if errand.keep else "off"}
            only_new {"on" if errand.only_new else "off"}
            received_header off
            uidls_file {errand.folder / "uidls"}
            delivery maildir {maildir}
            """

    def kept(self, content: bytes) -> bytes:
        return content.replace(b"\r\n", b"\n")


CLIENTS: tuple[Client, ...] = (Poplib(), Curl(), Fetchmail(), Mpop())
