"""Accounts, kept in one SQLite file that the server and the commands use at the same time.

* A change is durable when its method has returned, and every process sees it with its next
  read. Processes and threads may use the file at the same time.
* Every change of credentials or state gives the account a new *generation*, a number that
  no account of this file ever had before, not even one of the same name that was removed.
  Whoever remembers something about an account remembers its generation with it.
* A read waits for no writer and takes microseconds, and less if nobody has committed anything
  since it was last asked for: it may run on an event loop. A change waits for the disk, and a new
  password for its hash: those may not.

How the file is made and opened is told in :mod:`pillarbox.auth.accounts_file`. All methods
raise AccountsUnavailable when it cannot be read or written; the message names the file and
the remedy.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.auth.account import (
    COLUMNS,
    AccountRecord,
    NewAccount,
    account_of_hash,
    check_quota,
    record_of,
)
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.app_passwords import AppPassword
from pillarbox.auth.devices import DeviceRecord, Devices
from pillarbox.auth.errors import AccountExists, NoSuchAccount
from pillarbox.auth.names import normalise
from pillarbox.auth.passwords import Passwords, check_new, secret_octets
from pillarbox.auth.scram_table import ScramTable, Texts, replace_keys

_FIND = f"SELECT {COLUMNS} FROM account WHERE name = ?"  # noqa: S608 - a constant of ours
_FIND_BY_APP_PASSWORD = (
    f"SELECT device, {COLUMNS} FROM device LEFT JOIN account ON name = device.user "  # noqa: S608 - the same
    "WHERE digest = ?"
)
_ALL = f"SELECT {COLUMNS} FROM account ORDER BY name"  # noqa: S608 - a constant of ours

_REMOVE_WHAT_IS_ITS = (
    "DELETE FROM device WHERE user = ?",
    "DELETE FROM scram WHERE user = ?",
    "DELETE FROM app_passwords_only WHERE user = ?",
)


class Imported(NamedTuple):
    """What :meth:`Accounts.add_all` has done, by name."""

    added: list[str]
    replaced: list[str]
    left: list[str]
    """There already, and not touched."""


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
        self.scram = ScramTable(self._file)
        """What SCRAM needs of human passwords."""
        self.app_passwords = Devices(self._file, self.scram, clock)
        """What :meth:`add_device` and the like stand for, and what a sign-in asks of them."""

    @property
    def path(self) -> Path:
        return self._file.path

    def version(self) -> bytes | None:
        """Something that is equal as long as nothing in the file has changed, in whatever process,
        and never again; costs next to nothing. None: it cannot be told at this moment.
        """
        return self._file.version()

    def find(self, name: str) -> AccountRecord | None:
        """The account with this *normalised* name, or None: one prepared SELECT."""
        try:
            rows = self._file.find(_FIND, (name,))
        except UnicodeEncodeError:  # surrogates, which no normalised name holds
            return None
        return record_of(rows[0]) if rows else None

    def find_by_app_password(
        self, user: str, typed: str
    ) -> tuple[str, AccountRecord | None] | None:
        """The device of *user*, who is normalised, whose app password *typed* is, and the account if
        it is in this file. None: there is none. One prepared SELECT, if it can be an app password.
        """
        key = self.app_passwords.key_of(user, typed)
        if key is None:
            return None
        for device, *row in self._file.find(_FIND_BY_APP_PASSWORD, (key,)):
            return device, None if row[0] is None else record_of(row)
        return None

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
        return not self._file.find("SELECT 1 FROM account LIMIT 1", ())

    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return [name for (name,) in self._file.read("SELECT name FROM account ORDER BY name")]

    def records(self) -> list[AccountRecord]:
        """All accounts, sorted by name."""
        return [record_of(row) for row in self._file.read(_ALL)]

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
        check_quota(quota_octets)
        if self.find(wanted) is not None:
            raise _account_exists(wanted)  # found out before the work of a hash
        secret = secret_octets(password)
        new = NewAccount(
            wanted,
            self.passwords.verifier(secret),
            quota_octets=quota_octets,
            apop_secret=secret if apop else None,
            scram=self.new_scram_texts(wanted, secret),
        )
        with self._file.change() as file:
            if file.execute(_FIND, (wanted,)).fetchone():
                raise _account_exists(wanted)
            return self._insert(file, new)

    def add_with_hash(self, name: str, stored: str, *, quota_octets: int = 0) -> AccountRecord:
        """The same with the hash of a password that nobody knows here.

        Args:
            name: what it is to be called.
            stored: see :func:`pillarbox.auth.schemes.understand`. At the next sign-in with the
                password, a verifier of ours takes its place.
            quota_octets: 0 for no quota of its own.

        Raises:
            AccountExists, InvalidName, InvalidHash, InvalidQuota.
        """
        new = account_of_hash(name, stored, quota_octets=quota_octets)
        with self._file.change() as file:
            if file.execute(_FIND, (new.name,)).fetchone():
                raise _account_exists(new.name)
            return self._insert(file, new)

    def add_all(self, many: Iterable[NewAccount], *, replace: bool = False) -> Imported:
        """Make all these accounts, or none.

        Args:
            many: each name once.
            replace: give those that are there already the new password, quota and state; else they
                are left alone. Their devices stay, and their SCRAM and APOP secrets go.
        """
        imported = Imported([], [], [])
        with self._file.change() as file:
            for new in many:
                there = file.execute(_FIND, (new.name,)).fetchone()
                if there and not replace:
                    imported.left.append(new.name)
                elif there:
                    self._overwrite(file, new)
                    imported.replaced.append(new.name)
                else:
                    self._insert(file, new)
                    imported.added.append(new.name)
        return imported

    def _insert(self, file: sqlite3.Connection, new: NewAccount) -> AccountRecord:
        now = int(self._clock())
        file.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*new[:5], _generation(file), now, now),
        )
        replace_keys(file, new.name, new.scram)
        return record_of(file.execute(_FIND, (new.name,)).fetchone())

    def _overwrite(self, file: sqlite3.Connection, new: NewAccount) -> None:
        name, *values = new[:5]
        file.execute(
            "UPDATE account SET verifier = ?, disabled = ?, quota_octets = ?, apop_secret = ?, "
            "generation = ?, changed_at = ? WHERE name = ?",
            (*values, _generation(file), int(self._clock()), name),
        )
        replace_keys(file, name, new.scram)

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
        scram = self.new_scram_texts(before.name, secret)
        return self._update(name, "verifier = ?, apop_secret = ?", (verifier, kept), scram)

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
        check_quota(quota_octets)
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
        return self.app_passwords.add(user, device)

    def remove_device(self, user: str, device: str) -> None:
        """Take a device away: its app password opens nothing any more.

        Raises:
            NoSuchDevice, InvalidName.
        """
        self.app_passwords.remove(user, device)

    def devices(self, user: str) -> list[DeviceRecord]:
        """The devices of *user*, sorted by name.

        Raises:
            InvalidName.
        """
        return self.app_passwords.of(user)

    def has_devices(self, user: str) -> bool:
        """Whether *user* has a device at all.

        Raises:
            InvalidName.
        """
        return bool(self.app_passwords.of(user))

    def new_scram_texts(self, name: str, secret: bytes) -> Texts:
        """SCRAM keys for the account *name*, normalised, of *secret* (of :func:`.secret_octets`).
        Takes as long as their iterations.
        """
        return self.passwords.scram_texts(secret, partial(self.scram.salt_for, name))

    def require_app_passwords(self, user: str, *, required: bool = True) -> None:
        """Let *user* (of any source; not asked for here) sign in with nothing but app passwords,
        tokens and certificates; or with the account's own password again.

        Raises:
            InvalidName.
        """
        self.app_passwords.require(user, required=required)

    def renew_verifier(
        self, record: AccountRecord, verifier: str, scram: Texts | None = None
    ) -> AccountRecord | None:
        """Put *verifier*, and the keys *scram*, of the same password in place of *record*'s.

        None when the account has changed since *record* was read. Not a change of
        credentials: the generation stays.
        """
        with self._file.change() as file:
            renewed = file.execute(
                "UPDATE account SET verifier = ? WHERE name = ? AND generation = ?",
                (verifier, record.name, record.generation),
            ).rowcount
            if renewed and scram is not None:
                replace_keys(file, record.name, scram)
        return record._replace(verifier=verifier) if renewed else None

    def close(self) -> None:
        """Close the file in this process; the next use opens it again, even another one.

        Call it when the operator asks for a reload: the file may have been replaced.
        """
        self._file.close()

    def _update(
        self,
        name: str,
        assignments: str,
        values: tuple[Any, ...],
        scram: Texts | None = None,
    ) -> AccountRecord:
        """Change columns of one account; *assignments* is a constant of this class."""
        wanted = normalise(name)
        with self._file.change() as file:
            changed = file.execute(
                f"UPDATE account SET {assignments}, generation = ?, changed_at = ? WHERE name = ?",  # noqa: S608 - constants of ours; values are parameters
                (*values, _generation(file), int(self._clock()), wanted),
            ).rowcount
            if not changed:
                raise _no_such_account(wanted)
            if scram is not None:
                replace_keys(file, wanted, scram)
            return record_of(file.execute(_FIND, (wanted,)).fetchone())


def _generation(file: sqlite3.Connection) -> int:
    """A number that no account has had; within the caller's transaction."""
    file.execute("UPDATE counter SET last_generation = last_generation + 1")
    generation: int = file.execute("SELECT last_generation FROM counter").fetchone()[0]
    return generation


def _no_such_account(name: str) -> NoSuchAccount:
    return NoSuchAccount(f"there is no account {name!r}: `pillarbox user list` shows all")


def _account_exists(name: str) -> AccountExists:
    return AccountExists(
        f"there already is an account {name!r}: `pillarbox user passwd` changes its password"
    )
