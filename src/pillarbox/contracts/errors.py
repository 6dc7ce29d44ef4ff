"""The domain errors: what can go wrong, in the language of maildrops.

::

    PillarboxError
    ├── StoreError
    │   ├── MaildropLocked        another session has this view of the maildrop
    │   ├── OpenedTooSoon         the minimum interval between two sessions has not passed
    │   ├── NoSuchView            the maildrop has no such view
    │   ├── ViewExists            the maildrop has a view of that name already
    │   ├── MaildropExists        a maildrop is to be moved to where another one is in use
    │   ├── LockLost              the lock was taken away; nothing was removed
    │   ├── BodyDamaged           the index lists a message whose body cannot be read
    │   ├── OverQuota             the maildrop is full
    │   └── StoreUnavailable      the storage fails (``temporary`` or for good)
    └── AuthError
        ├── CredentialsRefused    unknown user, wrong password, disabled account: all alike
        └── AuthUnavailable       the account directory cannot be asked now
            └── TooManyAttempts   so many want to be checked that this one is put off

An error's text (``str(error)``) is for the operator's log, never for the peer.
"""

from __future__ import annotations


class PillarboxError(Exception):
    """Whatever Pillarbox itself raises for a reason its caller can act on."""


class StoreError(PillarboxError):
    """A store could not do what it was asked."""


class MaildropLocked(StoreError):
    """Another session holds the lock of this view of the maildrop."""


class OpenedTooSoon(StoreError):
    """The last session began less than the minimum interval ago (RFC 2449, LOGIN-DELAY)."""


class NoSuchView(StoreError):
    """The maildrop has no view of that name."""


class ViewExists(StoreError):
    """The maildrop has a view of that name already."""


class MaildropExists(StoreError):
    """A maildrop is to be moved into a store that has one of its own for that user."""


class LockLost(StoreError):
    """The session no longer holds its lock (it was unlocked by hand, or its lease expired).

    Whatever was to be committed has not been, not even in part.
    """


class BodyDamaged(StoreError):
    """A message is listed, but its body is missing or not what the index says."""


class OverQuota(StoreError):
    """The message would take the maildrop over its quota."""


class StoreUnavailable(StoreError):
    """The storage underneath fails: disk full, I/O error, damaged index, database away."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary
        """True when trying again later may help; False when an operator has to act."""


class AuthError(PillarboxError):
    """A sign-in did not succeed."""


class CredentialsRefused(AuthError):
    """Unknown user, wrong password or disabled account; the peer must not learn which."""


class AuthUnavailable(AuthError):
    """The credentials could not be checked; they may well be right."""


class TooManyAttempts(AuthUnavailable):
    """Put off without having been checked: too many attempts of this address, or at this
    account, or too many sign-ins in all, come first. Trying again later may help.
    """
