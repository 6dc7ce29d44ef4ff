"""Pillarbox: a real ``pillarbox serve``, with one worker a core, on the embedded engine."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.realservers.server import free_port, open_folder

from bench.accounting import open_account
from bench.peers.contract import DOMAIN, PASSWORD, Mail, Peer, message
from bench.peers.processes import CannotRun, make_certificate, running
from pillarbox import __version__
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.passwords import Argon2Parameters, Passwords
from pillarbox.model import Recipient
from pillarbox.store.embedded import open_store
from pillarbox.wire.canonical import stored_form

_TOGETHER = 500
"""Deliveries under way at once: they share a sync."""
DEVICE = "phone"
_CHEAP = Argon2Parameters(time_cost=1, memory_kib=8)
"""Verifiers for thousands of accounts are made in no time; the server makes them anew, in
earnest, at the first sign-in."""


@contextmanager
def pillarbox(
    users: Mapping[str, Mail],
    parameters: Argon2Parameters | None = None,
    *,
    module: str = "pillarbox",
    devices: dict[str, str] | None = None,
    workers: int | None = None,
) -> Iterator[Peer]:
    """Start it.

    Args:
        users: and their mail.
        parameters: those of the passwords' hashes.
        module: what is run with ``python -m``.
        devices: is filled with the app password of a device of each user, if given.
        workers: how many; None: one a core.
    """
    with open_folder() as folder, open_account(module.rpartition(".")[2]) as account:
        tls = make_certificate(folder)
        ports = {door: free_port() for door in ("pop3", "pop3s", "lmtp")}
        config = folder / "pillarbox.toml"
        config.write_text(_settings(ports, workers or os.cpu_count() or 1))
        store = folder / "store"
        _fill(store, users)
        accounts = Accounts(store / "accounts.db", passwords=Passwords(parameters or _CHEAP))
        for user in users:
            accounts.add(user, PASSWORD)
            if devices is not None:
                devices[user] = accounts.add_device(user, DEVICE).printed
        accounts.close()
        if devices is not None:
            asyncio.run(_add_views(store, users))
        log = folder / "log"
        command = [sys.executable, "-m", module, "--config", str(config), "serve"]
        with running(command, log, account) as process:
            while b" ready" not in (text := log.read_bytes()):
                if process.poll() is not None:
                    raise CannotRun(f"it did not start: {text.decode()}")
            yield Peer(
                "Pillarbox",
                __version__,
                account,
                ports["pop3"],
                ports["pop3s"],
                ports["lmtp"],
                tls,
                users,
                lambda user: _fill(store, {user: users[user]}),
            )


def _settings(ports: Mapping[str, int], workers: int) -> str:
    lines = [
        "[server]",
        'hostname = "localhost"',
        f"workers = {workers}",
        *(['user = "root"'] if os.geteuid() == 0 else []),
        "[listen]",
        *(f'{door} = ["127.0.0.1:{port}"]' for door, port in ports.items()),
        "smtp = []",
        "http = []",
        "[tls]",
        'certificate = "server.pem"',
        "[store]",
        'path = "store"',
        "[delivery]",
        f"domains = {json.dumps([DOMAIN])}",
        "[limits]",
        "connections = 24000",
        "connections_per_address = 24000",
        "login_timeout = 600",
    ]
    return "\n".join(lines)


def _fill(store: Path, users: Mapping[str, Mail]) -> None:
    asyncio.run(_deliver(store, users))


async def _deliver(path: Path, users: Mapping[str, Mail]) -> None:
    store = open_store(path)
    for user, mail in users.items():
        form = stored_form(message(mail.octets)) if mail.count else None
        for first in range(0, mail.count, _TOGETHER):
            assert form is not None
            count = min(_TOGETHER, mail.count - first)
            batch = [store.deliver(form, [Recipient(user)]) for _ in range(count)]
            for outcomes in await asyncio.gather(*batch):
                if any(outcomes):
                    raise RuntimeError(f"could not fill: {outcomes}")
    await store.close()


async def _add_views(path: Path, users: Iterable[str]) -> None:
    store = open_store(path)
    for user in users:
        await store.add_view(user, DEVICE)
    await store.close()
