"""What can go wrong with a shared database. Those who use it turn these into errors of their own."""

from __future__ import annotations

import asyncpg

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # it is shut down, starts up, or somebody has ended us
    asyncpg.InternalClientError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # we stood still in the middle
    asyncpg.TransactionTimeoutError,
)
"""The connection is of no more use, or there is none."""
BUSY = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError)
"""It is there, and cannot do it now: no room, too many connections, or a standby that has not been
made the primary yet."""


class DatabaseUnavailable(Exception):
    """It cannot be asked now; nothing was changed. The text is for an operator: it names the database,
    without its password, and says what to do.
    """

    def __init__(self, message: str, *, temporary: bool = True) -> None:
        super().__init__(message)
        self.temporary = temporary
        """False when it helps nothing to try again: an operator has to act."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection was lost while something was being changed: that has happened whole, or not at
    all. Who needs to know asks the database when it is back.
    """


def is_for_an_operator(error: Exception) -> bool:
    """Whether it helps nothing to connect again, when this was why no connection could be made."""
    if isinstance(error, DatabaseUnavailable):
        return not error.temporary
    return not isinstance(error, (*LOST, *BUSY))


def words(error: BaseException) -> str:
    """What *error* says, in one line; its kind, if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
