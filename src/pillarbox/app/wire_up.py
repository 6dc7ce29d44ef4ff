"""Building the post office from a configuration: the only place that names engines.

Mail and accounts here, for the server and the commands alike; the servers on top of them
in :mod:`.wire_up_servers`, which a command need not import.

Everything is opened in the process that uses it, after the fork: files, locks and database
connections do not survive one.
"""

from __future__ import annotations

from dataclasses import replace

from pillarbox.app.config.settings import Config
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.directory import LocalDirectory
from pillarbox.contracts.auth import Account, Directory
from pillarbox.store import embedded
from pillarbox.store.embedded import PATIENCE_SECONDS, EmbeddedStore

ACCOUNTS_FILE = "accounts.db"


async def open_store(
    config: Config, *, patience: float = PATIENCE_SECONDS, speaks: bool = True
) -> EmbeddedStore:
    """The mail, open until it is closed. Blocks while it is looked over; call it before serving.

    Writes that another process holds up for *patience* seconds are given up. Who *speaks* logs
    what is damaged.

    Raises:
        StoreUnavailable: it cannot be opened; the message names the file.
    """
    store = embedded.open_store(
        config.store.path,
        patience=patience,
        speaks=speaks,
        default_holds=config.retention.default_view_holds,
    )
    store.hold()
    return store


def look_at_store(config: Config, *, must_exist: bool = False) -> EmbeddedStore:
    """The mail as it is, for who only looks (and for repair): makes nothing, waits for nothing.

    Raises:
        StoreUnavailable: it cannot be read, or it *must_exist* and there is none; the message
            names the file.
    """
    return embedded.look_at_store(config.store.path, must_exist=must_exist)


def open_accounts(config: Config, *, create: bool = False) -> Accounts:
    """The accounts. A file that is not there is made when *create* says so, else an error
    of each use: only who makes an account should make one.
    """
    return Accounts(config.store.path / ACCOUNTS_FILE, create=create)


def open_authenticator(config: Config, accounts: Accounts) -> LocalAuthenticator:
    """Who checks passwords."""
    return LocalAuthenticator(accounts, domains=config.delivery.domains)


def open_directory(config: Config, accounts: Accounts) -> Directory:
    """Who knows where mail goes."""
    directory = LocalDirectory(accounts, domains=config.delivery.domains)
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
