"""What an account source promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pillarbox.auth.errors import InvalidName
from pillarbox.auth.names import normalise


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """A user as a source knows it."""

    name: str
    """Normalised (:func:`pillarbox.auth.names.normalise`): the name of the maildrop."""
    hashes: tuple[str, ...] = ()
    """Password hashes as Dovecot writes them, with their scheme: ``{BLF-CRYPT}$2y$…``,
    ``{SHA512-CRYPT}…``, ``{ARGON2ID}…``, ``{SCRAM-SHA-256}…``. Empty: only :meth:`Source.proves`
    can tell. Several: any of them will do."""
    disabled: bool = False
    """May not sign in; still gets mail."""
    quota_octets: int = 0
    """0: none of its own."""
    stamp: str = ""
    """Another one whenever anything has changed that a proof rests on, as far as the source can
    tell (the hashes are looked at anyway)."""

    def __repr__(self) -> str:
        return f"<SourceAccount {self.name!a}{', disabled' if self.disabled else ''}>"


class Source(Protocol):
    """One source. Used from one event loop; must not block it."""

    name: str
    """For logs: ``passwd-file``, ``sql``, ``ldap``, ``pam``."""

    async def find(self, user: str) -> SourceAccount | None:
        """The account of the *normalised* name *user*; None: there is none.

        Takes the same way, and about the same time, whoever is asked for.

        Raises:
            AccountsUnavailable: the source cannot be asked now; the text says which and why.
        """

    async def proves(self, account: SourceAccount, password: str) -> bool:
        """Whether *password* is that of *account*; asked only of an account without hashes.

        Raises:
            AccountsUnavailable: as above.
        """

    async def close(self) -> None:
        """Free what was opened."""


NOBODY = "-"
"""Cannot be a normalised name, and is harmless everywhere."""


def askable(user: str) -> tuple[str, bool]:
    """``(what to ask for, whether it can be anybody)``, for a name that may be none.

    A name that is none, which a library may choke on, or a directory may take for another, is
    :data:`NOBODY`'s: it is asked for all the same, to take as long.
    """
    try:
        possible = normalise(user) == user
    except InvalidName:
        possible = False
    return (user, True) if possible else (NOBODY, False)
