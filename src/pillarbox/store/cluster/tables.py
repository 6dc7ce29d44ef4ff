"""The one place where failures of the database become domain errors.

What trying again may cure is *temporary*: mail is then asked to come back. What only an operator can
cure (a password, tables that are not there) is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.database import Database, DatabaseUnavailable, OutcomeUnknown, Transaction

T = TypeVar("T")
Rows = Sequence[Any]


class TablesUnavailable(StoreUnavailable):
    """It is the database that fails, and not the object store."""


class Unsettled(TablesUnavailable):
    """The connection was lost while something was being changed: that has happened whole, or not at
    all, or is still going to happen for a while (see :mod:`~pillarbox.store.cluster.clock`).
    """


class Tables:
    """The database, as the parts of the store use it. All methods raise StoreUnavailable."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def name(self) -> str:
        """For an operator; and what is not in the same place has not the same name."""
        return self._database.name

    async def ask(self, statement: str, *values: object) -> Rows:
        """All rows of a statement that changes nothing."""
        with self._domain_errors():
            return await self._database.fetch(statement, *values)

    async def change(self, statement: str, *values: object) -> Rows:
        """One statement that changes something, a transaction of its own; what it returns.

        Raises:
            Unsettled: see there.
        """
        with self._domain_errors():
            return await self._database.change(statement, *values)

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What *work* returns; it may be called again, and what it raises undoes all.

        Raises:
            Unsettled: see there.
        """
        with self._domain_errors():
            return await self._database.transaction(work)

    async def close(self) -> None:
        """End all connections at once."""
        await self._database.close()

    @contextmanager
    def _domain_errors(self) -> Iterator[None]:
        try:
            yield
        except OutcomeUnknown as error:
            raise Unsettled(str(error), temporary=True) from error
        except DatabaseUnavailable as error:
            raise TablesUnavailable(str(error), temporary=error.temporary) from error
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
            raise TablesUnavailable(
                f"database {self.name} has not been brought up to date ({error}): "
                "run `pillarbox cluster migrate`",
                temporary=False,
            ) from error
        except asyncpg.PostgresError as error:
            raise TablesUnavailable(
                f"database {self.name} refuses: {error}", temporary=False
            ) from error
