"""The source itself: where a user's entry is, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import ldap

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import SourceAccount, askable
from pillarbox.auth.sources.ldap.connection import Connections, DirectorySettings, Trouble
from pillarbox.auth.sources.ldap.entry import Attributes, account_of, wanted
from pillarbox.auth.sources.ldap.patterns import check_dn, check_filter, in_dn, in_filter
from pillarbox.auth.sources.threads import Threads

_ANYTHING = "(objectClass=*)"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the entries of users are: below *base*, found by *filter*; or at *dn*.

    Raises:
        FaultyPattern: filter or DN cannot be used.
    """

    base: str = ""
    filter: str = "(uid={user})"
    dn: str | None = None
    """If given, the others are not looked at."""

    def __post_init__(self) -> None:
        if self.dn is None:
            check_filter(self.filter)
        else:
            check_dn(self.dn)


class LdapSource:
    """A source (:class:`pillarbox.auth.sources.contract.Source`) on a directory.

    Args:
        settings: the directory.
        whereabouts: the users in it.
        quota_attribute: whose value is a quota in octets, or like ``1G``; None: there is none.
    """

    name = "ldap"

    def __init__(
        self,
        settings: DirectorySettings,
        whereabouts: Whereabouts,
        *,
        quota_attribute: str | None = None,
    ) -> None:
        self._whereabouts = whereabouts
        self._quota_attribute = quota_attribute
        self._attributes = wanted(quota_attribute)
        self._connections = Connections(settings)
        self._threads = Threads(
            self.name,
            settings.connections,
            settings.timeout,
            farewell=self._connections.hang_up,
        )

    async def find(self, user: str) -> SourceAccount | None:
        """See the contract: one search, whoever is asked for.

        Raises:
            AccountsUnavailable: the directory cannot be asked now, or the filter is at fault.
        """
        name, possible = askable(user)
        try:
            found = await self._threads.call(self._entry, name)
        except Trouble as error:
            raise AccountsUnavailable(f"{self.name}: {error}") from None
        return (
            None
            if found is None or not possible
            else account_of(user, *found, self._quota_attribute)
        )

    async def proves(self, account: SourceAccount, password: str) -> bool:
        """See the contract: a search for the DN, and a bind.

        Raises:
            AccountsUnavailable: as above.
        """
        name, possible = askable(account.name)
        try:
            opened = await self._threads.call(self._opens, name, password)
        except Trouble as error:
            raise AccountsUnavailable(f"{self.name}: {error}") from None
        return opened and possible

    async def close(self) -> None:
        await self._threads.close()

    def _opens(self, user: str, password: str) -> bool:
        found = self._entry(user)
        return found is not None and self._connections.opens(found[0], password)

    def _entry(self, user: str) -> tuple[str, Attributes] | None:
        """The DN of *user* and what is known of it."""
        where = self._whereabouts
        if where.dn is not None:
            search = in_dn(where.dn, user), ldap.SCOPE_BASE, _ANYTHING
        else:
            search = where.base, ldap.SCOPE_SUBTREE, in_filter(where.filter, user)
        found = self._connections.search(*search, self._attributes)
        if len(found) > 1:
            raise Trouble("the search finds several entries for one user")
        return found[0] if found else None
