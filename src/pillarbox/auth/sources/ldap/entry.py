"""An account, made of a directory's entry.

Beside the quota it is looked at whether the account is locked, in the words of each kind of
directory, and when its password was changed: proofs that are older count no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import structlog

from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.passwords import octets_of

Attributes = Mapping[str, Sequence[bytes]]

_ACCOUNT_DISABLE = 0x2
_LOCKED_FOR_GOOD = b"000001010000Z"


def _disabled_in_active_directory(value: bytes) -> bool:
    try:
        return bool(int(value) & _ACCOUNT_DISABLE)
    except ValueError:
        return False


def _is_true(value: bytes) -> bool:
    return value.strip().lower() == b"true"


_LOCKS: dict[str, Callable[[bytes], bool]] = {
    # attribute: whether its value says that nobody may sign in
    "userAccountControl": _disabled_in_active_directory,  # [MS-ADTS] 2.2.16
    "nsAccountLock": _is_true,  # 389 Directory Server, FreeIPA
    "loginDisabled": _is_true,  # eDirectory
    "pwdAccountLockedTime": lambda value: value == _LOCKED_FOR_GOOD,  # ppolicy's draft, 5.3.3
}
_WHO = ("entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID")
_WHEN = ("pwdChangedTime", "pwdLastSet", "krbLastPwdChange")
"""When the password was set, where a directory says so."""
_LAST_RESORT = "modifyTimestamp"
"""For those that do not: it changes at every change of the entry."""

_log = structlog.get_logger("pillarbox.auth")


def wanted(quota_attribute: str | None) -> list[str]:
    """The attributes to ask for."""
    return [*_LOCKS, *_WHO, *_WHEN, _LAST_RESORT, *([quota_attribute] if quota_attribute else [])]


def account_of(
    user: str, dn: str, attributes: Attributes, quota_attribute: str | None
) -> SourceAccount:
    """The account of *user*, whose entry is *dn*. A quota that cannot be read is told in the log."""
    values = {name.lower(): list(found) for name, found in attributes.items()}
    return SourceAccount(
        user,
        disabled=any(
            says_so(value)
            for name, says_so in _LOCKS.items()
            for value in values.get(name.lower(), ())
        ),
        quota_octets=_quota(user, values, quota_attribute),
        stamp=_stamp(dn, values),
    )


def _quota(user: str, values: Attributes, attribute: str | None) -> int:
    found = values.get(attribute.lower(), ()) if attribute else ()
    try:
        return octets_of(found[0]) if found else 0
    except ValueError as error:
        _log.warning(
            "a value in the directory cannot be used",
            user=user,
            attribute=attribute,
            problem=str(error),
        )
        return 0


def _stamp(dn: str, values: Attributes) -> str:
    digest = hashlib.blake2b(dn.encode("utf-8", "surrogateescape"), digest_size=16)
    when = [name for name in _WHEN if values.get(name.lower())] or [_LAST_RESORT]
    for name in (*_WHO, *when):
        for value in values.get(name.lower(), ()):
            digest.update(b"\0%s=%d:%s" % (name.encode(), len(value), value))
    return digest.hexdigest()
