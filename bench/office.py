"""The server under test: a real ``pillarbox serve`` with one worker, and its mail."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from pillarbox.model import Recipient
from pillarbox.store.embedded import open_store
from pillarbox.wire.canonical import stored_form

PASSWORD = "correct horse battery staple"
DOMAIN = "bench.example"
RSA_NAME = "rsa.localhost"
"""Who asks for this name is shown a certificate with an RSA key."""


@dataclass(frozen=True)
class Office:
    """A running server."""

    pid: int
    pop3: int
    pop3s: int
    lmtp: int
    tls: ssl.SSLContext
    users: dict[str, int]
    """Names, and how many messages each had at the start."""


def message(octets: int, number: int = 0) -> bytes:
    """A message of that many octets, with lines as mail has them."""
    head = (
        f"From: a@{DOMAIN}\r\nSubject: message {number}\r\nMessage-ID: <{number}@{DOMAIN}>\r\n\r\n"
    )
    line = b"The quick brown fox jumps over the lazy dog, and the dog does not mind it.\r\n"
    text = head.encode() + line * (octets // len(line) + 1)
    return text[: octets - 2] + b"\r\n"


async def _fill(folder: Path, maildrops: dict[str, tuple[int, int]]) -> None:
    store = open_store(folder)
    for user, (count, octets) in maildrops.items():
        for first in range(0, count, 500):
            batch = [
                store.deliver(stored_form(message(octets, number)), [Recipient(user)])
                for number in range(first, min(first + 500, count))
            ]
            for outcomes in await asyncio.gather(*batch):
                if any(outcomes):
                    raise RuntimeError(f"could not fill: {outcomes}")
    await store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _certificate(folder: Path) -> ssl.SSLContext:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    certificate = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for number, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(folder / "cert.pem", append=number > 0)
    rsa = authority.issue_cert(RSA_NAME, key_type=trustme.KeyType.RSA)
    rsa.private_key_and_cert_chain_pem.write_to_path(folder / "rsa.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@contextmanager
def office(folder: Path, maildrops: dict[str, tuple[int, int]]) -> Iterator[Office]:
    """A server whose maildrops hold (how many, of how many octets) for each user."""
    tls = _certificate(folder)
    pop3, pop3s, lmtp = _free_port(), _free_port(), _free_port()
    config = folder / "pillarbox.toml"
    config.write_text(
        "\n".join(
            [
                "[server]",
                'hostname = "localhost"',
                "workers = 1",
                *(['user = "root"'] if os.geteuid() == 0 else []),
                "[listen]",
                f'pop3 = ["127.0.0.1:{pop3}"]',
                f'pop3s = ["127.0.0.1:{pop3s}"]',
                f'lmtp = ["127.0.0.1:{lmtp}"]',
                "smtp = []",
                "http = []",
                "[tls]",
                'certificate = "cert.pem"',
                'key = "key.pem"',
                "[[tls.sni]]",
                f'names = ["{RSA_NAME}"]',
                'certificate = "rsa.pem"',
                "[store]",
                'path = "store"',
                "[delivery]",
                f"domains = {json.dumps([DOMAIN])}",
                "[limits]",
                "connections = 20000",
                "connections_per_address = 20000",
                "login_timeout = 600",
            ]
        )
    )
    command = [sys.executable, "-m", "pillarbox", "--config", str(config)]
    for user in maildrops:
        add = [*command, "user", "add", user, "--password-stdin"]
        subprocess.run(add, input=PASSWORD.encode(), check=True, capture_output=True)
    asyncio.run(_fill(folder / "store", maildrops))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "serve"], stderr=log, stdout=log)
    try:
        _wait_until_ready(process, folder / "log")
        users = {user: count for user, (count, _) in maildrops.items()}
        yield Office(process.pid, pop3, pop3s, lmtp, tls, users)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    while b"ready" not in (text := log.read_bytes()):
        if process.poll() is not None:
            raise RuntimeError(f"the server did not start:\n{text.decode()}")
