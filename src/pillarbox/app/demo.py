"""``pillarbox demo``: a whole post office to try things out, and nothing left behind.

Everything lives in one folder (a temporary one, unless ``--path`` names another): a
configuration, a certificate of its own throw-away authority, the accounts of Alice (who has
two devices) and Bob, and their mail. Doors stand on loopback only, on friendly ports where those are free.
What runs is the real server; a small second program (:mod:`.demo_guide`) greets the user
once it is ready, and sends the sample mail through its front door, by SMTP.

The environment's ``PILLARBOX_…`` settings do not count here: they belong to a real post
office, and a demo must never touch one.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from pillarbox.app import logs
from pillarbox.app.config import Config, load
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.demo_guide import Demo
from pillarbox.app.demo_reader import READER, DemoReader
from pillarbox.app.devices import add_device
from pillarbox.app.supervisor import Supervisor
from pillarbox.app.supervisor_setup import Setup, prepare
from pillarbox.app.wire_up import open_accounts, open_store

DOMAIN = "demo.example"
USERS = ("alice", "bob")
DEVICES = ("phone", "laptop", READER)
"""Alice's. Her reader has a view of its own: whatever is tried by hand, it does not stand in its way."""
HOST = "127.0.0.1"
# Easy to remember, and close to the real ones (995, 110, 24, 25, 80).
PORTS = {"pop3s": 8995, "pop3": 8110, "lmtp": 8024, "smtp": 8025, "http": 8080}
PRIVATE = 0o600
CONFIG = "pillarbox.toml"
MARK = "# Written by `pillarbox demo`."
# Three words would be friendlier, but this is as easily copied and is no wordlist.
PASSWORD_OCTETS = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    path: Path | None = None
    """Where to keep everything; None: in a temporary folder that goes at the end."""
    overrides: tuple[str, ...] = ()
    """As ``--set``."""
    mail: bool = True
    """Whether to deliver sample mail."""
    browser: bool = True
    """Whether the reader opens one, where there is a screen."""


def run_demo(wish: Wish) -> int:
    """Run the demo until it is told to stop; returns the exit code.

    Raises:
        ConfigError: a ``--set`` is wrong, or the folder cannot be used.
    """
    with _folder(wish) as folder:
        _make_certificate(folder)
        file = _write_config(folder)

        def read(_: Config | None = None) -> Config:
            return load(file, wish.overrides, {}, serving=True)

        config = read()
        logs.configure(config.server.log_format, config.server.log_level)
        setup = prepare(config)
        passwords = _make_accounts(config)
        demo = _describe(folder, setup, passwords, asyncio.run(_make_devices(config)), wish)
        guides: list[subprocess.Popen[str]] = []
        reader = DemoReader(demo, browser=wish.browser)

        def ready() -> None:
            guides.append(_guide(demo, reader.start()))

        supervisor = Supervisor(setup, read, on_ready=ready)
        try:
            return supervisor.run()
        finally:
            reader.stop()
            for guide in guides:
                guide.terminate()
                guide.wait()


@contextmanager
def _folder(wish: Wish) -> Iterator[Path]:
    if wish.path is not None:
        path = wish.path.expanduser().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _must_be_ours(path)
        yield path
        return
    path = Path(tempfile.mkdtemp(prefix="pillarbox-demo-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _must_be_ours(folder: Path) -> None:
    """Whatever lies in a folder that is not a demo's must not be written over."""
    file = folder / CONFIG
    if file.exists() and file.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        return
    if any(folder.iterdir()):
        hint = "name a new or empty folder, or one that a demo has made"
        raise ConfigError([Fault(str(folder), "--path", "holds files of somebody else's", hint)])


def _make_certificate(folder: Path) -> None:
    """An authority and a certificate for this machine; kept if they are there already."""
    if (folder / "ca.pem").exists() and (folder / "key.pem").exists():
        return
    authority = trustme.CA(organization_name="Pillarbox demo")
    certificate = authority.issue_cert("localhost", HOST, "::1")
    key = folder / "key.pem"
    key.touch(mode=PRIVATE)
    certificate.private_key_pem.write_to_path(str(key))
    (folder / "cert.pem").write_bytes(b"".join(x.bytes() for x in certificate.cert_chain_pems))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))


def _write_config(folder: Path) -> Path:
    me = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else "pillarbox"
    doors = [f'{door} = ["{HOST}:{_port(port)}"]' for door, port in PORTS.items()]
    file = folder / CONFIG
    file.write_text(
        "\n".join(
            [
                f"{MARK} A port of 0 means: any that is free.",
                "[server]",
                'hostname = "localhost"',
                f'user = "{me}"',
                "[listen]",
                *doors,
                "[tls]",
                'certificate = "cert.pem"',
                'key = "key.pem"',
                "[store]",
                'path = "store"',
                "[delivery]",
                f'domains = ["{DOMAIN}"]',
                "[limits]",
                "stop_grace = 1",
                "",
            ]
        ),
        encoding="utf-8",
    )
    return file


def _port(wanted: int) -> int:
    """*wanted* if it is free, else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
            probe.listen()
        except OSError:
            return 0
    return wanted


def _make_accounts(config: Config) -> dict[str, str]:
    """Alice and Bob, each with a new password."""
    accounts = open_accounts(config, create=True)
    known = accounts.names()
    passwords = {user: secrets.token_hex(PASSWORD_OCTETS) for user in USERS}
    for user, password in passwords.items():
        if user in known:
            accounts.set_password(user, password)
        else:
            accounts.add(user, password)
    accounts.close()
    return passwords


async def _make_devices(config: Config) -> dict[str, str]:
    """Alice's devices, each with a new app password; their views are kept."""
    accounts = open_accounts(config)
    store = await open_store(config)
    passwords = {}
    try:
        for record in accounts.devices(USERS[0]):
            accounts.remove_device(record.user, record.device)
        for device in DEVICES:
            added = await add_device(store, accounts, USERS[0], device)
            if added.password is not None:
                passwords[device] = added.password.printed
    finally:
        await store.close()
        accounts.close()
    return passwords


def _describe(
    folder: Path,
    setup: Setup,
    passwords: dict[str, str],
    devices: dict[str, str],
    wish: Wish,
) -> Demo:
    doors = {listener.door: listener.name.rpartition(":")[2] for listener in setup.listeners}
    return Demo(
        folder=str(folder),
        kept=wish.path is not None,
        domain=DOMAIN,
        ports={door: int(port) for door, port in doors.items() if port.isdigit()},
        passwords=passwords,
        devices=devices,
        mail=wish.mail,
        command=_this_command(),
    )


def _this_command() -> str:
    """How the user can call ``pillarbox`` again."""
    name = sys.argv[0] if sys.argv else ""
    if Path(name).name != "pillarbox":
        return f"{sys.executable} -m pillarbox"
    return "pillarbox" if shutil.which("pillarbox") == name else name


def _guide(demo: Demo, reader: int) -> subprocess.Popen[str]:
    """Start the guide; what it needs goes through a pipe, as there are passwords in it. *reader* is the descriptor of
    another pipe, into which the reader says where its page is.
    """
    command: Sequence[str] = (sys.executable, "-m", "pillarbox.app.demo_guide", str(reader))
    guide = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, pass_fds=(reader,))
    assert guide.stdin is not None  # noqa: S101 - a pipe was asked for
    guide.stdin.write(json.dumps(demo._asdict()))
    guide.stdin.close()
    return guide
