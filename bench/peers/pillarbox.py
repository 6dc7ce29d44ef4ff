"""Pillarbox: a real ``pillarbox serve``, with one worker a core, on the embedded engine.

But for works about passwords, their hashes are cheap ones (see ``cheap_pillarbox``).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.peers.cheap_pillarbox import CHEAP
from bench.peers.contract import DOMAIN, PASSWORD, Mail, Peer, message
from bench.peers.processes import CannotRun, make_certificate, running
from pillarbox import __version__
from pillarbox.auth.account import NewAccount
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.passwords import Argon2Parameters, Passwords, secret_octets
from pillarbox.model import Recipient
from pillarbox.store.embedded import open_store
from pillarbox.wire.canonical import stored_form

_TOGETHER = 5000
"""Deliveries under way at once: they share a sync."""
DEVICE = "phone"
EMBEDDED = ("[store]", 'path = "store"')
"""The lines of a configuration that say where mail and accounts are."""
_MOMENT = 0.01
"""Seconds between two looks at a log."""
_MODULE = "bench.peers.cheap_pillarbox"


@contextmanager
def pillarbox(
    users: Mapping[str, Mail],
    parameters: Argon2Parameters = CHEAP,
    *,
    module: str = _MODULE,
    devices: dict[str, str] | None = None,
    workers: int | None = None,
) -> Iterator[Peer]:
    """A house of these users, and its server: see :class:`House`."""
    with open_folder() as folder:
        house = House(folder, users, parameters, devices)
        with house.serving(module, workers) as peer:
            yield peer


class House:
    """A store and accounts in a folder; it can be served, and served again."""

    def __init__(
        self,
        folder: Path,
        users: Mapping[str, Mail],
        parameters: Argon2Parameters = CHEAP,
        devices: dict[str, str] | None = None,
    ) -> None:
        """Fills it.

        Args:
            folder: where it will be.
            users: and their mail.
            parameters: those of the passwords' hashes.
            devices: is filled with the app password of a device of each user, if given.
        """
        self._folder = folder
        self._users = users
        self._store = folder / "store"
        _fill(self._store, users)
        accounts = Accounts(self._store / "accounts.db", passwords=Passwords(parameters))
        verifier = accounts.passwords.verifier(secret_octets(PASSWORD))  # one hash does for all
        accounts.add_all(NewAccount(user, verifier) for user in users)
        if devices is not None:
            for user in users:
                devices[user] = accounts.add_device(user, DEVICE).printed
        accounts.close()
        if devices is not None:
            asyncio.run(_add_views(self._store, users))

    @contextmanager
    def serving(self, module: str = _MODULE, workers: int | None = None) -> Iterator[Peer]:
        """A server that has just been started.

        Args:
            module: what is run with ``python -m``.
            workers: how many; None: one a core.

        Raises:
            CannotRun: it did not start.
        """

        def refill(user: str) -> None:
            _fill(self._store, {user: self._users[user]})

        with served(
            self._folder, self._users, refill, store=EMBEDDED, module=module, workers=workers
        ) as peer:
            yield peer


@contextmanager
def served(
    folder: Path,
    users: Mapping[str, Mail],
    refill: Callable[[str], None],
    *,
    store: Sequence[str],
    module: str = _MODULE,
    workers: int | None = None,
) -> Iterator[Peer]:
    """A server that has just been started, with its files in *folder*.

    Args:
        folder: where its configuration, its certificate and its log will be.
        users: who has which mail.
        refill: as :class:`Peer` has it.
        store: the lines of its configuration that say where mail and accounts are.
        module: what is run with ``python -m``.
        workers: how many; None: one a core.

    Raises:
        CannotRun: it did not start.
    """
    tls = make_certificate(folder)
    ports = {door: free_port() for door in ("pop3", "pop3s", "lmtp")}
    config = folder / "pillarbox.toml"
    config.write_text(_settings(ports, workers or os.cpu_count() or 1, store))
    log = folder / "log"
    log.write_bytes(b"")  # of this start only
    command = [sys.executable, "-m", module, "--config", str(config), "serve"]
    name = f"{module.rpartition('.')[2]}-{ports['pop3']}"
    with open_account(name) as account, running(command, log, account) as process:
        while b" ready" not in (text := log.read_bytes()):
            if process.poll() is not None:
                raise CannotRun(f"it did not start: {text.decode()}")
            time.sleep(_MOMENT)  # it needs the cores, to start
        yield Peer(
            "Pillarbox",
            __version__,
            account,
            ports["pop3"],
            ports["pop3s"],
            ports["lmtp"],
            tls,
            users,
            refill,
            domain=DOMAIN,
        )


def _settings(ports: Mapping[str, int], workers: int, store: Sequence[str]) -> str:
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
        *store,
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
