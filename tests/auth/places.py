"""Where the accounts of a test are kept: in a file, or in a database that nodes share.

Tests of accounts run in both, but for those that are about the file (they ask for ``path``).
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TypeVar

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.accounts_file import AccountsFile

T = TypeVar("T")
FILE, DATABASE = "file", "database"
TABLES = ("scram", "device", "app_passwords_only", "account", "secret")

in_a_file = pytest.mark.parametrize("accounts", [FILE], indirect=True)
"""For tests about what only a file can do."""


def at_once(coroutine: Coroutine[None, None, T]) -> T:
    """The result of a coroutine that must not suspend."""
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    result: T = done.value.value
    return result


async def promptly(accounts: Accounts, coroutine: Coroutine[None, None, T]) -> T:
    """The result of a coroutine that must not suspend, but to ask a database."""
    if isinstance(accounts.place, AccountsFile):
        return at_once(coroutine)
    return await coroutine


def places_of(metafunc: pytest.Metafunc) -> list[str]:
    """Where *metafunc* is to run; nowhere in particular, if it says so itself."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "accounts" not in metafunc.fixturenames or any("accounts" in mark.args[0] for mark in marks):
        return []
    return [FILE] if "path" in metafunc.fixturenames else [FILE, DATABASE]
