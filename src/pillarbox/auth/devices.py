"""Devices: the app passwords of users, and the rule that a user signs in with nothing else.

A device is known by its user's *name*, whichever source the user comes from; whether there is
such a user is not asked here. What one deletes is the store's business: each device has a view
of its own name there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.auth import scram_keys
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.app_passwords import AppPassword, digest, generate, letters_of
from pillarbox.auth.errors import DeviceExists, NoSuchDevice
from pillarbox.auth.names import normalise, normalise_device
from pillarbox.auth.scram_table import ScramTable, read_keys
from pillarbox.sasl.claims import ScramKeys

_SECRET = "app-passwords"  # noqa: S105 - the name of one
_SCRAM_COLUMNS = {
    "sha1": "SELECT scram_sha1 FROM device WHERE user = ? AND device = ?",
    "sha256": "SELECT scram_sha256 FROM device WHERE user = ? AND device = ?",
}


class DeviceRecord(NamedTuple):
    """One device as it is in the file. When it was last there, the store knows."""

    user: str
    """Normalised."""
    device: str
    """The same: the name of its view, too."""
    created_at: int
    """Seconds since 1970, UTC."""


class Devices:
    """The devices of one accounts file. What changes something, or lists, takes names in any form;
    what a sign-in asks takes them normalised.
    """

    def __init__(self, file: AccountsFile, scram: ScramTable, clock: Callable[[], float]) -> None:
        self._file = file
        self._scram = scram
        self._clock = clock

    def add(self, user: str, device: str) -> AppPassword:
        """Give *user* another device.

        Raises:
            DeviceExists, InvalidName, AccountsUnavailable.
        """
        user, device = normalise(user), normalise_device(device)
        password = generate()
        row = (
            user,
            device,
            self.key_of(user, password.printed),
            *self._scram_texts(f"{user}+{device}", password),
        )
        with self._file.change() as file:
            made = file.execute(
                "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user, device) DO NOTHING",
                (*row, int(self._clock())),
            ).rowcount
        if not made:
            raise DeviceExists(
                f"{user} already has a device {device!r}: `pillarbox device list {user}` shows all"
            )
        return password

    def remove(self, user: str, device: str) -> None:
        """Take a device away: its app password opens nothing any more.

        Raises:
            NoSuchDevice, InvalidName, AccountsUnavailable.
        """
        user, device = normalise(user), normalise_device(device)
        with self._file.change() as file:
            gone = file.execute(
                "DELETE FROM device WHERE user = ? AND device = ?", (user, device)
            ).rowcount
        if not gone:
            raise NoSuchDevice(
                f"{user} has no device {device!r}: `pillarbox device list {user}` shows all"
            )

    def of(self, user: str) -> list[DeviceRecord]:
        """The devices of *user*, sorted by name."""
        rows = self._file.read(
            "SELECT user, device, created_at FROM device WHERE user = ? ORDER BY device",
            (normalise(user),),
        )
        return [DeviceRecord(*row) for row in rows]

    def key_of(self, user: str, typed: str) -> bytes | None:
        """Under what *typed* is kept as an app password of *user*; None: it can be none."""
        letters = letters_of(typed)
        return None if letters is None else digest(user, letters, self._file.secret(_SECRET))

    def exists(self, user: str, device: str) -> bool:
        """Whether *user* has it; both normalised."""
        return bool(
            self._file.find("SELECT 1 FROM device WHERE user = ? AND device = ?", (user, device))
        )

    def require(self, user: str, *, required: bool) -> None:
        """Let *user* sign in with nothing but app passwords (and tokens and certificates), or
        with the account's own password again.

        Raises:
            InvalidName, AccountsUnavailable.
        """
        statement = (
            "INSERT INTO app_passwords_only VALUES (?) ON CONFLICT DO NOTHING"
            if required
            else "DELETE FROM app_passwords_only WHERE user = ?"
        )
        with self._file.change() as file:
            file.execute(statement, (normalise(user),))

    def required(self, user: str) -> bool:
        """Whether *user*, normalised, signs in with nothing else."""
        return bool(self._file.find("SELECT 1 FROM app_passwords_only WHERE user = ?", (user,)))

    def scram_keys(self, user: str, device: str, hash_name: str) -> ScramKeys | None:
        """What SCRAM needs of a device; both names normalised. None: there is no such device."""
        rows = self._file.find(_SCRAM_COLUMNS[hash_name], (user, device))
        return read_keys(hash_name, rows[0][0]) if rows and rows[0][0] else None

    def _scram_texts(self, name: str, password: AppPassword) -> list[str]:
        """Its keys, for both hashes: at their few iterations they cost next to nothing."""
        return [
            scram_keys.to_text(
                scram_keys.make(
                    hash_name,
                    password.printed.encode(),
                    salt=self._scram.salt_for(name, hash_name),
                    iterations=scram_keys.DEVICE_ITERATIONS,
                )
            )
            for hash_name in scram_keys.HASHES
        ]
