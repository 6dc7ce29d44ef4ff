"""Where the refresh token of an account is kept: the desktop's keyring, or else a file.

The keyring package is optional, and where it is installed it often works only while somebody
is at the desktop: a job of cron's finds it locked. What the keyring does not take goes to a
file (:mod:`~pillarbox.fetch.oauth.token_file`), and a file, while there is one, is newer than
what the keyring has: the order of :meth:`TokenStore.save` sees to it, whatever crashes.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from pillarbox.fetch.oauth.errors import TokensUnusable
from pillarbox.fetch.oauth.token_file import TokenFile

SERVICE = "pillarbox-oauth2"
"""Under this name, with the account's, the keyring keeps it."""


class TokenStore:
    """The refresh token of one account. Its methods block: call them from a thread."""

    __slots__ = ("_file", "account")

    def __init__(self, account: str, state: Path) -> None:
        """For the account of that name; *state* is the folder of what is known of accounts."""
        self.account = account
        self._file = TokenFile(state, account)

    def load(self) -> str | None:
        """The refresh token; None if there is none.

        Raises:
            TokensUnusable: there may be one, but it cannot be read.
        """
        token = self._file.load()
        keyring = _keyring()
        if token is not None or keyring is None:
            return token
        try:
            kept = keyring.get_password(SERVICE, self.account)
        except Exception as error:  # backends fail with errors of their desktops
            raise TokensUnusable(
                f"the keyring cannot be read ({type(error).__name__}): unlock it, or sign in "
                f"again: pillarbox fetch login {self.account}"
            ) from error
        return kept or None

    def save(self, token: str) -> None:
        """Keep *token* from now on; durable on return.

        Raises:
            TokensUnusable: it cannot be kept. The old one still is.
        """
        if self._file.exists():  # it counts for more: it must not be the older one at any time
            self._file.save(token)
        if self._kept_by_keyring(token):
            self._file.remove()
        else:
            self._file.save(token)

    def _kept_by_keyring(self, token: str) -> bool:
        keyring = _keyring()
        if keyring is None:
            return False
        try:
            keyring.set_password(SERVICE, self.account, token)
            return bool(keyring.get_password(SERVICE, self.account) == token)
        except Exception:  # noqa: BLE001 -- as above; the file takes it
            return False


def _keyring() -> ModuleType | None:
    """The keyring package; None if it is not installed or has no place to keep anything."""
    try:
        import keyring  # noqa: PLC0415 -- an optional extra, and slow to import
    except ImportError:
        return None
    try:
        usable = keyring.get_keyring().priority > 0
    except Exception:  # noqa: BLE001 -- a backend that cannot say how good it is is not
        return None
    return keyring if usable else None
