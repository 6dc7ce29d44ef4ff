"""Accounts, kept in one SQLite file that the server and the commands use at the same time.

* A change is durable when its method has returned, and every process sees it with its next
  read. Processes and threads may use the file at the same time.
* Every change of credentials or state gives the account a new *generation*, a number that
  no account of this file ever had before, not even one of the same name that was removed.
  Whoever remembers something about an account remembers its generation with it.
* A read is one prepared SELECT of microseconds that waits for no writer: it may run on an
  event loop. A change waits for the disk, and a new password for its hash: those may not.

How the file is made and opened is told in :mod:`pillarbox.auth.accounts_file`. All methods
raise AccountsUnavailable when it cannot be read or written; the message names the file and
the remedy.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.app_passwords import AppPassword
from pillarbox.auth.devices import DeviceRecord, Devices
from pillarbox.auth.errors import AccountExists, InvalidQuota, NoSuchAccount
from pillarbox.auth.names import normalise
from pillarbox.auth.passwords import Passwords, check_new, secret_octets

MAX_QUOTA_OCTETS = 2**63 - 1
"""What an integer of SQLite can hold."""

_COLUMNS = "name, verifier, disabled, quota_octets, apop_secret, generation, created_at, changed_at"
_FIND = f"SELECT {_COLUMNS} FROM account WHERE name = ?"  # noqa: S608 - a constant of ours
_ALL = f"SELECT {_COLUMNS} FROM account ORDER BY name"  # noqa: S608 - a constant of ours

_REMOVE_WHAT_IS_ITS = (
    "DELETE FROM device WHERE user = ?",
    "DELETE FROM scram WHERE user = ?",
    "DELETE FROM app_passwords_only WHERE user = ?",
)


class AccountRecord(NamedTuple):
    """One account as it is in the file. Its repr shows no secret."""

    name: str
    """Normalised: as :func:`pillarbox.auth.names.normalise` returns it."""
    verifier: str
    """Of :class:`pillarbox.auth.passwords.Passwords`."""
    disabled: bool
    """May not sign in; still gets mail."""
    quota_octets: int
    """0: none of its own."""
    apop_secret: bytes | None
    """The password itself, readable, since APOP cannot do without; None: no APOP."""
    generation: int
    created_at: int
    """Seconds since 1970, UTC."""
    changed_at: int
    """The same; the last change of anything above."""

    def __repr__(self) -> str:
        state = ", disabled" if self.disabled else ""
        return f"<AccountRecord {self.name!a}, generation {self.generation}{state}>"


class Accounts:
    """The accounts of one file. Threads may share it.

    The file is made at first use, unless *create* is False: a server that made one would
    turn a store that is not mounted into a post office where everybody is unknown.

    Names are taken in any form and normalised (InvalidName), except by :meth:`find`.
    """

    def __init__(
        self,
        path: Path,
        *,
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        self.passwords = passwords or Passwords()
        self._file = AccountsFile(path, create=create)
        self._clock = clock
        self._devices = Devices(self._file, clock)

    @property
    def path(self) -> Path:
        return self._file.path

    def find(self, name: str) -> AccountRecord | None:
        """The account with this *normalised* name, or None: one prepared SELECT."""
        try:
            rows = self._file.read(_FIND, (name,))
        except UnicodeEncodeError:  # surrogates, which no normalised name holds
            return None
        return _record(rows[0]) if rows else None

    def get(self, name: str) -> AccountRecord:
        """The account of that name.

        Raises:
            NoSuchAccount, InvalidName.
        """
        wanted = normalise(name)
        record = self.find(wanted)
        if record is None:
            raise _no_such_account(wanted)
        return record

    def is_empty(self) -> bool:
        """Whether there is no account at all: one SELECT of at most one row."""
        return not self._file.read("SELECT 1 FROM account LIMIT 1")

    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return [name for (name,) in self._file.read("SELECT name FROM account ORDER BY name")]

    def records(self) -> list[AccountRecord]:
        """All accounts, sorted by name."""
        return [_record(row) for row in self._file.read(_ALL)]

    def add(
        self, name: str, password: str, *, quota_octets: int = 0, apop: bool = False
    ) -> AccountRecord:
        """Make a new account. Takes as long as one hash.

        Args:
            name: what it is to be called.
            password: see :func:`pillarbox.auth.passwords.check_new`.
            quota_octets: 0 for no quota of its own.
            apop: also keep the password readable, so that APOP can be used.

        Raises:
            AccountExists, InvalidName, InvalidPassword, InvalidQuota.
        """
        wanted = normalise(name)
        check_new(password)
        _check_quota(quota_octets)
        if self.find(wanted) is not None:
            raise _account_exists(wanted)  # found out before the work of a hash
        secret = secret_octets(password)
        verifier = self.passwords.verifier(secret)
        kept = secret if apop else None
        with self._file.change() as file:
            if file.execute(_FIND, (wanted,)).fetchone():
                raise _account_exists(wanted)
            now = int(self._clock())
            record = AccountRecord(
                wanted, verifier, False, quota_octets, kept, _generation(file), now, now
            )
            file.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)", record)
        return record

    def set_password(self, name: str, password: str, *, apop: bool | None = None) -> AccountRecord:
        """Give the account another password. Takes as long as one hash.

        Args:
            name: whose.
            password: see :func:`pillarbox.auth.passwords.check_new`.
            apop: whether APOP can be used from now on; None: as before. The old APOP
                secret is gone in any case.

        Raises:
            NoSuchAccount, InvalidName, InvalidPassword.
        """
        check_new(password)
        before = self.get(name)  # an unknown name is found out before the work of a hash
        secret = secret_octets(password)
        verifier = self.passwords.verifier(secret)
        if apop is None:
            apop = before.apop_secret is not None
        kept = secret if apop else None
        return self._update(name, "verifier = ?, apop_secret = ?", (verifier, kept))

    def disable(self, name: str) -> AccountRecord:
        """Let nobody sign in to it any more; mail is still delivered.

        Raises:
            NoSuchAccount, InvalidName.
        """
        return self._update(name, "disabled = 1", ())

    def enable(self, name: str) -> AccountRecord:
        """Undo :meth:`disable`.

        Raises:
            NoSuchAccount, InvalidName.
        """
        return self._update(name, "disabled = 0", ())

    def set_quota(self, name: str, quota_octets: int) -> AccountRecord:
        """Give it another quota; 0: none of its own.

        Raises:
            NoSuchAccount, InvalidName, InvalidQuota.
        """
        _check_quota(quota_octets)
        return self._update(name, "quota_octets = ?", (quota_octets,))

    def remove(self, name: str) -> None:
        """Remove the account with its devices; its maildrop is the store's and stays.

        Raises:
            NoSuchAccount, InvalidName.
        """
        wanted = normalise(name)
        with self._file.change() as file:
            if not file.execute("DELETE FROM account WHERE name = ?", (wanted,)).rowcount:
                raise _no_such_account(wanted)
            for statement in _REMOVE_WHAT_IS_ITS:
                file.execute(statement, (wanted,))

    def add_device(self, user: str, device: str) -> AppPassword:
        """Give *user* (of any source; not asked for here) another device.

        Raises:
            DeviceExists, InvalidName.
        """
        return self._devices.add(user, device)

    def remove_device(self, user: str, device: str) -> None:
        """Take a device away: its app password opens nothing any more.

        Raises:
            NoSuchDevice, InvalidName.
        """
        self._devices.remove(user, device)

    def devices(self, user: str) -> list[DeviceRecord]:
        """The devices of *user*, sorted by name.

        Raises:
            InvalidName.
        """
        return self._devices.of(user)

    def has_devices(self, user: str) -> bool:
        """Whether *user* has a device at all.

        Raises:
            InvalidName.
        """
        return bool(self._devices.of(user))

    def renew_verifier(self, record: AccountRecord, verifier: str) -> AccountRecord | None:
        """Put *verifier*, of the same password, in place of *record*'s.

        None when the account has changed since *record* was read. Not a change of
        credentials: the generation stays.
        """
        with self._file.change() as file:
            renewed = file.execute(
                "UPDATE account SET verifier = ? WHERE name = ? AND generation = ?",
                (verifier, record.name, record.generation),
            ).rowcount
        return record._replace(verifier=verifier) if renewed else None

    def close(self) -> None:
        """Close the file in this process; the next use opens it again, even another one.

        Call it when the operator asks for a reload: the file may have been replaced.
        """
        self._file.close()

    def _update(self, name: str, assignments: str, values: tuple[Any, ...]) -> AccountRecord:
        """Change columns of one account; *assignments* is a constant of this class."""
        wanted = normalise(name)
        with self._file.change() as file:
            changed = file.execute(
                f"UPDATE account SET {assignments}, generation = ?, changed_at = ? WHERE name = ?",  # noqa: S608 - constants of ours; values are parameters
                (*values, _generation(file), int(self._clock()), wanted),
            ).rowcount
            if not changed:
                raise _no_such_account(wanted)
            return _record(file.execute(_FIND, (wanted,)).fetchone())


def _record(row: tuple[Any, ...]) -> AccountRecord:
    name, verifier, disabled, *rest = row
    return AccountRecord(name, verifier, bool(disabled), *rest)


def _generation(file: sqlite3.Connection) -> int:
    """A number that no account has had; within the caller's transaction."""
    file.execute("UPDATE counter SET last_generation = last_generation + 1")
    generation: int = file.execute("SELECT last_generation FROM counter").fetchone()[0]
    return generation


def _check_quota(quota_octets: int) -> None:
    if not 0 <= quota_octets <= MAX_QUOTA_OCTETS:
        raise InvalidQuota(
            f"a quota is a number of octets from 0 (none) to {MAX_QUOTA_OCTETS}, not {quota_octets}"
        )


def _no_such_account(name: str) -> NoSuchAccount:
    return NoSuchAccount(f"there is no account {name!r}: `pillarbox user list` shows all")


def _account_exists(name: str) -> AccountExists:
    return AccountExists(
        f"there already is an account {name!r}: `pillarbox user passwd` changes its password"
    )
