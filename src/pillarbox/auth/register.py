"""What a server asks of the accounts, while somebody signs in or mail comes: one question each time.

An answer holds all that this step needs to know of a user, as of one moment: in a shared database
each question is a round trip. In a file it is a prepared SELECT, or a look into memory, and
nothing here suspends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pillarbox.auth import scram_keys
from pillarbox.auth.account import OWN_COLUMNS, AccountRecord, record_of, rule_of
from pillarbox.auth.app_passwords import digest, letters_of
from pillarbox.auth.kept_secrets import APP_PASSWORDS, SALTS
from pillarbox.auth.place import Place
from pillarbox.auth.scram_table import read_keys
from pillarbox.sasl.claims import ScramKeys


def _question(*more: str) -> str:
    """A SELECT of one row: the account if there is one, the rule, and *more* of the user, whose name
    comes last among its parameters.
    """
    columns = ", ".join((OWN_COLUMNS, rule_of("wanted.name"), *more))
    return (
        f"SELECT {columns} FROM (SELECT CAST(? AS TEXT) AS name) AS wanted "  # noqa: S608 - constants of ours
        "LEFT JOIN account ON account.name = wanted.name"
    )


_WHO = _question()
_WHO_AND_HASHES = _question(
    *(
        f"EXISTS (SELECT 1 FROM scram WHERE \"user\" = wanted.name AND hash_name = '{hash_name}')"  # noqa: S608 - the same
        for hash_name in scram_keys.HASHES
    )
)
_BY_APP_PASSWORD = _question(
    '(SELECT device FROM device WHERE "user" = wanted.name AND digest = ?)'
)
_WITH_DEVICE = _question('(SELECT device FROM device WHERE "user" = wanted.name AND device = ?)')
_WITH_KEYS = _question(
    '(SELECT keys FROM scram WHERE "user" = wanted.name AND hash_name = ?)',
)
_WITH_DEVICE_KEYS = {
    hash_name: _question(
        f'(SELECT scram_{hash_name} FROM device WHERE "user" = wanted.name AND device = ?)'  # noqa: S608 - the same
    )
    for hash_name in scram_keys.HASHES
}
_RECORD = 9
"""Columns of :func:`.record_of`, the rule being the last of them."""


class Found(NamedTuple):
    """What is known of a user."""

    record: AccountRecord | None
    """The account; None: there is none here (another source may have one)."""
    app_passwords_only: bool
    """The rule, which holds for users of any source."""
    device: str | None = None
    """The device that was asked for, if there is one."""


class Register:
    """The questions to one place. Names are taken normalised; the empty one is that of nobody.

    All methods raise AccountsUnavailable.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def version(self) -> bytes | None:
        """See :meth:`.place.Place.version`."""
        return self._place.version()

    async def who(self, name: str) -> Found:
        """The user of that name."""
        return _found(*await self._place.ask(_WHO, (name,)))

    async def who_and_hashes(self, name: str) -> tuple[Found, set[str]]:
        """The same, and for which hashes there are SCRAM keys of the account."""
        (row,) = await self._place.ask(_WHO_AND_HASHES, (name,))
        there = zip(scram_keys.HASHES, row[_RECORD:], strict=True)
        return _found(row[:_RECORD]), {hash_name for hash_name, is_there in there if is_there}

    async def who_by_password(self, name: str, typed: str) -> Found:
        """The same with the device whose app password *typed* is."""
        letters = letters_of(typed)
        if letters is None:
            return await self.who(name)
        key = digest(name, letters, await self._place.ask_secret(APP_PASSWORDS))
        return _found(*await self._place.ask(_BY_APP_PASSWORD, (key, name)))

    async def who_with_device(self, name: str, device: str | None) -> Found:
        """The same with the device of that name."""
        if device is None:
            return await self.who(name)
        return _found(*await self._place.ask(_WITH_DEVICE, (device, name)))

    async def who_with_keys(
        self, name: str, device: str | None, hash_name: str
    ) -> tuple[Found, ScramKeys | None]:
        """The same, and what SCRAM needs of the account, or of a device: if there is that.

        Raises:
            AccountError: the keys are damaged.
        """
        if device is None:
            (row,) = await self._place.ask(_WITH_KEYS, (hash_name, name))
        else:
            (row,) = await self._place.ask(_WITH_DEVICE_KEYS[hash_name], (device, name))
        *there, text = row
        return _found(there), None if text is None else read_keys(hash_name, text)

    async def made_up_keys(self, name: str, hash_name: str, iterations: int) -> ScramKeys:
        """The keys of nobody's password, for *name*."""
        key = await self._place.ask_secret(SALTS)
        return scram_keys.make_up(hash_name, name, key=key, iterations=iterations)

    async def nobody_there(self) -> bool:
        """Whether there is no account at all: one row at most is looked at."""
        return not await self._place.ask("SELECT 1 FROM account LIMIT 1", ())


def find(place: Place, name: str) -> AccountRecord | None:
    """The account with this *normalised* name, or None."""
    try:
        return _found(*place.find(_WHO, (name,))).record
    except UnicodeEncodeError:  # surrogates, which no normalised name holds
        return None


def _found(row: Any) -> Found:
    """What a row says: the columns of an account, whose name is NULL where there is none, and a device."""
    record = None if row[0] is None else record_of(row[:_RECORD])
    return Found(record, bool(row[_RECORD - 1]), *row[_RECORD:])
