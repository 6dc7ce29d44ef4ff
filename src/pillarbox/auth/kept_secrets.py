"""The two random secrets of a place where accounts are kept.

They key the digests of app passwords and the salts that SCRAM shows for users who do not exist: without
them neither says anything, and with others app passwords open nothing. They never leave the place but
into the memory of a server, or together with all that they are the key of.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from pillarbox.auth.errors import SecretsDiffer
from pillarbox.auth.place import Change, Rows

APP_PASSWORDS, SALTS = NAMES = ("app-passwords", "salts")

OCTETS = 32
"""Of each: as many as the digests that are keyed with it."""

INSERT = "INSERT INTO secret VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
ALL = "SELECT name, value FROM secret"

_IN_USE = tuple(
    f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608 - a constant of ours
    for table in ("account", "device", "app_passwords_only")
)


def new_secrets() -> dict[str, bytes]:
    """One of each, from the system's randomness."""
    return {name: secrets.token_bytes(OCTETS) for name in NAMES}


def by_name(rows: Rows) -> dict[str, bytes]:
    """What :data:`ALL` has found."""
    return {row[0]: row[1] for row in rows}


def are_there(
    wanted: dict[str, bytes], rows: Callable[[str], Rows], *, place: str, may_go: bool
) -> bool:
    """Whether *wanted* are the secrets of *place*, which can take them over if they are not.

    Args:
        wanted: those of another place.
        rows: asks *place*.
        place: what it is called in an error.
        may_go: whether others may that nothing has been made with yet.

    Raises:
        SecretsDiffer: it has others.
    """
    kept = by_name(rows(ALL))
    if kept and kept != wanted:
        if not any(rows(look) for look in _IN_USE):
            if may_go:
                return False
            raise SecretsDiffer(
                f"{place} has secrets of its own, which a server has made, or accounts that are gone. "  # noqa: S608 - told
                "Nothing has been made with them that is still there, so they may go: stop all servers "
                "(they remember them), give the database `DELETE FROM secret`, and repeat this"
            )
        raise SecretsDiffer(
            f"{place} has accounts already, or had some, and secrets of its own: app passwords and "
            "keys for SCRAM of another place would open nothing there. Move into an empty one, "
            "before the first `pillarbox user add` or `device add`"
        )
    return kept == wanted


def take_over(change: Change, wanted: dict[str, bytes], *, place: str, may_go: bool) -> None:
    """Let *wanted* be the secrets of *place*, within the caller's transaction; as :func:`are_there`."""
    if not are_there(wanted, change.rows, place=place, may_go=may_go):
        change.execute("DELETE FROM secret")
        change.many(INSERT, wanted.items())
