"""Sending goes on as before when the account is collected from elsewhere: by the same name, with the same password.

Where nothing else was said, name and password for sending are those of the mailbox. Those of a new mailbox may be
another provider's, and nobody else may hear them: what followed from the old one is written down.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pillarbox.app.collecting.credentials import kept_password
from pillarbox.app.collecting.values import READER
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.new_account import smtp_url
from pillarbox.app.reading.submissions import place_of
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.reader.errors import CannotAddAccount, NotSendable
from pillarbox.reader.submission import Submission

_OWN_PASSWORD = frozenset({"smtp_password_file", "smtp_password_command"})


class Unmoved(NamedTuple):
    """How sending stays as it is."""

    place: Submission | None
    """Where it leaves and by which name, without secrets; None: nowhere."""
    values: dict[str, Any]
    """Keys and values that say so from now on."""
    password: str
    """What has to be kept for sending alone; empty: nothing."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Unmoved({self.place!r}, {self.values!r})"


def unmoved(now: Account, there: Account, password: str, accounts: ConfiguredAccounts) -> Unmoved:
    """What has to be written when *there* takes the place of *now*. Blocking; may ask the keyring.

    Args:
        now: the account as it is collected.
        there: as it will be.
        password: what will be kept for *there*; empty: what there is stays.
        accounts: as the reader has them.

    Raises:
        CannotAddAccount: it signs in by the mailbox's password, which cannot be had.
    """
    place = sending_place(now, accounts)
    before, after = now.endpoint, there.endpoint
    if (
        place is None
        or place.user is None
        or (before.host, before.user) == (after.host, after.user)
    ):
        return Unmoved(place, {}, "")
    settings = accounts.settings(now.name)
    follows = settings["smtp"].value.user is None and before.user != after.user
    values = {"smtp": smtp_url(place, after.user)} if follows else {}
    if _OWN_PASSWORD & settings.keys() or not (new := password or _found(there, accounts)):
        return Unmoved(place, values, "")
    old = _password(now.name, place, accounts)
    return Unmoved(place, values, "" if old == new else old)


def sending_place(account: Account, accounts: ConfiguredAccounts) -> Submission | None:
    """Where the mail of *account* leaves now, without secrets; None: nowhere."""
    try:
        return place_of(account.name, accounts.settings(account.name), account)
    except NotSendable:
        return None


def _found(there: Account, accounts: ConfiguredAccounts) -> str:
    """What the keyring has for *there* already, if it is the keyring that is asked."""
    is_told = accounts.recipe(there.name, READER).is_told
    return "" if is_told else kept_password(there) or ""


def _password(account: str, place: Submission, accounts: ConfiguredAccounts) -> str:
    """By which it signs in now, where its mail leaves."""
    why = "there is none here"
    try:
        password = accounts.to_submit(account).password
        found = password() if callable(password) else password
    except PillarboxError as error:
        found, why = None, str(error).rstrip(".")
    if not isinstance(found, str):
        raise CannotAddAccount(
            f"Nothing was changed: its mail goes on leaving by {place.host}, and the password that signs in there cannot be had ({why}). "
            "Enter it under Sending first, or another server there."
        )
    return found
