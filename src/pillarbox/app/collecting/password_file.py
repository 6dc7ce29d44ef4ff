"""A password in a file of its owner's: the wizard's way where there is no keyring.

As strict as with the files of sign-ins (:mod:`pillarbox.fetch.oauth.token_file`): what others can read is not
used any more.
"""

from __future__ import annotations

from pathlib import Path

from pillarbox.client.errors import InvalidSetting
from pillarbox.durable import replace_file
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.fetch.private_file import NotPrivate, read_private

MAX_OCTETS = 64 * 1024
"""As what a password command may print."""


class PasswordFileUnusable(InvalidSetting):
    """There is no password in the file, or others can read it."""


def password_in(path: Path, whose: str) -> str:
    """The first line of *path*, for the account *whose*.

    Raises:
        PasswordFileUnusable: it cannot be read, others can, or there is nothing in it.
    """
    try:
        content = read_private(path, MAX_OCTETS)
    except FileNotFoundError:
        raise _unusable(path, whose, "is not there: enter the password again") from None
    except NotPrivate as reason:
        hint = (
            f'"chmod 600 {path}" makes it usable, if nobody has read it'
            if reason.is_readable
            else "remove it"
        )
        raise _unusable(path, whose, f"{reason}: {hint}") from None
    line = content.split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        password = line.decode()
    except UnicodeDecodeError:
        raise _unusable(path, whose, "is not UTF-8: enter the password again") from None
    if not password:
        raise _unusable(path, whose, "has no password in its first line: enter it again")
    return password


def keep_password(path: Path, password: str) -> None:
    """Make *password* what *path* has, for its owner's eyes only; durable on return.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(path.parent)
    replace_file(path, f"{password}\n".encode())


def _unusable(path: Path, whose: str, what: str) -> PasswordFileUnusable:
    return PasswordFileUnusable(f"the file {path} with the password of {whose} {what}")
