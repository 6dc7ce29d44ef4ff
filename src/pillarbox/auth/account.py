"""One account: as it is kept, and as it is to be made."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from pillarbox.auth.errors import InvalidQuota
from pillarbox.auth.names import normalise
from pillarbox.auth.schemes import scram_keys_in, understand
from pillarbox.auth.scram_keys import HASHES, to_text
from pillarbox.auth.scram_table import Texts

MAX_QUOTA_OCTETS = 2**63 - 1
"""What an integer of SQLite can hold, and one of PostgreSQL."""

OWN_COLUMNS = (
    "account.name, verifier, disabled, quota_octets, apop_secret, generation, "
    "account.created_at, changed_at"
)
"""Of the table ``account``, in its order."""


def rule_of(name: str) -> str:
    """The column that says whether the user *name*, itself a column, is to use app passwords only."""
    return f'EXISTS (SELECT 1 FROM app_passwords_only AS rule WHERE rule."user" = {name})'  # noqa: S608 - constants of ours


COLUMNS = f"{OWN_COLUMNS}, {rule_of('account.name')}"
"""Of a SELECT from ``account``, for :func:`record_of`."""


class AccountRecord(NamedTuple):
    """One account as it is kept. Its repr shows no secret."""

    name: str
    """Normalised: as :func:`pillarbox.auth.names.normalise` returns it."""
    verifier: str
    """Of :class:`pillarbox.auth.passwords.Passwords`, or with a scheme in braces in front: a hash
    of another server's (:mod:`pillarbox.auth.schemes`), until the password is used next."""
    disabled: bool
    """May not sign in; still gets mail."""
    quota_octets: int
    """0: none of its own."""
    apop_secret: bytes | None
    """The password itself, readable, since APOP cannot do without; None: no APOP."""
    generation: int
    created_at: int
    """Seconds since 1970, UTC."""
    changed_at: int
    """The same; the last change of anything above."""
    app_passwords_only: bool = False
    """The account's own password opens nothing."""

    @property
    def subject(self) -> tuple[str, int, str]:
        """What a proof is about: whatever changes here makes another account of it."""
        return self.name, self.generation, self.verifier

    def has_changed(self, now: object) -> bool:
        """Whether what was proved of this is true no longer."""
        return not isinstance(now, AccountRecord) or (
            (now.generation, now.disabled, now.app_passwords_only)
            != (self.generation, self.disabled, self.app_passwords_only)
        )

    def __repr__(self) -> str:
        state = ", disabled" if self.disabled else ""
        return f"<AccountRecord {self.name!a}, generation {self.generation}{state}>"


class NewAccount(NamedTuple):
    """An account to be made. Its repr shows no secret."""

    name: str
    """Normalised."""
    verifier: str
    disabled: bool = False
    quota_octets: int = 0
    apop_secret: bytes | None = None
    scram: Texts = MappingProxyType({})

    def __repr__(self) -> str:
        return f"<NewAccount {self.name!a}>"


def record_of(row: Sequence[Any]) -> AccountRecord:
    """What a row with :data:`COLUMNS` says."""
    name, verifier, disabled, quota, apop_secret, generation, created_at, changed_at, only = row
    return AccountRecord(
        name,
        verifier,
        bool(disabled),
        quota,
        apop_secret,
        generation,
        created_at,
        changed_at,
        bool(only),
    )


def account_of_hash(
    name: str, stored: str, *, quota_octets: int = 0, disabled: bool = False
) -> NewAccount:
    """An account whose password only a hash is known of.

    Raises:
        InvalidName, InvalidHash, InvalidQuota.
    """
    wanted = normalise(name)
    check_quota(quota_octets)
    understand(stored)
    scram = {name: keys for name in HASHES if (keys := scram_keys_in(stored, name))}
    return NewAccount(
        wanted,
        stored if stored.startswith("{") else "{CRYPT}" + stored,  # none of ours, at any rate
        disabled,
        quota_octets,
        scram={name: to_text(keys) for name, keys in scram.items()},
    )


def check_quota(quota_octets: int) -> None:
    """Refuse what is none.

    Raises:
        InvalidQuota.
    """
    if not 0 <= quota_octets <= MAX_QUOTA_OCTETS:
        raise InvalidQuota(
            f"a quota is a number of octets from 0 (none) to {MAX_QUOTA_OCTETS}, not {quota_octets}"
        )
