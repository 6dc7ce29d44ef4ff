"""One line of a passwd-file as Dovecot reads it.

::

    user:password:uid:gid:gecos:home:shell:extra fields

Fields may be missing at the end. The user may be ``alice`` or ``alice@example.org``. The
password has its scheme in braces in front (``{SHA512-CRYPT}$6$…``); the extra fields are
separated by spaces. Lines that are empty or begin with ``#`` (or with ``:``) are none. What
decides whose mail it is or who may sign in is obeyed, or the account is kept shut; all else,
of which there is a lot, is for Dovecot itself and is passed over:

``userdb_quota_rule=*:storage=1G``, ``userdb_quota_rule=*:bytes=…``, ``userdb_quota_storage_size=1G``
    the quota; a bare number after ``storage=`` is in KiB
``nologin``
    may not sign in
``allow_nets=``, ``allow_real_nets=``
    may sign in from some addresses only: a source does not see addresses, so not at all
``nopassword``
    any password would do: none does
``user=``, ``userdb_user=``
    is another user in truth: such a line is refused
"""

from __future__ import annotations

from pillarbox.auth.addresses import Domains
from pillarbox.auth.errors import InvalidName
from pillarbox.auth.names import normalise
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.passwords import as_hash, octets

_EXTRA = 7
_SHUT = ("nologin", "allow_nets", "allow_real_nets")
_QUOTA_RULES = ("userdb_quota_rule", "quota_rule")
_QUOTA_SIZES = ("userdb_quota_storage_size", "quota_storage_size")


class FaultyLine(ValueError):
    """The line cannot be used; the text says why, and quotes nothing of it."""


class NotOurs(ValueError):
    """The line is of a user in a domain that is none of ours."""


def is_comment(line: str) -> bool:
    return not line.strip() or line[0] in "#:"


def name_in(line: str, domains: Domains) -> str:
    """The normalised name of the user that *line* is about.

    Raises:
        FaultyLine: nobody can be called so.
        NotOurs: somebody else's.
    """
    user = line.partition(":")[0]
    local, at, domain = user.rpartition("@")
    if at and domain not in domains:
        raise NotOurs
    try:
        return normalise(local if at else user)
    except InvalidName:
        raise FaultyLine("the user cannot be an account's name") from None


def account_in(line: str, name: str, default_scheme: str) -> SourceAccount:
    """The account of *name* that *line* tells of.

    Raises:
        FaultyLine: it cannot be used.
    """
    fields = line.split(":")
    extra = _extra_fields(fields)
    if "user" in extra or "userdb_user" in extra:
        raise FaultyLine("user= makes it another user's: give that one a line")
    try:
        password = as_hash(fields[1] if len(fields) > 1 else "", default_scheme)
        quota = _quota(extra)
    except ValueError as error:
        raise FaultyLine(str(error)) from None
    usable = password is not None and "nopassword" not in extra
    return SourceAccount(
        name,
        hashes=(password,) if usable and password else (),
        disabled=any(field in extra for field in _SHUT),
        quota_octets=quota,
    )


def _extra_fields(fields: list[str]) -> dict[str, str]:
    """What stands after the shell; values may hold colons."""
    pairs = (item.partition("=") for item in ":".join(fields[_EXTRA:]).split())
    return {key: value for key, _, value in pairs}


def _quota(extra: dict[str, str]) -> int:
    """Of the rule for the whole maildrop; 0: there is none."""
    for key in _QUOTA_SIZES:
        if key in extra:
            return octets(extra[key])
    for key in _QUOTA_RULES:
        folder, _, limits = extra.get(key, "").partition(":")
        for limit in limits.split(":") if folder == "*" else ():
            kind, _, size = limit.partition("=")
            if kind == "storage":
                return octets(size, unit="K")
            if kind == "bytes":
                return octets(size)
    return 0
