"""The sign-in contract: who is it, and where does a local part's mail go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pillarbox.model import Identity


@dataclass(frozen=True, slots=True)
class Account:
    """What delivery needs to know of an account."""

    user: str
    """Its name, normalised: the name of its maildrop."""
    quota_octets: int = 0
    generation: int = 0
    """Another one whenever the account has been changed, and never that of an account that
    was removed: a name that was given away again is somebody else's."""


class Authenticator(Protocol):
    """Checks credentials. Refusals cost the same time and look the same, whatever the cause.

    What :mod:`.store` says of a coroutine's first step holds here, too.

    *peer* is the client's address (``192.0.2.7``, ``::1``, ``unix``): failures from one
    address make later answers to that address slower, or put them off (AuthUnavailable). No
    account is ever locked: a password that was proved a while ago passes whatever others do.
    Names and passwords may hold anything a client can send (undecodable bytes arrive as
    surrogate escapes); nothing of it is trusted.
    """

    async def check_password(self, name: str, password: str, peer: str) -> Identity:
        """The identity that *name* and *password* open.

        Raises:
            CredentialsRefused: unknown user, wrong password, disabled account.
            AuthUnavailable: cannot be checked now, or too many from this address want to be.
        """

    async def check_apop(self, name: str, timestamp: str, digest: str, peer: str) -> Identity:
        """The same for APOP: *digest* is the MD5 of timestamp and secret, in hexadecimal.

        Raises: as :meth:`check_password`.
        """


class Directory(Protocol):
    """Finds the account that mail is for."""

    async def find(self, address: str) -> Account | None:
        """The account for *address* (``local@domain``); None when there is none.

        Only addresses of the configured domains have accounts; ``user+device@domain`` is
        the user's; letter case does not matter. A disabled account still gets mail.

        Raises:
            AuthUnavailable: the directory cannot be asked now.
        """
