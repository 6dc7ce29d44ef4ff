"""The SCRAM keys of human passwords, as they are kept: made at each change of the password, and at the
next sign-in with the password itself where there are none yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from pillarbox.auth import scram_keys
from pillarbox.auth.errors import AccountError
from pillarbox.auth.kept_secrets import SALTS
from pillarbox.auth.place import Change, Place
from pillarbox.sasl.claims import ScramKeys

Texts = Mapping[str, str]
"""Keys as :func:`.scram_keys.to_text` writes them, by hash (``sha256``)."""


class ScramTable:
    """The keys in one place. Users are taken normalised."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def salt_for(self, name: str, hash_name: str) -> bytes:
        """The salt that *name* has in this place, whether there is such a user or not."""
        return scram_keys.salt_for(hash_name, name, self._place.secret(SALTS))

    def hashes_of(self, user: str) -> set[str]:
        """The hashes for which there are keys of *user*."""
        rows = self._place.read('SELECT hash_name FROM scram WHERE "user" = ?', (user,))
        return {name for (name,) in rows}


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


def replace_keys(change: Change, texts: Mapping[str, Texts]) -> None:
    """Put *texts*, by user, in the place of whatever is there of them; within the caller's transaction."""
    change.many('DELETE FROM scram WHERE "user" = ?', [(user,) for user in texts])
    change.many(
        "INSERT INTO scram VALUES (?, ?, ?)",
        [(user, hash_name, text) for user in texts for hash_name, text in texts[user].items()],
    )
