"""Are the accounts there? Looked at when a worker starts, before anybody is let in.

Accounts that are lost, or on a disk that is not mounted, look like a post office where
everybody is unknown, and an unknown user costs the sender's mail. So:

* maildrops without an accounts file: the server does not start;
* no account at all: mail is put off (see :mod:`pillarbox.auth.directory`), with a warning;
* maildrops of users without an account: a warning; their mail is refused, as it should be
  if they were removed, and should not be if their accounts were lost.

Where accounts are kept elsewhere, too (``auth.sources``), the latter two say nothing: nobody here
knows whom a directory knows. The file has to be there all the same, once there are maildrops: it
has the devices of all users.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import StoreAdmin

_log = structlog.get_logger("pillarbox.accounts")

MOST_NAMES = 20


async def refuse_lost_accounts(accounts: Accounts, store: StoreAdmin) -> None:
    """See to it that there is an accounts file, or nobody who could miss it.

    Raises:
        AccountsUnavailable: there are maildrops, and the file is gone.
        StoreUnavailable: it cannot be told, since the file is gone and the store fails.
    """
    if not accounts.place.is_lost():
        return
    if users := await store.users():
        raise AccountsUnavailable(
            f"{accounts.place.name} is gone, but the store has maildrops ({_some(users)}): restore the "
            "file from a backup, or make each account again with `pillarbox user add NAME`; "
            "the mail is still there"
        )


async def warn_of_missing_accounts(accounts: Accounts, store: StoreAdmin) -> None:
    """Log what an operator should know before the first sender is refused."""
    try:
        names = set(accounts.names())
    except AccountsUnavailable as error:
        _warn_of_none(str(error))
        return
    if not names:
        _warn_of_none(accounts.no_account)
    try:
        users = await store.users()
    except StoreUnavailable:  # a damaged shard, which speaks for itself
        return
    if orphans := [user for user in users if user not in names]:
        _log.warning(
            "maildrops without an account: their mail is refused (550)"
            if names
            else "maildrops without an account",
            users=_some(orphans),
            remedy="`pillarbox user add NAME` makes an account again; the mail is still there",
        )


def _warn_of_none(why: str) -> None:
    _log.warning("there is no account: all mail is put off (451)", why=why)


def _some(users: Sequence[str]) -> str:
    more = f" and {len(users) - MOST_NAMES} more" if len(users) > MOST_NAMES else ""
    return ", ".join(users[:MOST_NAMES]) + more
