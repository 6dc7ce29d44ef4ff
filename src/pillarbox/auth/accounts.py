"""Accounts: what they are made of, and how they are changed, wherever they are kept.

* A change is durable when its method has returned, and every process (of every machine that shares
  the place) sees it with its next read. Processes and threads may use a place at the same time.
* Every change of credentials or state gives the account a new *generation*, a number that
  no account of this place ever had before, not even one of the same name that was removed.
  Whoever remembers something about an account remembers its generation with it.
* What a server asks while people sign in is in :mod:`pillarbox.auth.register`. The methods here are
  for commands: they wait, for a disk or a network, and a new password for its hash.

The places: a file (:mod:`pillarbox.auth.accounts_file`), and a database that many machines share
(:mod:`pillarbox.auth.cluster`). All methods raise AccountsUnavailable when it cannot be read or
written; the message names it and the remedy.
"""

from __future__ import annotations

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
from pillarbox.auth.place import Change, Place, no_account
from pillarbox.auth.register import Register, find
from pillarbox.auth.scram_table import ScramTable, Texts, replace_keys

_FIND = f"SELECT {COLUMNS} FROM account WHERE name = ?"  # noqa: S608 - a constant of ours
_ALL = f"SELECT {COLUMNS} FROM account"  # noqa: S608 - a constant of ours

_INSERT = "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_OVERWRITE = (
    "UPDATE account SET verifier = ?, disabled = ?, quota_octets = ?, apop_secret = ?, "
    "generation = ?, changed_at = ? WHERE name = ?"
)
_REMOVE_WHAT_IS_ITS = (
    'DELETE FROM device WHERE "user" = ?',
    'DELETE FROM scram WHERE "user" = ?',
    'DELETE FROM app_passwords_only WHERE "user" = ?',
)


AT_ONCE = 500
"""Accounts of an import for which a statement is sent."""


class Imported(NamedTuple):
    """What :meth:`Accounts.add_all` has done, by name."""

    added: list[str]
    replaced: list[str]
    left: list[str]
    """There already, and not touched."""


class Accounts:
    """The accounts in one place. Threads may share it.

    A *place* that is a path is a file, which is made at first use unless *create* is False: a server
    that made one would turn a store that is not mounted into a post office where everybody is unknown.

    Names are taken in any form and normalised (InvalidName), except by :meth:`find`.
    """

    def __init__(
        self,
        place: Path | Place,
        *,
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        self.passwords = passwords or Passwords()
        self.place = AccountsFile(place, create=create) if isinstance(place, Path) else place
        """Where they are kept."""
        self._clock = clock
        self.register = Register(self.place)
        """What a server asks."""
        self.scram = ScramTable(self.place)
        """What SCRAM needs of human passwords."""
        self.app_passwords = Devices(self.place, self.scram, clock)
        """What :meth:`add_device` and the like stand for."""

    @property
    def no_account(self) -> str:
        """What to tell an operator if there is no account at all."""
        return no_account(self.place)

    def find(self, name: str) -> AccountRecord | None:
        """The account with this *normalised* name, or None: one prepared SELECT."""
        return find(self.place, name)

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

    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return sorted(name for (name,) in self.place.read("SELECT name FROM account"))

    def records(self) -> list[AccountRecord]:
        """All accounts, sorted by name."""
        return sorted(record_of(row) for row in self.place.read(_ALL))

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
        return self.place.change(lambda change: self._insert(change, new))

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
        return self.place.change(lambda change: self._insert(change, new))

    def add_all(self, many: Iterable[NewAccount], *, replace: bool = False) -> Imported:
        """Make all these accounts, or none.

        Args:
            many: each name once.
            replace: give those that are there already the new password, quota and state; else they
                are left alone. Their devices stay, and their SCRAM and APOP secrets go.
        """
        every = list(many)

        def work(change: Change) -> Imported:
            imported = Imported([], [], [])
            for start in range(0, len(every), AT_ONCE):
                self._import(change, every[start : start + AT_ONCE], imported, replace=replace)
            return imported

        return self.place.change(work)

    def _import(
        self, change: Change, some: list[NewAccount], imported: Imported, *, replace: bool
    ) -> None:
        names = [new.name for new in some]
        marks = ", ".join("?" * len(names))
        rows = change.rows(f"SELECT name FROM account WHERE name IN ({marks})", *names)  # noqa: S608 - question marks
        there = {name for (name,) in rows}
        added = [new for new in some if new.name not in there]
        replaced = [new for new in some if new.name in there and replace]
        now = int(self._clock())
        change.many(_INSERT, [(*new[:5], change.generation(), now, now) for new in added])
        change.many(_OVERWRITE, [(*new[1:5], change.generation(), now, new[0]) for new in replaced])
        replace_keys(change, {new.name: new.scram for new in (*added, *replaced)})
        imported.added.extend(new.name for new in added)
        imported.replaced.extend(new.name for new in replaced)
        imported.left.extend(name for name in names if name in there and not replace)

    def _insert(self, change: Change, new: NewAccount) -> AccountRecord:
        now = int(self._clock())
        if not change.execute(
            f"{_INSERT} ON CONFLICT (name) DO NOTHING", *new[:5], change.generation(), now, now
        ):
            raise _account_exists(new.name)
        replace_keys(change, {new.name: new.scram})
        return record_of(change.rows(_FIND, new.name)[0])

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
        return self._update(name, "disabled = ?", (True,))

    def enable(self, name: str) -> AccountRecord:
        """Undo :meth:`disable`.

        Raises:
            NoSuchAccount, InvalidName.
        """
        return self._update(name, "disabled = ?", (False,))

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

        def work(change: Change) -> None:
            if not change.execute("DELETE FROM account WHERE name = ?", wanted):
                raise _no_such_account(wanted)
            for statement in _REMOVE_WHAT_IS_ITS:
                change.execute(statement, wanted)

        self.place.change(work)

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

        def work(change: Change) -> int:
            renewed = change.execute(
                "UPDATE account SET verifier = ? WHERE name = ? AND generation = ?",
                verifier,
                record.name,
                record.generation,
            )
            if renewed and scram is not None:
                replace_keys(change, {record.name: scram})
            return renewed

        return record._replace(verifier=verifier) if self.place.change(work) else None

    def close(self) -> None:
        """Close the place in this process; the next use opens it again, even another file.

        Call it when the operator asks for a reload: the file may have been replaced.
        """
        self.place.close()

    def _update(
        self,
        name: str,
        assignments: str,
        values: tuple[Any, ...],
        scram: Texts | None = None,
    ) -> AccountRecord:
        """Change columns of one account; *assignments* is a constant of this class."""
        wanted = normalise(name)

        def work(change: Change) -> AccountRecord:
            changed = change.execute(
                f"UPDATE account SET {assignments}, generation = ?, changed_at = ? WHERE name = ?",  # noqa: S608 - constants of ours; values are parameters
                *values,
                change.generation(),
                int(self._clock()),
                wanted,
            )
            if not changed:
                raise _no_such_account(wanted)
            if scram is not None:
                replace_keys(change, {wanted: scram})
            return record_of(change.rows(_FIND, wanted)[0])

        return self.place.change(work)


def _no_such_account(name: str) -> NoSuchAccount:
    return NoSuchAccount(f"there is no account {name!r}: `pillarbox user list` shows all")


def _account_exists(name: str) -> AccountExists:
    return AccountExists(
        f"there already is an account {name!r}: `pillarbox user passwd` changes its password"
    )
