"""The source itself: a database, a query, and what comes of it."""

from __future__ import annotations

from pillarbox.auth.sources.contract import SourceAccount, askable
from pillarbox.auth.sources.sql.database import Database
from pillarbox.auth.sources.sql.query import prepared
from pillarbox.auth.sources.sql.row import account_of


class SqlSource:
    """A source (:class:`pillarbox.auth.sources.contract.Source`) on a database.

    Args:
        database: where the accounts are.
        query: as the operator has written it; see :mod:`.query` and :mod:`.row`.
        default_scheme: of passwords that do not say theirs.

    Raises:
        FaultyQuery: the query cannot be used.
    """

    name = "sql"

    def __init__(self, database: Database, query: str, *, default_scheme: str = "CRYPT") -> None:
        self._database = database
        self._query = prepared(query)
        self._default_scheme = default_scheme

    async def find(self, user: str) -> SourceAccount | None:
        """See the contract: one query, whoever is asked for.

        Raises:
            AccountsUnavailable: the database cannot be asked now, or the query is at fault.
        """
        name, possible = askable(user)
        rows = await self._database.rows(self._query, name)
        account = account_of(name, rows, self._default_scheme)
        return account if possible else None

    async def proves(self, account: SourceAccount, password: str) -> bool:
        """False: without a hash nothing can be right."""
        del account, password
        return False

    async def close(self) -> None:
        await self._database.close()
