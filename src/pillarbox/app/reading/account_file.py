"""Changing accounts in the configuration file: everything else in it, comments too, stays as it is.

The new text is read before it replaces the old one: it has to say what was meant, and nothing else may say anything
else. What people write by hand can take forms that cannot be changed safely: then nothing is, and they are told.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pillarbox.app.config.sections import ACCOUNTS
from pillarbox.durable import replace_file
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.reader.errors import CannotAddAccount

_HEADER = "# Accounts of `pillarbox read` and `pillarbox fetch`. Passwords do not stand here.\n"
_lock = threading.Lock()

Values = Mapping[str, Any]
"""By key; None: the key is taken out."""


class AccountFile:
    """The configuration file at *path*, which may not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> frozenset[str]:
        """The accounts that stand in it.

        Raises:
            CannotAddAccount: it cannot be read.
        """
        return frozenset(_accounts_in(_parsed(self._read())))

    def values(self, account: str) -> dict[str, Any]:
        """What it says of *account* now; empty: it does not stand there.

        Raises:
            CannotAddAccount: it cannot be read.
        """
        accounts = _parsed(self._read()).get(ACCOUNTS, {})
        found = accounts.get(account, {}) if isinstance(accounts, dict) else {}
        return found if isinstance(found, dict) else {}

    def put(self, account: str, values: Values) -> None:
        """Set *values* of *account*, which is made if need be; durable on return.

        Raises:
            CannotAddAccount: it cannot be written, or not without changing something else.
        """
        self._change(account, values)

    def drop(self, account: str) -> None:
        """Take *account* out; durable on return. Raises the same."""
        self._change(account, None)

    def _change(self, account: str, values: Values | None) -> None:
        with _lock:
            old = self._read()
            wanted = _wanted(_parsed(old), account, values)
            try:
                new = _edited(old, account, values)
            except (TOMLKitError, TypeError, AttributeError, KeyError, ValueError):
                new = ""
            if _parsed(new, broken_is_none=True) != wanted:
                raise CannotAddAccount(
                    f"{self.path} is written in a way that cannot be changed safely from here: "
                    f"change [{ACCOUNTS}.{account}] there by hand."
                )
            self._write(old, new)

    def _read(self) -> str:
        try:
            return self.path.read_bytes().decode()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise CannotAddAccount(f"{self.path} cannot be read ({_why(error)}).") from error

    def _write(self, old: str, new: str) -> None:
        try:
            target = self.path.resolve()  # a link to it stays one
            make_folder(target.parent)
            mode = target.stat().st_mode & 0o777 if target.exists() else None
            if self._read() != old:
                raise CannotAddAccount(
                    f"Another program has just changed {self.path}: nothing was changed, try again."
                )
            replace_file(target, new.encode())
            if mode is not None:
                target.chmod(mode)
        except OSError as error:
            raise CannotAddAccount(f"{self.path} cannot be written ({_why(error)}).") from error


def _edited(old: str, account: str, values: Values | None) -> str:
    """The text with the change made."""
    document = tomlkit.parse(old or _HEADER)
    if ACCOUNTS not in document:
        document[ACCOUNTS] = tomlkit.table(is_super_table=True)
    accounts: Any = document[ACCOUNTS]
    if values is None:
        del accounts[account]
        if not accounts:
            del document[ACCOUNTS]
        return tomlkit.dumps(document)
    if account not in accounts:
        accounts[account] = tomlkit.table()
    table = accounts[account]
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        elif key not in table or table[key] != value:
            table[key] = _as_toml(value)
    return tomlkit.dumps(document)


def _as_toml(value: Any) -> Any:
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    if isinstance(value, str) and "\n" in value:
        return tomlkit.string(value, multiline=True)
    return value


def _wanted(before: dict[str, Any], account: str, values: Values | None) -> dict[str, Any]:
    """What the file has to say then."""
    wanted = deepcopy(before)
    accounts = wanted.setdefault(ACCOUNTS, {})
    if values is None:
        accounts.pop(account, None)
        if not accounts:
            del wanted[ACCOUNTS]
        return wanted
    table = accounts.setdefault(account, {})
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return wanted


def _accounts_in(content: dict[str, Any]) -> list[str]:
    accounts = content.get(ACCOUNTS, {})
    return list(accounts) if isinstance(accounts, dict) else []


def _parsed(text: str, *, broken_is_none: bool = False) -> dict[str, Any]:
    """What *text* says.

    Raises:
        CannotAddAccount: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        if broken_is_none:
            return {"": None}  # which no file can say
        raise CannotAddAccount(
            f"The configuration file cannot be understood ({error}): mend it by hand first."
        ) from error


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
