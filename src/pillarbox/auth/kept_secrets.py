"""The two random secrets of a place where accounts are kept.

They key the digests of app passwords and the salts that SCRAM shows for users who do not exist: without
them neither says anything, and with others app passwords open nothing. They never leave the place but
into the memory of a server, or together with all that they are the key of.
"""

from __future__ import annotations

import secrets

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


def adopt(change: Change, wanted: dict[str, bytes], *, place: str, replace: bool) -> None:
    """Let *wanted* be the secrets of *place*, within the caller's transaction.

    Args:
        change: the transaction.
        wanted: those of another place.
        place: what it is called in an error.
        replace: whether others may go that nothing has been made with yet.

    Raises:
        SecretsDiffer: it has others.
    """
    kept = by_name(change.rows(ALL))
    if kept == wanted:
        return
    if kept and not (replace and not any(change.rows(look) for look in _IN_USE)):
        raise SecretsDiffer(
            f"{place} has accounts already, or had some, and secrets of its own: app passwords and "
            "keys for SCRAM of another place would open nothing there. Move into an empty one, "
            "before the first `pillarbox user add` or `device add`"
        )
    change.execute("DELETE FROM secret")
    change.many(INSERT, wanted.items())
