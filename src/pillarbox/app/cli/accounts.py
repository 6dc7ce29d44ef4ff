"""Names of accounts that can be fetched, for the shell's completion."""

from __future__ import annotations

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.config.faults import ConfigError


def names_of_accounts(incomplete: str) -> list[str]:
    """The accounts of the configuration whose names begin so."""
    try:
        accounts = read_accounts(None)
    except ConfigError:  # completion is no place for it: running the command will tell
        return []
    return [name for name in accounts.by_name if name.startswith(incomplete)]
