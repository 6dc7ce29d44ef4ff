"""Whether there is such a user: in the accounts file, or in a source of the configuration."""

from __future__ import annotations

import asyncio

from pillarbox.app.account_sources import close_sources, open_sources
from pillarbox.app.config import Config
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import NoSuchAccount
from pillarbox.auth.names import normalise
from pillarbox.auth.users import Users


def known_user(config: Config, accounts: Accounts, name: str) -> str:
    """The normalised name of a user who exists. Asks the sources only for who is not in the file.

    Raises:
        NoSuchAccount, InvalidName.
        AccountsUnavailable: a source cannot be asked now.
        ConfigError: a source cannot be made.
    """
    if not config.auth.sources:
        return accounts.get(name).name
    wanted = normalise(name)
    if not asyncio.run(_is_known(config, accounts, wanted)):
        named = ", ".join(config.auth.sources)
        raise NoSuchAccount(f"there is no account {wanted!r}, neither here nor in {named}")
    return wanted


async def _is_known(config: Config, accounts: Accounts, name: str) -> bool:
    sources = open_sources(config)
    try:
        return await Users(accounts, sources).is_known(name)
    finally:
        await close_sources(sources)
