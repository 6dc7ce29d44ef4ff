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

    ``find`` completes without suspending: it is one SELECT.
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
        except AccountsUnavailable as error:
            raise AuthUnavailable(str(error)) from error
        return None if record is None else Account(record.name, record.quota_octets)
