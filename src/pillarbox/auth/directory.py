"""The local directory: which account the mail for an address belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.addresses import Domains
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.contracts.auth import Account
from pillarbox.contracts.errors import AuthUnavailable


class LocalDirectory:
    """Implements :class:`pillarbox.contracts.auth.Directory` on the accounts file.

    ``find`` completes without suspending: it is one SELECT, or two for an unknown user.

    Where there is no account at all, nobody is unknown: far more likely than a post office
    without people are accounts that are lost or not mounted, and a sender who is told so
    (451) tries again for days, while "no such user" (550) loses the mail at once.
    """

    def __init__(self, accounts: Accounts, *, domains: Iterable[str]) -> None:
        self._accounts = accounts
        self._domains = Domains(domains)

    async def find(self, address: str) -> Account | None:
        """The account for *address*; see the contract."""
        name = self._domains.mailbox_name(address)
        if name is None:
            return None
        try:
            record = self._accounts.find(name)
            if record is None and self._accounts.is_empty():
                raise AuthUnavailable(no_account(self._accounts))
        except AccountsUnavailable as error:
            raise AuthUnavailable(str(error)) from error
        if record is None:
            return None
        return Account(record.name, record.quota_octets, record.generation)


def no_account(accounts: Accounts) -> str:
    """What to tell an operator about accounts of which there are none."""
    return (
        f"{accounts.path} has no account: check store.path, "
        "or make the first one with `pillarbox user add NAME`"
    )
