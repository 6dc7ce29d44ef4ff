"""What can go wrong with a shared database. Those who use it turn these into errors of their own."""

from __future__ import annotations


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


def words(error: BaseException) -> str:
    """What *error* says, in one line; its kind, if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
