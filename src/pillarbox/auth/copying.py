"""What is kept of users, copied from one place to another: from an accounts file into the database of a
cluster, or back.

All of it comes along as it is: the account with its verifier and quota, its keys for SCRAM, devices with
the digests of their app passwords, the rule "app passwords only". So every password goes on opening what
it opened. Only generations are new, being the place's.

Digests and salts are worth nothing without the secrets that key them, so those are taken over first,
which only a place can do that has made nothing with secrets of its own.

The source is not changed. Users are copied some at a time, each batch in one transaction; what is broken
off is done again, and finds that much the same already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.kept_secrets import ALL, by_name
from pillarbox.auth.place import Change, Place, Rows

BATCH = 200
"""Users of a transaction."""

_EVERYBODY = (
    "SELECT name FROM account",
    'SELECT DISTINCT "user" FROM device',
    'SELECT "user" FROM app_passwords_only',
)
_REMOVE = (
    "DELETE FROM account WHERE name = ?",
    'DELETE FROM device WHERE "user" = ?',
    'DELETE FROM app_passwords_only WHERE "user" = ?',
    'DELETE FROM scram WHERE "user" = ?',
)


class Owned(NamedTuple):
    """All that is kept of one user, but for the generation. Its repr shows no secret."""

    account: tuple[Any, ...] | None = None
    """Name, verifier, disabled, quota, APOP secret, made and changed at; None: no account of our own."""
    devices: frozenset[tuple[Any, ...]] = frozenset()
    """Rows of ``device``."""
    keys: frozenset[tuple[Any, ...]] = frozenset()
    """Rows of ``scram``."""
    app_passwords_only: bool = False

    def __repr__(self) -> str:
        return f"<Owned, {len(self.devices)} devices>"


class Copied(NamedTuple):
    """What has been done, or would be, by name."""

    added: list[str]
    """Nothing was there of them."""
    same: list[str]
    """All that is there is the same already."""
    replaced: list[str]
    """Something else was there, and has gone."""
    left: list[str]
    """Something else is there, and stays."""


def copy_accounts(
    source: Accounts,
    target: Accounts,
    users: Collection[str] | None = None,
    *,
    replace: bool = False,
    dry_run: bool = False,
) -> Copied:
    """Copy what *source* keeps of *users* to *target*.

    Args:
        source: from where; not changed.
        target: to where.
        users: normalised; None: everybody of whom there is anything. Of whom there is nothing, nothing
            is copied, or removed.
        replace: put it in the place of what is there, if that is something else; else it stays.
        dry_run: only say what would be done.

    Raises:
        SecretsDiffer: the target has others, so app passwords would open nothing there.
        AccountsUnavailable: one of them cannot be read or written; what has been copied stays.
    """
    copied = Copied([], [], [], [])
    secrets = by_name(source.place.read(ALL))
    if not secrets:  # a database in which nothing was ever made
        return copied
    target.place.adopt(secrets, dry_run=dry_run)
    for names in _batches(everybody(source.place) if users is None else sorted(users)):
        wanted = _at_one_moment(names, source.place)
        if dry_run:
            done = _sorted_out(wanted, _owned_by([*wanted], target.place.read), replace=replace)
        else:
            done = target.place.change(_Batch(wanted, replace=replace))
        for all_names, some in zip(copied, done, strict=True):
            all_names.extend(some)
    return copied


def everybody(place: Place) -> list[str]:
    """The names of all users of whom there is anything, sorted."""
    return sorted({name for statement in _EVERYBODY for (name,) in place.read(statement)})


class _Batch:
    """Some users, copied in one transaction."""

    def __init__(self, wanted: dict[str, Owned], *, replace: bool) -> None:
        self._wanted = wanted
        self._replace = replace

    def __call__(self, change: Change) -> Copied:
        there = _owned_by([*self._wanted], lambda asked, names: change.rows(asked, *names))
        found = _sorted_out(self._wanted, there, replace=self._replace)
        for statement in _REMOVE:
            change.many(statement, [(name,) for name in found.replaced])
        self._insert(change, [*found.added, *found.replaced])
        return found

    def _insert(self, change: Change, names: Sequence[str]) -> None:
        some = [self._wanted[name] for name in names]
        ruled = [name for name in names if self._wanted[name].app_passwords_only]
        accounts = [owned.account for owned in some if owned.account is not None]
        change.many(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*account[:5], change.generation(), *account[5:]) for account in accounts],
        )
        change.many(
            "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?)",
            [device for owned in some for device in owned.devices],
        )
        change.many("INSERT INTO app_passwords_only VALUES (?)", [(name,) for name in ruled])
        change.many(
            "INSERT INTO scram VALUES (?, ?, ?)", [keys for owned in some for keys in owned.keys]
        )


def _at_one_moment(names: Sequence[str], place: Place) -> dict[str, Owned]:
    """What these own, none of it from before a change and the rest from after it: a server goes on
    there, and each table is asked by itself. What is the same twice was so in between.
    """
    found = _owned_by(names, place.read)
    while (again := _owned_by(names, place.read)) != found:
        found = again
    return found


def _owned_by(names: Sequence[str], rows: Callable[[str, Sequence[str]], Rows]) -> dict[str, Owned]:
    """What those of *names* own who own something."""
    marks = ", ".join("?" * len(names))
    if not names:
        return {}

    def of_users(
        columns: str, table: str, user: str = '"user"'
    ) -> dict[str, list[tuple[Any, ...]]]:
        found: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows(f"SELECT {columns} FROM {table} WHERE {user} IN ({marks})", names):  # noqa: S608 - constants of ours
            found.setdefault(row[0], []).append(tuple(row))
        return found

    accounts = of_users(
        "name, verifier, disabled, quota_octets, apop_secret, created_at, changed_at",
        "account",
        "name",
    )
    devices = of_users('"user", device, digest, scram_sha1, scram_sha256, created_at', "device")
    keys = of_users('"user", hash_name, keys', "scram")
    ruled = of_users('"user"', "app_passwords_only")
    return {
        name: Owned(
            _as_everywhere(accounts[name][0]) if name in accounts else None,
            frozenset(devices.get(name, ())),
            frozenset(keys.get(name, ())),
            name in ruled,
        )
        for name in names
        if name in accounts or name in devices or name in ruled
    }


def _as_everywhere(account: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of an account, whichever place it is of: SQLite knows no truth values."""
    name, verifier, disabled, *others = account
    return (name, verifier, bool(disabled), *others)


def _sorted_out(wanted: dict[str, Owned], there: dict[str, Owned], *, replace: bool) -> Copied:
    """What is to be done with each."""
    found = Copied([], [], [], [])
    for name, owned in wanted.items():
        if name not in there:
            found.added.append(name)
        elif there[name] == owned:
            found.same.append(name)
        else:
            (found.replaced if replace else found.left).append(name)
    return found


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))
