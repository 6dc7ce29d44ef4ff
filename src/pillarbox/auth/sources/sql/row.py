"""An account, made of the row that a query has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from pillarbox.auth.errors import AccountsUnavailable, InvalidName
from pillarbox.auth.names import normalise
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.passwords import as_hash, octets_of, yes

NAME, PASSWORD, QUOTA, DISABLED = "name", "password", "quota_octets", "disabled"
"""What the query's columns are called. All but the password may be missing."""

MOST_ROWS = 2
"""That are fetched: one account is one row, and a second says that it is not."""

_log = structlog.get_logger("pillarbox.auth")


def account_of(
    user: str, rows: Sequence[Mapping[str, Any]], default_scheme: str
) -> SourceAccount | None:
    """The account of *user*; None: there is no row, or it is another's.

    Databases may be generous about what is equal (``é`` and ``e``, by some collations): who
    has the query say the name, too, is safe from that.

    A password or quota that cannot be used shuts nobody out of his mail: it is told in the
    log, and nobody can sign in with it, or the account has no quota of its own.

    Raises:
        AccountsUnavailable: the query is not one for accounts.
    """
    if not rows:
        return None
    if len(rows) > 1:
        raise AccountsUnavailable("sql: the query finds several rows for one user")
    row = {column.lower(): value for column, value in rows[0].items()}
    if PASSWORD not in row:
        raise AccountsUnavailable(
            f'sql: the query has no column "{PASSWORD}": write SELECT … AS {PASSWORD}'
        )
    if NAME in row and not _is(user, row[NAME]):
        return None
    return SourceAccount(
        user,
        hashes=_hashes(user, row[PASSWORD], default_scheme),
        disabled=yes(row.get(DISABLED)),
        quota_octets=_quota(user, row.get(QUOTA)),
    )


def _is(user: str, name: Any) -> bool:
    try:
        text = name.decode() if isinstance(name, bytes | bytearray) else str(name)
        return normalise(text.rpartition("@")[0] or text) == user
    except (InvalidName, UnicodeDecodeError):
        return False


def _hashes(user: str, value: Any, default_scheme: str) -> tuple[str, ...]:
    try:
        text = value.decode() if isinstance(value, bytes | bytearray) else value
        if text is None:
            return ()
        if not isinstance(text, str):
            _tell(user, PASSWORD, "is not a text")
            return ()
        found = as_hash(text, default_scheme)
    except UnicodeDecodeError:  # its text has the octets in it
        _tell(user, PASSWORD, "is not UTF-8")
        return ()
    except ValueError as error:
        _tell(user, PASSWORD, str(error))
        return ()
    return () if found is None else (found,)


def _quota(user: str, value: Any) -> int:
    try:
        return octets_of(value)
    except ValueError as error:
        _tell(user, QUOTA, str(error))
        return 0


def _tell(user: str, column: str, problem: str) -> None:
    _log.warning(
        "a value in the database cannot be used", user=user, column=column, problem=problem
    )
