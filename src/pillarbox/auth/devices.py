"""Devices: the app passwords of users, and the rule that a user signs in with nothing else.

A device is known by its user's *name*, whichever source the user comes from; whether there is
such a user is not asked here. What one deletes is the store's business: each device has a view
of its own name there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.auth import scram_keys
from pillarbox.auth.app_passwords import AppPassword, digest, generate
from pillarbox.auth.errors import DeviceExists, NoSuchDevice
from pillarbox.auth.kept_secrets import APP_PASSWORDS
from pillarbox.auth.names import normalise, normalise_device
from pillarbox.auth.place import Change, Place
from pillarbox.auth.scram_table import ScramTable


class DeviceRecord(NamedTuple):
    """One device as it is kept. When it was last there, the store knows."""

    user: str
    """Normalised."""
    device: str
    """The same: the name of its view, too."""
    created_at: int
    """Seconds since 1970, UTC."""


class Devices:
    """The devices in one place. Names are taken in any form, except by :meth:`required`."""

    def __init__(self, place: Place, scram: ScramTable, clock: Callable[[], float]) -> None:
        self._place = place
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
            digest(user, password.letters, self._place.secret(APP_PASSWORDS)),
            *self._scram_texts(f"{user}+{device}", password),
            int(self._clock()),
        )

        def work(change: Change) -> int:
            return change.execute(
                "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?) "
                'ON CONFLICT ("user", device) DO NOTHING',
                *row,
            )

        if not self._place.change(work):
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

        def work(change: Change) -> int:
            return change.execute(
                'DELETE FROM device WHERE "user" = ? AND device = ?', user, device
            )

        if not self._place.change(work):
            raise NoSuchDevice(
                f"{user} has no device {device!r}: `pillarbox device list {user}` shows all"
            )

    def of(self, user: str) -> list[DeviceRecord]:
        """The devices of *user*, sorted by name."""
        rows = self._place.read(
            'SELECT "user", device, created_at FROM device WHERE "user" = ?', (normalise(user),)
        )
        return sorted(DeviceRecord(*row) for row in rows)

    def require(self, user: str, *, required: bool) -> None:
        """Let *user* sign in with nothing but app passwords (and tokens and certificates), or
        with the account's own password again.

        Raises:
            InvalidName, AccountsUnavailable.
        """
        statement = (
            "INSERT INTO app_passwords_only VALUES (?) ON CONFLICT DO NOTHING"
            if required
            else 'DELETE FROM app_passwords_only WHERE "user" = ?'
        )
        user = normalise(user)
        self._place.change(lambda change: change.execute(statement, user))

    def required(self, user: str) -> bool:
        """Whether *user*, normalised, signs in with nothing else."""
        return bool(self._place.read('SELECT 1 FROM app_passwords_only WHERE "user" = ?', (user,)))

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
