"""A refresh token in a file: one for each account, readable by its owner and nobody else.

It is as good as a password. So it is never in a file that others may read, not even for a
moment (:func:`pillarbox.durable.replace_file`); a file
that others could read is not used any more.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from pillarbox.durable import replace_file, sync_folder
from pillarbox.fetch.oauth.errors import TokensUnusable
from pillarbox.fetch.oauth.grants import MAX_TOKEN, is_token
from pillarbox.fetch.private_file import NotPrivate, read_private

FOLDER = "oauth"
"""Of all of them, in the state folder."""

_SLUG = re.compile(r"[^A-Za-z0-9@._-]+")
_SLUG_LENGTH = 64


class TokenFile:
    """The file of one account."""

    __slots__ = ("path",)

    def __init__(self, state: Path, account: str) -> None:
        """The name is for people; a hash in it keeps apart what looks alike."""
        digest = hashlib.sha256(account.encode("utf-8", "surrogateescape")).hexdigest()
        slug = _SLUG.sub("_", account).strip(".")[:_SLUG_LENGTH]
        self.path = state / FOLDER / f"{slug}-{digest[:16]}.token"

    def exists(self) -> bool:
        """Whether there is one, of whatever kind."""
        return os.path.lexists(self.path)

    def load(self) -> str | None:
        """The token; None if there is no file.

        Raises:
            TokensUnusable: the file cannot be read, others can, or it is no token.
        """
        try:
            content = read_private(self.path, MAX_TOKEN + 2)
        except FileNotFoundError:
            return None
        except NotPrivate as reason:
            raise self._unusable(str(reason), self._remedy(reason)) from reason.__cause__
        token = content.decode("utf-8", "replace").removesuffix("\n")
        if not is_token(token):
            raise self._unusable("is damaged", "remove it, and sign in again")
        return token

    def save(self, token: str) -> None:
        """Replace the token; it survives a power cut when this returns.

        Raises:
            TokensUnusable: it cannot be written. The old one is still there.
        """
        folder = self.path.parent
        try:
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(folder.parent)
            replace_file(self.path, f"{token}\n".encode())
        except OSError as error:
            raise self._unusable(f"cannot be written ({error.strerror})") from error

    def remove(self) -> None:
        """See to it that there is none.

        Raises:
            TokensUnusable: it cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
            if self.path.parent.exists():
                sync_folder(self.path.parent)
        except OSError as error:
            raise self._unusable(f"cannot be removed ({error.strerror})") from error

    def _remedy(self, reason: NotPrivate) -> str:
        if reason.is_readable:
            return (
                f'if nobody has, "chmod 600 {self.path}" makes it usable; '
                "otherwise take the access away at the provider, remove it, and sign in again"
            )
        return "" if reason.__cause__ else "remove it, and sign in again"

    def _unusable(self, what: str, hint: str = "") -> TokensUnusable:
        text = f"the file {self.path} with the sign-in of the account {what}"
        return TokensUnusable(f"{text}: {hint}" if hint else text)
