"""Our statements as PostgreSQL has them, and its errors as operators read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any

import asyncpg

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.database import DatabaseUnavailable


@lru_cache(maxsize=256)
def numbered(statement: str) -> str:
    """*statement* with ``$1``, ``$2`` … for its question marks, of which none is in a text."""
    numbers = count(1)
    first, *parts = statement.split("?")
    return first + "".join(f"${next(numbers)}{part}" for part in parts)


def can_be_there(values: Sequence[Any]) -> None:
    """See that the texts among *values* can be in a database.

    Raises:
        UnicodeEncodeError: one cannot be, so it is in no row.
    """
    for value in values:
        if isinstance(value, str):
            value.encode()
            if (place := value.find("\0")) >= 0:
                raise UnicodeEncodeError("utf-8", value, place, place + 1, "no text has a NUL")


@contextmanager
def told_to_operators(name: str) -> Iterator[None]:
    """What goes wrong with the place of that *name* becomes AccountsUnavailable."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise AccountsUnavailable(str(error)) from error
    except asyncpg.UndefinedTableError as error:
        raise AccountsUnavailable(
            f"{name} has no tables of accounts: run `pillarbox cluster migrate`"
        ) from error
    except asyncpg.PostgresError as error:
        said = error.args[0]  # without the details, where a whole row may be, secrets and all
        raise AccountsUnavailable(f"the accounts in {name} cannot be used ({said})") from None
