"""Where the refresh token of an account is kept: the desktop's keyring, or else a file.

The keyring package is optional, and where it is installed it often works only while somebody
is at the desktop: a job of cron's finds it locked. What the keyring does not take goes to a
file (:mod:`~pillarbox.fetch.oauth.token_file`), and a file, while there is one, is newer than
what the keyring has: the order of :meth:`TokenStore.save` sees to it, whatever crashes.
"""

from __future__ import annotations

from pathlib import Path

from pillarbox.fetch.desktop_keyring import kept_by_keyring, usable_keyring
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
        keyring = usable_keyring()
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
        if kept_by_keyring(SERVICE, self.account, token):
            self._file.remove()
        else:
            self._file.save(token)
