"""SCRAM (RFC 5802, RFC 7677): what an exchange begins with, and whether it counts at its end.

Who must not get in by it (an unknown user, a disabled one, one who is to use app passwords only,
a device that is none) is given keys that are made up: no proof is right for those, and they look
like anybody's. A device's keys have other iterations than an account's, whether it exists or not.

Where there are sources beside our own accounts, the *time* of the first step can tell whether a
name is one of these; nothing that is sent does.
"""

from __future__ import annotations

from pillarbox.auth import schemes, scram_keys
from pillarbox.auth.account import AccountRecord
from pillarbox.auth.addresses import Login
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.proofs.means import Means, why
from pillarbox.auth.proofs.proof import CheapProof
from pillarbox.auth.users import User
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.sasl.claims import ScramClaim, ScramKeys


async def keys_to_begin_with(means: Means, name: str, hash_name: str) -> ScramKeys:
    """The keys of *name*, or made-up ones; as much work for both."""
    login = means.domains.login(name)
    _, kept = await _kept(means, login, hash_name)
    device = login is not None and login.device is not None
    made_up = await means.accounts.register.made_up_keys(
        name if login is None else "+".join(part for part in login if part),
        hash_name,
        scram_keys.DEVICE_ITERATIONS if device else means.accounts.passwords.scram_iterations,
    )
    return made_up if kept is None else kept


class ScramProof(CheapProof):
    """Implements :class:`.proof.Proof`."""

    def __init__(self, means: Means, claim: ScramClaim, peer: str) -> None:
        self._means = means
        self._claim = claim
        self._login = means.domains.login(claim.name)
        self.who = Applicant(peer, None if self._login is None else self._login.user)

    async def prove(self) -> Identity:
        """See :class:`.proof.Proof`."""
        login = self._login
        user, kept = await _kept(self._means, login, self._claim.hash_name)
        if user is None or login is None or kept is None:
            raise CredentialsRefused(_why_not(user))
        if not self._claim.proved:
            raise CredentialsRefused("wrong password")
        if kept != self._claim.keys:
            raise CredentialsRefused("the account was changed during the sign-in")
        return Identity(user.name, login.device or DEFAULT_VIEW)


async def _kept(
    means: Means, login: Login | None, hash_name: str
) -> tuple[User | None, ScramKeys | None]:
    """Who that is, and the keys that open something; None: there are none. One question to our own
    accounts, whoever it is.
    """
    name, device = ("", None) if login is None else login
    found, keys = await means.accounts.register.who_with_keys(name, device, hash_name)
    user = await means.users.whoever(name, found)
    if user is None or user.disabled:
        return user, None
    if device is not None:
        return user, keys
    if user.app_passwords_only:
        return user, None
    if isinstance(user, AccountRecord):
        return user, keys
    there = (schemes.scram_keys_in(stored, hash_name) for stored in user.account.hashes)
    return user, next((one for one in there if one is not None), None)


def _why_not(user: User | None) -> str:
    if user is None or user.disabled:
        return why(user)
    return "no keys for SCRAM: no such device, app passwords only, or none are kept yet"
