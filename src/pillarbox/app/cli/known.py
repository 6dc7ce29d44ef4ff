"""Whether somebody is there whom a command was given as USER."""

from __future__ import annotations

from pillarbox.app.account_sources import close_sources, open_sources
from pillarbox.app.config import Config
from pillarbox.app.wire_up import open_directory
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import NoSuchAccount


async def must_be_known(config: Config, accounts: Accounts, user: str) -> None:
    """Ask the directory that deliveries ask, so that users of every source are known.

    Args:
        config: which directory.
        accounts: our own.
        user: normalised.

    Raises:
        NoSuchAccount: nobody of that name gets mail here.
        AuthUnavailable: the directory cannot be asked now.
        ConfigError: a source cannot be used as it is configured.
    """
    sources = open_sources(config)
    try:
        directory = open_directory(config, accounts, sources=sources)
        found = await directory.find(f"{user}@{config.delivery.domains[0]}")
    finally:
        await close_sources(sources)
    if found is None:
        elsewhere = f", and neither knows {', '.join(config.auth.sources)}" if sources else ""
        raise NoSuchAccount(
            f"there is no account {user!r}: `pillarbox user list` shows all{elsewhere}"
        )
