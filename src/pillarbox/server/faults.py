"""What each domain error says to a client: the one table.

The errors' own words go to the log (they may name files); the client gets the text and the
response code of this table.
"""

from __future__ import annotations

from pillarbox.contracts.errors import (
    AuthUnavailable,
    BodyDamaged,
    CredentialsRefused,
    LockLost,
    MaildropLocked,
    NoSuchView,
    OpenedTooSoon,
    PillarboxError,
    StoreUnavailable,
    TooManyAttempts,
)
from pillarbox.wire.replies import Code, Reply, err

_FAULTS: dict[type[PillarboxError], tuple[Code, str]] = {
    # RFC 2449, section 8.1.2: only after the credentials have proved right.
    MaildropLocked: (Code.IN_USE, "another session has this maildrop open"),
    OpenedTooSoon: (Code.LOGIN_DELAY, "the last login was too short a time ago"),
    # RFC 3206, section 5. One text for every cause: a stranger learns nothing.
    CredentialsRefused: (Code.AUTH, "user name or password refused"),
    AuthUnavailable: (Code.SYS_TEMP, "sign-in is not possible at the moment"),
    TooManyAttempts: (Code.SYS_TEMP, "sign-in is not possible at the moment"),
    NoSuchView: (Code.SYS_PERM, "this device is not known here any more"),
    LockLost: (Code.SYS_TEMP, "the maildrop was taken over; nothing has been removed"),
    BodyDamaged: (Code.SYS_PERM, "this message cannot be read; the operator has been told"),
}


def fault(error: PillarboxError) -> Reply:
    """The reply to a domain error."""
    if isinstance(error, StoreUnavailable):
        if error.temporary:
            return err("the storage is not available at the moment", Code.SYS_TEMP)
        return err("the storage is damaged; the operator has been told", Code.SYS_PERM)
    code, text = _FAULTS.get(type(error), (Code.SYS_TEMP, "this did not work"))
    return err(text, code)


def needs_operator(error: PillarboxError) -> bool:
    """Whether an error is to be logged as one: somebody has to act."""
    return isinstance(error, BodyDamaged) or (
        isinstance(error, StoreUnavailable) and not error.temporary
    )
