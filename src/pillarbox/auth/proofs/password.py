"""A name and a password (PLAIN, LOGIN, USER and PASS): the account's own, or a device's.

An app password is looked for together with the user, by one keyed digest, and only what looks like one:
that takes microseconds. The account's own
password opens nothing under a device's name, nor where only app passwords are to open anything;
both cost what a wrong password costs.
"""

from __future__ import annotations

from math import inf

from pillarbox.auth.account import AccountRecord
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.proofs.human import HumanPassword
from pillarbox.auth.proofs.means import Means, why
from pillarbox.auth.register import Found
from pillarbox.auth.users import User
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import PasswordClaim


class PasswordProof:
    """Implements :class:`.proof.Proof`."""

    def __init__(self, means: Means, claim: PasswordClaim, peer: str) -> None:
        self._means = means
        self._claim = claim
        self._login = means.domains.login(claim.name)
        self._human = HumanPassword(means, claim.password)
        user = None if self._login is None else self._login.user
        self.who = Applicant(peer, user, self._human.secret)
        self.good_until = 0.0
        """Until when (by the monotonic clock) what was recognised holds, as long as no account
        changes; 0: it may not hold any more the next time."""

    async def recognise(self) -> Identity | None:
        """See :class:`.proof.Proof`."""
        found, user = await self._means.asked(self._login, self._claim.password)
        if device := self._by_app_password(found, user):
            return device
        own = self._whose_own(user)
        known = await self._human.is_known(own, self.who)
        if own is None or not known:
            return None
        if isinstance(own, AccountRecord):
            self.good_until = self._means.cache.good_until(*own.subject, self._human.secret)
        return Identity(own.name)

    async def prove(self) -> Identity:
        """See :class:`.proof.Proof`."""
        found, user = await self._means.asked(self._login, self._claim.password)
        if device := self._by_app_password(found, user):
            return device
        own = self._whose_own(user)
        right = await self._human.is_right(own, self.who)
        if own is None or not right:
            raise CredentialsRefused(self._why(user))
        await self._human.must_be_unchanged(own, self.who)
        return Identity(own.name)

    def _by_app_password(self, found: Found, user: User | None) -> Identity | None:
        """The device's view, if it is its app password."""
        if found.device is None or user is None or user.disabled:
            return None
        if self._login is None or self._login.device not in (None, found.device):
            return None
        if found.record is not None:
            self.good_until = inf
        return Identity(user.name, found.device)

    def _whose_own(self, user: User | None) -> User | None:
        """Whose own password may open something here."""
        if user is None or user.disabled or user.app_passwords_only:
            return None
        return user if self._login is not None and self._login.device is None else None

    def _why(self, user: User | None) -> str:
        if user is None or user.disabled:
            return why(user)
        if self._login is not None and self._login.device is not None:
            return "not the app password of such a device"
        return "only app passwords open this account" if user.app_passwords_only else why(user)
