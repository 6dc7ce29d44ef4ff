"""What can be wrong with an account, in words for an operator.

::

    PillarboxError
    └── AccountError
        ├── InvalidName           cannot be an account's name, or a device's (also a ValueError)
        ├── InvalidPassword       cannot be a new password (also a ValueError)
        ├── InvalidQuota          cannot be a quota (also a ValueError)
        ├── InvalidHash           a password hash that cannot be used (also a ValueError)
        ├── AccountExists         there is one of that name
        ├── NoSuchAccount         there is none of that name
        ├── DeviceExists          the user has a device of that name
        ├── NoSuchDevice          the user has none of that name
        ├── SecretsDiffer         these accounts cannot be moved there
        └── AccountsUnavailable   the accounts cannot be read or written now

These are for the commands and for the log. What a sign-in may raise is in
:mod:`pillarbox.contracts.errors`. No message ever holds a password.
"""

from __future__ import annotations

from pillarbox.contracts.errors import PillarboxError


class AccountError(PillarboxError):
    """An account could not be read or changed as asked."""


class InvalidName(AccountError, ValueError):
    """This cannot be the name of an account, or of a device."""


class InvalidPassword(AccountError, ValueError):
    """This cannot be a new password."""


class InvalidQuota(AccountError, ValueError):
    """This cannot be a quota."""


class InvalidHash(AccountError, ValueError):
    """This password hash cannot be used; the message says why, and never shows it."""


class AccountExists(AccountError):
    """There already is an account of that name."""


class NoSuchAccount(AccountError):
    """There is no account of that name."""


class DeviceExists(AccountError):
    """The user already has a device of that name."""


class NoSuchDevice(AccountError):
    """The user has no device of that name."""


class SecretsDiffer(AccountError):
    """What is kept in one place was made with other secrets than what is kept in another."""


class AccountsUnavailable(AccountError):
    """The accounts cannot be read or written now; the message names where they are, and the remedy."""
