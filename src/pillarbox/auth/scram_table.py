"""Where the accounts file keeps the SCRAM keys of human passwords: made at each change of the
password, and at the next sign-in with the password itself where there are none yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from pillarbox.auth import scram_keys
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.errors import AccountError
from pillarbox.sasl.claims import ScramKeys

_SECRET = "salts"  # noqa: S105 - the name of one

Texts = Mapping[str, str]
"""Keys as :func:`.scram_keys.to_text` writes them, by hash (``sha256``)."""


class ScramTable:
    """The keys in one accounts file. Users are taken normalised."""

    def __init__(self, file: AccountsFile) -> None:
        self._file = file

    def find(self, user: str, hash_name: str) -> ScramKeys | None:
        """The keys of *user* for that hash; None: there are none. One SELECT."""
        rows = self._file.find(
            "SELECT keys FROM scram WHERE user = ? AND hash_name = ?", (user, hash_name)
        )
        return read_keys(hash_name, rows[0][0]) if rows else None

    def salt_for(self, name: str, hash_name: str) -> bytes:
        """The salt that *name* has in this file, whether there is such a user or not."""
        return scram_keys.salt_for(hash_name, name, self._file.secret(_SECRET))

    def made_up(self, name: str, hash_name: str, iterations: int) -> ScramKeys:
        """The keys of nobody's password, for *name*."""
        return scram_keys.make_up(
            hash_name, name, key=self._file.secret(_SECRET), iterations=iterations
        )

    def hashes_of(self, user: str) -> set[str]:
        """The hashes for which there are keys of *user*."""
        return {
            name
            for (name,) in self._file.read("SELECT hash_name FROM scram WHERE user = ?", (user,))
        }


def read_keys(hash_name: str, text: str) -> ScramKeys:
    """Keys as they are kept.

    Raises:
        AccountError: they are damaged.
    """
    try:
        return scram_keys.from_text(hash_name, text)
    except ValueError as error:
        raise AccountError(
            f"keys for SCRAM are damaged ({error}): set the password anew, or make the device again"
        ) from None


def replace_keys(file: sqlite3.Connection, user: str, texts: Texts) -> None:
    """Put *texts* in the place of whatever is there of *user*; within the caller's transaction."""
    file.execute("DELETE FROM scram WHERE user = ?", (user,))
    file.executemany(
        "INSERT INTO scram VALUES (?, ?, ?)", [(user, name, text) for name, text in texts.items()]
    )
