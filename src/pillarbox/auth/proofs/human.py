"""The account's own password: remembered, or proved by one hash.

Whoever is refused has cost one Argon2 hash, whether there is such a user or not. So has whose hash
is another server's, on top of that hash itself: cheap ones take no less time than nobody's, but
dear ones take more, until the password is used once and a verifier of ours takes its place.
"""

from __future__ import annotations

from typing import NamedTuple

import structlog

from pillarbox.auth import schemes
from pillarbox.auth.account import AccountRecord
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.cache import Memory, ProofCache
from pillarbox.auth.errors import AccountError, InvalidHash
from pillarbox.auth.passwords import secret_octets
from pillarbox.auth.proofs.means import Means
from pillarbox.auth.users import SourceUser, User
from pillarbox.contracts.errors import CredentialsRefused

MOST_HASHES = 8
"""Of one account of a source that are tried; the rest is passed over."""

_log = structlog.get_logger("pillarbox.auth")


class _Wanted(NamedTuple):
    """What an account lacks."""

    verifier: bool
    keys: bool


class HumanPassword:
    """One password that somebody has sent."""

    def __init__(self, means: Means, password: str) -> None:
        self._means = means
        self._passwords = means.accounts.passwords
        self._password = password
        self.secret = secret_octets(password)
        self._proved = False
        """By work of ours, not by the memory of it: there is something to remember."""

    async def is_known(self, user: User | None, who: Applicant) -> bool:
        """Whether it was proved before; a hash only for what was, and too long ago.

        Nobody's memory is looked through for None, so that this takes as long.

        Raises:
            CredentialsRefused: the account was changed during that hash.
        """
        subject = ("", 0, self._passwords.decoy) if user is None else user.subject
        memory = self._cache(user).look(*subject, self.secret)
        if user is None or memory is not Memory.KNOWN:
            return user is not None and memory is Memory.PROOF
        proved = await self.is_right(user, who)
        if proved:
            await self.must_be_unchanged(user, who)
        return proved

    async def is_right(self, user: User | None, who: Applicant) -> bool:
        """One hash, or the memory of one; None: a hash that proves nothing."""
        if user is not None:
            if self._cache(user).look(*user.subject, self.secret) is Memory.PROOF:
                return True
            if _is_ours(user):
                self._proved = await self._hashed(who, user.subject[2])
                return self._proved
            if await self._elsewhere(user, who):
                self._proved = True
                return True
        await self._hashed(who, self._passwords.decoy)
        return False

    async def must_be_unchanged(self, user: User, who: Applicant) -> None:
        """See that what was proved is still true, and remember it if it has just been proved.

        Raises:
            CredentialsRefused: it is not.
        """
        found, hashes = await self._means.accounts.register.who_and_hashes(user.name)
        if user.has_changed(await self._means.users.whoever(user.name, found)):
            raise CredentialsRefused("the account was changed during the sign-in")
        if self._proved:
            await self._remember(user, hashes, who)

    async def _hashed(self, who: Applicant, verifier: str) -> bool:
        return await self._means.hashed(who, self._passwords.proves, verifier, self.secret)

    async def _elsewhere(self, user: User, who: Applicant) -> bool:
        """Held against another server's hashes, or by the source itself."""
        if isinstance(user, SourceUser) and not user.account.hashes:
            return await user.source.proves(user.account, self._password)
        hashes = user.account.hashes if isinstance(user, SourceUser) else (user.verifier,)
        unusable: InvalidHash | None = None
        for stored in hashes[:MOST_HASHES]:
            try:
                if await self._means.hashed(who, schemes.proves, stored, self._password):
                    return True
            except InvalidHash as error:
                unusable = error
        if unusable is not None:
            raise AccountError(f"the password of {user.name} cannot be checked: {unusable}")
        return False

    async def _remember(self, user: User, scram_hashes: set[str], who: Applicant) -> None:
        if isinstance(user, AccountRecord) and (wanted := self._lacks(user, scram_hashes)):
            user = await self._means.hashed(who, self._renewed, user, wanted)
        self._cache(user).remember(*user.subject, self.secret)

    def _lacks(self, record: AccountRecord, scram_hashes: set[str]) -> _Wanted | None:
        """What is to be made anew of the password, now that it is known; None: nothing.

        *scram_hashes*: those for which there are keys.
        """
        verifier = not _is_ours(record) or self._passwords.outdated(record.verifier)
        keys = not _is_ours(record) or not self._passwords.scram_hashes <= scram_hashes
        return _Wanted(verifier, keys) if verifier or keys else None

    def _renewed(self, record: AccountRecord, wanted: _Wanted) -> AccountRecord:
        """The record with a verifier and SCRAM keys of today; as it was when that fails."""
        try:
            verifier = self._passwords.verifier(self.secret) if wanted.verifier else record.verifier
            scram = (
                self._means.accounts.new_scram_texts(record.name, self.secret)
                if wanted.keys
                else None
            )
            return self._means.accounts.renew_verifier(record, verifier, scram) or record
        except AccountError as error:
            _log.warning("verifier not renewed", user=record.name, error=str(error))
            return record

    def _cache(self, user: User | None) -> ProofCache:
        """Where this proof is remembered, and for how long."""
        by_source = isinstance(user, SourceUser) and not user.account.hashes
        return self._means.source_cache if by_source else self._means.cache


def _is_ours(user: User) -> bool:
    """Whether its verifier is of :class:`pillarbox.auth.passwords.Passwords`."""
    return isinstance(user, AccountRecord) and not user.verifier.startswith("{")
