"""The demo's guide: sends the sample mail, then says what to try.

A program of its own, started when the server is ready: it meets the post office as any
client does, over the network. What it needs to know comes as JSON on its standard input.
"""

from __future__ import annotations

import json
import re
import select
import shlex
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from pathlib import Path
from typing import NamedTuple

from pillarbox import __version__

PATIENCE = 60.0
"""Seconds for the reader to say where its page is: more than it takes on a machine that is busy with other things."""

_PAGE = re.compile(rb"Your mail: (\S+)\s")


class Demo(NamedTuple):
    """What there is to show."""

    folder: str
    kept: bool
    """Whether the folder stays at the end."""
    domain: str
    ports: dict[str, int]
    """By door: ``pop3s``, ``pop3``, ``lmtp``, ``smtp``, ``http``; some may be closed."""
    passwords: dict[str, str]
    """By user."""
    devices: dict[str, str]
    """App passwords of Alice's devices."""
    mail: bool
    """Whether to deliver sample mail."""
    command: str
    """How ``pillarbox`` is called here."""


def sample_mail(domain: str) -> list[EmailMessage]:
    """Three messages for Alice: a plain one, one with accents, one with an attachment."""
    welcome = _letter(domain, "bob", "Welcome to your post office box")
    welcome.set_content(
        "Dear Alice,\n\nthis message came in by SMTP, was written to disk before it was\n"
        "acknowledged, and waits here until you collect it.\n\n"
        ".A line that begins with a dot travels unharmed.\n\nBob\n"
    )
    accents = _letter(domain, "bob", "Grüße aus Zürich ✉")
    accents.set_content("Liebe Alice,\n\nUmlaute, accents et 絵文字: every octet as it was sent.\n")
    attached = _letter(domain, "bob", "A table for you")
    attached.set_content("The numbers are attached.\n")
    table = "".join(f"{number},{number * number}\n" for number in range(1000))
    attached.add_attachment(table, subtype="csv", filename="squares.csv")
    return [welcome, accents, attached]


def _letter(domain: str, sender: str, subject: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f"Bob <{sender}@{domain}>"
    letter["To"] = f"Alice <alice@{domain}>"
    letter["Subject"] = subject
    letter["Date"] = format_datetime(localtime())
    letter["Message-ID"] = make_msgid(domain=domain)
    return letter


def deliver(demo: Demo) -> int:
    """Send the sample mail; returns how many messages.

    Raises:
        OSError: it was not accepted (:class:`smtplib.SMTPException` is one).
    """
    trust = ssl.create_default_context(cafile=str(Path(demo.folder) / "ca.pem"))
    letters = sample_mail(demo.domain)
    with smtplib.SMTP("localhost", demo.ports["smtp"], timeout=30) as post:
        post.starttls(context=trust)
        for letter in letters:
            post.send_message(letter)
    return len(letters)


def page_of_reader(descriptor: int) -> str | None:
    """The address that the reader writes into the pipe; None: it has ended, or takes too long."""
    said = b""
    end = time.monotonic() + PATIENCE
    with open(descriptor, "rb", buffering=0) as pipe:
        while (found := _PAGE.search(said)) is None:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready or not (piece := pipe.read(4096)):
                return None
            said += piece
    return found[1].decode("ascii", "replace")


def tour(demo: Demo, sent: int, page: str | None = None) -> str:
    """What to try, copy-ready; *page* is where the reader is."""
    parts = [_introduction(demo)]
    if page is not None:
        parts.append(_reader(page))
    ports = demo.ports
    waiting = f" ({sent} messages are waiting)" if sent else ""
    if "smtp" in ports:
        parts.append(f"Send Alice a message:\n\n{_send(demo)}")
    if "pop3s" in ports:
        box = f"pop3s://localhost:{ports['pop3s']}"
        parts.append(
            f"Collect her mail{waiting}: the list, one message, and deleting it:\n\n"
            f"  {_curl(demo)} {box}/\n"
            f"  {_curl(demo)} {box}/1\n"
            f"  {_curl(demo)} {box}/1 --head --request DELE"
        )
    if "pop3s" in ports:
        parts.append(
            "All of it into a Maildir, with our own collector (again and again: nothing comes "
            f"twice):\n\n{_fetch(demo)}"
        )
    if "pop3s" in ports:
        parts.append(
            "Alice has a phone and a laptop, each with a password and a view of its own: what the\n"
            f"phone deletes, the laptop still gets:\n\n{_devices(demo)}"
        )
    if "pop3" in ports:
        parts.append(
            "One message by STLS, on the port that starts in the clear:\n\n"
            f"  {_curl(demo)} --ssl-reqd pop3://localhost:{ports['pop3']}/1"
        )
    return "\n\n".join([*parts, _next(demo)]) + "\n\n"


def _introduction(demo: Demo) -> str:
    title = f"Pillarbox {__version__}: your post office is open."
    people = "\n".join(
        f"  {user}@{demo.domain}   password: {password}"
        for user, password in demo.passwords.items()
    )
    doors = "   ".join(f"{door.upper()} {port}" for door, port in demo.ports.items())
    return f"\n{title}\n\n{people}\n\n  on localhost: {doors}"


def _reader(page: str) -> str:
    return (
        f"Read Alice's and Bob's mail in the browser (the address lets in once):\n\n  {page}\n\n"
        "Write from Alice to Bob there, and collect: it leaves by SMTP and comes back by POP3. Stop\n"
        "the network in between, and nothing is lost: it waits in the Outbox."
    )


def _authority(demo: Demo) -> str:
    return shlex.quote(str(Path(demo.folder) / "ca.pem"))


def _curl(demo: Demo, device: str | None = None) -> str:
    user = "alice" if device is None else f"alice+{device}"
    password = demo.passwords["alice"] if device is None else demo.devices[device]
    return f"curl --cacert {_authority(demo)} --user {user}:{password}"


def _devices(demo: Demo) -> str:
    box = f"pop3s://localhost:{demo.ports['pop3s']}"
    phone, laptop, *_ = demo.devices
    return (
        f"  {_curl(demo, phone)} {box}/1 --head --request DELE\n"
        f"  {_curl(demo, phone)} {box}/\n"
        f"  {_curl(demo, laptop)} {box}/\n"
        f"  {_call(demo)} device list alice"
    )


def _call(demo: Demo) -> str:
    return f"{demo.command} --config {shlex.quote(str(Path(demo.folder) / 'pillarbox.toml'))}"


def _fetch(demo: Demo) -> str:
    folder = Path(demo.folder)
    mail, state = (shlex.quote(str(folder / name)) for name in ("alice-mail", "alice-state"))
    return (
        f"  printf '{demo.passwords['alice']}' |\n"
        f"    {demo.command} fetch pop3s://alice@localhost:{demo.ports['pop3s']} \\\n"
        f"      --ca {_authority(demo)} --password-stdin --keep \\\n"
        f"      --to maildir:{mail} --state {state}"
    )


def _send(demo: Demo) -> str:
    alice, bob = f"alice@{demo.domain}", f"bob@{demo.domain}"
    letter = f"From: {bob}\\r\\nTo: {alice}\\r\\nSubject: Hello\\r\\n\\r\\nHello, Alice!\\r\\n"
    return (
        f"  printf '{letter}' |\n"
        f"    curl --cacert {_authority(demo)} --ssl-reqd smtp://localhost:{demo.ports['smtp']} \\\n"
        f"      --mail-from {bob} --mail-rcpt {alice} --upload-file -"
    )


def _next(demo: Demo) -> str:
    call = _call(demo)
    lines = [
        "And then:\n",
        f"  {call} maildrop show alice",
        f"  {call} user add carol",
    ]
    if "http" in demo.ports:
        lines.append(f"  curl http://localhost:{demo.ports['http']}/metrics")
    if "pop3s" in demo.ports:
        lines.append(
            f"\n  A mail program: POP3, localhost, port {demo.ports['pop3s']}, SSL/TLS, user alice; "
            "it has to trust\n  " + str(Path(demo.folder) / "ca.pem")
        )
    fate = "stays" if demo.kept else "is removed then"
    lines.append(f"\nCtrl-C ends it; {demo.folder} {fate}. What happens is logged below.")
    return "\n".join(lines)


def main() -> int:
    """Greet the user; returns the exit code."""
    demo = Demo(**json.load(sys.stdin))
    sent = 0
    if demo.mail and "smtp" in demo.ports:
        try:
            sent = deliver(demo)
        except OSError as error:
            sys.stderr.write(f"pillarbox demo: the sample mail was not accepted: {error}\n")
    page = page_of_reader(int(sys.argv[1])) if len(sys.argv) > 1 else None
    sys.stdout.write(tour(demo, sent, page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
