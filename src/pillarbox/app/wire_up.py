"""Building the post office from a configuration: the only place that names engines.

Mail and accounts here, for the server and the commands alike; the servers on top of them
in :mod:`.wire_up_servers`, which a command need not import. What only a cluster has is in
:mod:`.wire_up_cluster`, whose libraries are an extra.

Everything is opened in the process that uses it, after the fork: files, locks and database
connections do not survive one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from pillarbox.app.config.settings import Auth, Config
from pillarbox.app.importing import file_journal
from pillarbox.app.importing.journal import Journal
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.directory import LocalDirectory
from pillarbox.auth.passwords import Passwords
from pillarbox.auth.sources.contract import Source
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.auth import Account, Directory, TokenChecker
from pillarbox.contracts.store import Store, StoreAdmin
from pillarbox.contracts.transfer import StoreTransfer
from pillarbox.store import embedded
from pillarbox.store.embedded import PATIENCE_SECONDS

ACCOUNTS_FILE = "accounts.db"

_SCRAM = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


class Engine(Store, StoreAdmin, StoreTransfer, Protocol):
    """A whole engine: what the server uses, what operators use, and moving from one to another."""


async def open_store(
    config: Config,
    *,
    patience: float = PATIENCE_SECONDS,
    speaks: bool = True,
    serves: bool = False,
) -> Engine:
    """The mail, open until it is closed. Blocks while it is looked over; call it before serving.

    Writes that another process holds up for *patience* seconds are given up. Who *speaks* logs
    what is damaged. Who *serves* is there to stay: a node of a cluster renews its leases.

    Raises:
        StoreUnavailable: it cannot be opened; the message names the file, or the database. (A
            database that is merely away can be opened: it is asked when it is needed.)
        ConfigError: a password's file cannot be read.
    """
    if config.store.is_shared:
        from pillarbox.app import wire_up_cluster  # noqa: PLC0415 -- an extra

        return await wire_up_cluster.open_store(config, serves=serves)
    store = embedded.open_store(
        config.store.path,
        patience=patience,
        speaks=speaks,
        default_holds=config.retention.default_view_holds,
    )
    store.hold()
    return store


async def look_at_store(config: Config, *, must_exist: bool = False) -> Engine:
    """The mail as it is, for who only looks (and for repair): makes nothing, waits for nothing.

    Raises:
        StoreUnavailable: it cannot be read, or it *must_exist* and there is none; the message
            names the file, or the database.
        ConfigError: a password's file cannot be read.
    """
    if config.store.is_shared:
        return await open_store(config)
    return embedded.look_at_store(
        config.store.path,
        must_exist=must_exist,
        default_holds=config.retention.default_view_holds,
    )


def open_accounts(config: Config, *, create: bool = False, serves: bool = False) -> Accounts:
    """The accounts. A file that is not there is made when *create* says so, else an error
    of each use: only who makes an account should make one. Who *serves* asks a database on its
    event loop, where others wait, too.

    Raises:
        ConfigError: a password's file cannot be read.
    """
    passwords = Passwords(scram_hashes=scram_hashes(config.auth))
    if config.store.is_shared:
        from pillarbox.app import wire_up_cluster  # noqa: PLC0415 -- an extra

        return wire_up_cluster.open_accounts(config, passwords, create=create, serves=serves)
    return Accounts(config.store.path / ACCOUNTS_FILE, passwords=passwords, create=create)


@asynccontextmanager
async def journal_of(config: Config, user: str) -> AsyncIterator[Journal]:
    """The record of what has been imported into the maildrop of *user*, for one import alone.

    Raises:
        JournalUnusable: another import is under way, or it cannot be read.
    """
    if config.store.is_shared:
        from pillarbox.app import wire_up_cluster  # noqa: PLC0415 -- an extra

        async with wire_up_cluster.journal_of(config, user) as journal:
            yield journal
    else:
        with file_journal.FileJournal(file_journal.journal_path(config.store.path, user)) as file:
            yield file


async def forget_imports(config: Config, user: str) -> None:
    """Remove that record, with the mail that it is of.

    Raises:
        JournalUnusable: it cannot be removed now.
    """
    if config.store.is_shared:
        from pillarbox.app import wire_up_cluster  # noqa: PLC0415 -- an extra

        await wire_up_cluster.forget_imports(config, user)
    else:
        file_journal.forget_imports(config.store.path, user)


def scram_hashes(auth: Auth) -> frozenset[str]:
    """For which hashes keys are made of passwords: those of what is offered, and the usual one, so
    that it can be offered one day and nobody is refused then. No others, since each is one more
    way to guess at a stolen file.
    """
    wanted = {mechanism.removesuffix("-PLUS") for mechanism in auth.mechanisms}
    if auth.scram_keys:
        wanted.add("SCRAM-SHA-256")
    return frozenset(hash_name for name, hash_name in _SCRAM.items() if name in wanted)


def open_authenticator(
    config: Config,
    accounts: Accounts,
    *,
    sources: Sequence[Source] = (),
    token_checker: TokenChecker | None = None,
    throttle: Throttle | None = None,
) -> LocalAuthenticator:
    """Who checks what clients claim. The *sources* are asked in their order, after *accounts*.
    *throttle* slows down guesses; one that shares nothing when None.
    """
    return LocalAuthenticator(
        accounts,
        domains=config.delivery.domains,
        sources=sources,
        token_checker=token_checker,
        throttle=throttle,
    )


def open_directory(
    config: Config, accounts: Accounts, *, sources: Sequence[Source] = ()
) -> Directory:
    """Who knows where mail goes. The *sources* as for :func:`open_authenticator`."""
    directory = LocalDirectory(accounts, domains=config.delivery.domains, sources=sources)
    quota = config.delivery.quota_octets
    return _DefaultQuota(directory, quota) if quota else directory


class _DefaultQuota:
    """A directory in which accounts without a quota of their own have the server's."""

    def __init__(self, directory: Directory, quota_octets: int) -> None:
        self._directory = directory
        self._quota_octets = quota_octets

    async def find(self, address: str) -> Account | None:
        account = await self._directory.find(address)
        if account is None or account.quota_octets:
            return account
        return replace(account, quota_octets=self._quota_octets)
