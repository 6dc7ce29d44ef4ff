"""The way in for who may write to the library's folder: a token that is used once.

An entrance is a file, named by the digest of its token. So a second ``pillarbox read`` can make one for the reader that
runs already, and no token is kept anywhere: neither in a file nor in the memory of the server. Who can make files in
this folder can read the mail in it anyway.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import suppress
from pathlib import Path

LIFETIME = 24 * 3600.0
"""Seconds for which a token that nobody has used is good: the URL may wait in a terminal for its reader."""

_TOKEN_OCTETS = 32  # nobody guesses 256 bits
_LONGEST_TOKEN = 128
"""Characters: more is no token."""


class Entrances:
    """All that are open, in the folder *place*, which is made when it is needed."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def make(self) -> str:
        """A new token.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._place.mkdir(mode=0o700, exist_ok=True)
        token = secrets.token_urlsafe(_TOKEN_OCTETS)
        self._file(token).touch(mode=0o600, exist_ok=False)
        return token

    def use(self, token: str) -> bool:
        """Whether *token* is good: it is not any more when this returns."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return False
        file = self._file(token)
        try:
            made = file.stat().st_mtime
            file.unlink()  # of two who come at once, one finds it
        except OSError:
            return False
        return time.time() - made < LIFETIME

    def close_all(self) -> None:
        """Forget those of readers before."""
        with suppress(OSError):
            for file in self._place.iterdir():
                file.unlink(missing_ok=True)

    def _file(self, token: str) -> Path:
        return self._place / hashlib.sha256(token.encode()).hexdigest()
