"""Passwords that the wizard is given: kept in the keyring, or in files beside the configuration.

A keyring counts only if it gives back what it was given. A file is readable by its owner alone, and named by
the account's ``password_file``; the password itself never stands in the configuration.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from pillarbox.app.collecting.credentials import SERVICE
from pillarbox.app.collecting.password_file import keep_password
from pillarbox.durable import sync_folder
from pillarbox.fetch.desktop_keyring import kept_by_keyring, usable_keyring
from pillarbox.reader.errors import CannotAddAccount

FOLDER = "pillarbox-passwords"
"""Beside the configuration file."""
COLLECTING, SENDING = "", "smtp"
"""What a password is for."""
_IN_TURN = {COLLECTING: (COLLECTING, "next"), SENDING: (SENDING, "smtp-next")}
"""By two names in turn: a new one does not overwrite that which the configuration names."""

_SLUG = re.compile(r"[^A-Za-z0-9@._-]+")


class KeptSecrets:
    """Those of the accounts of one configuration file."""

    def __init__(self, config: Path) -> None:
        self._folder = config.parent / FOLDER

    def file_of(self, account: str, purpose: str = "") -> Path:
        """Where the password of *account* would lie. The name is for people; a hash keeps apart what looks alike
        (``Work`` and ``work`` are one name on some disks).
        """
        digest = hashlib.sha256(f"{account}\0{purpose}".encode()).hexdigest()[:8]
        slug = _SLUG.sub("_", account).strip(".")[:64]
        return self._folder / f"{slug}{'-' if purpose else ''}{purpose}-{digest}"

    def keep(
        self,
        account: str,
        host: str,
        user: str,
        password: str,
        *,
        purpose: str = COLLECTING,
        beside: Path | None = None,
    ) -> str | None:
        """Keep *password*; what to write as its file in the configuration, None: the keyring has it. *beside*: as of
        :meth:`keep_file`.

        Raises:
            CannotAddAccount: it cannot be kept.
        """
        if not password or "\n" in password or "\r" in password:
            raise CannotAddAccount("A password is one line, and not empty.")
        if kept_by_keyring(f"{SERVICE}:{host}", user, password):
            return None
        return self.keep_file(account, password, purpose=purpose, beside=beside)

    def keep_file(
        self, account: str, password: str, *, purpose: str = COLLECTING, beside: Path | None = None
    ) -> str:
        """Keep *password* in a file, whatever the keyring could do; what to write in the configuration. The file *beside*
        stays as it is: it counts until the configuration names another one. Raises the same.
        """
        if not password or "\n" in password or "\r" in password:
            raise CannotAddAccount("A password is one line, and not empty.")
        path = self.file_of(account, purpose)
        if beside is not None and _is_one(path, beside):
            path = self.file_of(account, _IN_TURN[purpose][1])
        try:
            keep_password(path, password)
        except OSError as error:
            raise CannotAddAccount(
                f"The password cannot be kept in {path} ({error.strerror or error})."
            ) from error
        return f"{FOLDER}/{path.name}"

    def remove_file(self, account: str, purpose: str = "") -> None:
        """See to it that there is none, as far as that can be done."""
        self._remove(self.file_of(account, purpose))

    def remove_kept(self, kept: str) -> None:
        """The same for the file that :meth:`keep` has given."""
        self._remove(self._folder / Path(kept).name)

    def remove_others(self, account: str, kept: str | None, purpose: str = COLLECTING) -> None:
        """The same for what it was collected with, or sent; *kept* is what :meth:`keep` has given, and stays."""
        for each in _IN_TURN[purpose]:
            if kept is None or self.file_of(account, each).name != Path(kept).name:
                self.remove_file(account, each)

    def forget(self, account: str, host: str, user: str) -> None:
        """See to it that nothing is left of *account*'s passwords here, as far as that can be done."""
        for purpose in _IN_TURN:
            self.remove_others(account, None, purpose)
        self.forget_kept(host, user)

    def _remove(self, path: Path) -> None:
        with suppress(OSError):
            if path.exists():
                path.unlink()
                sync_folder(path.parent)

    def forget_kept(self, host: str, user: str) -> None:
        """See to it that the keyring has nothing for *user* at *host*, as far as that can be done."""
        keyring = usable_keyring()
        if keyring is not None:
            with suppress(Exception):  # backends fail with errors of their desktops
                keyring.delete_password(f"{SERVICE}:{host}", user)


def _is_one(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
