"""The local directory: which account the mail for an address belongs to, of whatever source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.addresses import Domains
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import Source
from pillarbox.auth.users import Users
from pillarbox.contracts.auth import Account
from pillarbox.contracts.errors import AuthUnavailable


class LocalDirectory:
    """Implements :class:`pillarbox.contracts.auth.Directory` on the accounts and on sources.

    ``find`` completes without suspending for an account of a file: it is one SELECT, or two
    for an unknown user without other sources. That there is no such user is asked for each
    message: mail that is turned away for a user who was made a moment ago is lost.

    Where there is no account at all, nobody is unknown: far more likely than a post office
    without people are accounts that are lost or not mounted, and a sender who is told so
    (451) tries again for days, while "no such user" (550) loses the mail at once.
    """

    def __init__(
        self, accounts: Accounts, *, domains: Iterable[str], sources: Sequence[Source] = ()
    ) -> None:
        self._accounts = accounts
        self._users = Users(accounts, sources, believes_absence=False)
        self._domains = Domains(domains)

    async def find(self, address: str) -> Account | None:
        """The account for *address*; see the contract."""
        name = self._domains.mailbox_name(address)
        if name is None:
            return None
        try:
            user = await self._users.find(name)
            if user is None and await self._users.nobody_there():
                raise AuthUnavailable(self._accounts.no_account)
        except AccountsUnavailable as error:
            raise AuthUnavailable(str(error)) from error
        return None if user is None else Account(user.name, user.quota_octets, user.generation)
