"""The sign-in contract: who is it, and where does a local part's mail go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim, ScramKeys


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
    """Checks what clients claim. Refusals cost the same time and look the same, whatever the cause.

    What :mod:`.store` says of a coroutine's first step holds here, too.

    *peer* is the client's address (``192.0.2.7``, ``::1``, ``unix``): failures from one
    address make later answers to that address slower, those at one account from many addresses
    later answers to strangers there, or put them off (TooManyAttempts). No
    account is ever locked: a password that was proved a while ago passes whatever others do.
    Names and passwords may hold anything a client can send (undecodable bytes arrive as
    surrogate escapes); nothing of it is trusted.

    A name is an account's (``alice``, ``alice@example.org``) or a device's (``alice+phone``,
    ``alice+phone@example.org``). What opens the account opens the view ``default``; the app
    password of a device opens the device's view, under either name.
    """

    @property
    def scram_hashes(self) -> frozenset[str]:
        """The hashes that SCRAM keys are kept for (``sha1``, ``sha256``): SCRAM is offered with
        these alone.
        """

    async def check(self, claim: Claim, peer: str) -> Identity:
        """The identity that *claim* opens.

        Raises:
            CredentialsRefused: unknown user or device, wrong password, disabled account.
            TooManyAttempts: too many from this address, or at this account, want to be checked.
            AuthUnavailable: cannot be checked now.
        """

    async def scram_keys(self, name: str, hash_name: str) -> ScramKeys:
        """What SCRAM needs to begin with *name*, for ``sha1`` or ``sha256``.

        Of a user who is unknown, or of whom no such keys are kept, they are made up, alike
        each time, and look like anybody's: nothing can be learned from them.

        Raises:
            AuthUnavailable: the accounts cannot be asked now.
        """


class TokenChecker(Protocol):
    """Says whose an OAuth 2 access token is."""

    async def user_of(self, token: str) -> str:
        """The user whom *token* was issued to, as the token's issuer names it.

        It has been issued by who we trust, to be used here, and is valid now.

        Raises:
            CredentialsRefused: it is not; the text says why, for the log, without the token.
            AuthUnavailable: the issuer cannot be asked now.
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
