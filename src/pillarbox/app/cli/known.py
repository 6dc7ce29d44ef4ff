"""Whether somebody is there whom a command was given as USER or NAME."""

from __future__ import annotations

from pillarbox.app.account_sources import close_sources, open_sources
from pillarbox.app.config import Config
from pillarbox.auth.account import AccountRecord
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import NoSuchAccount
from pillarbox.auth.users import User, Users


async def known_user(config: Config, accounts: Accounts, name: str) -> User:
    """The user of that name, wherever it is kept. The sources are asked only for who is not in
    the accounts file: one that is away keeps nobody from working on the others.

    Args:
        config: which sources.
        accounts: the accounts file.
        name: normalised.

    Raises:
        NoSuchAccount: nobody of that name gets mail here.
        AccountsUnavailable: the file, or a source, cannot be asked now.
        ConfigError: a source cannot be made as it is configured.
    """
    user: User | None = accounts.find(name)
    if user is None and config.auth.sources:
        sources = open_sources(config)
        try:
            user = await Users(accounts, sources).find(name)
        finally:
            await close_sources(sources)
    if user is None:
        also = f", and {_named(config)} has none either" if config.auth.sources else ""
        raise NoSuchAccount(f"there is no account {name!r}: `pillarbox user list` shows all{also}")
    return user


def own_account(config: Config, accounts: Accounts, name: str) -> AccountRecord:
    """The account of the accounts file, for commands that change what only that has.

    Raises:
        NoSuchAccount: there is none, though a source may well have one.
        InvalidName, AccountsUnavailable.
    """
    try:
        return accounts.get(name)
    except NoSuchAccount as error:
        if not config.auth.sources:
            raise
        raise NoSuchAccount(f"{error}; users of {_named(config)} are changed there") from None


def _named(config: Config) -> str:
    return " or ".join(config.auth.sources)
