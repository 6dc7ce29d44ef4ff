"""APOP (RFC 1939, section 7) and CRAM-MD5 (RFC 2195): a digest of a password that is kept readable.

A device has none, since its app password is not kept.
"""

from __future__ import annotations

import hashlib
import hmac

from pillarbox.auth.applicant import Applicant
from pillarbox.auth.proofs.means import Means, why
from pillarbox.auth.proofs.proof import CheapProof
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import DigestClaim


class DigestProof(CheapProof):
    """Implements :class:`.proof.Proof`."""

    def __init__(self, means: Means, claim: DigestClaim, peer: str) -> None:
        self._means = means
        self._claim = claim
        self._login = means.domains.login(claim.name)
        self.who = Applicant(peer, None if self._login is None else self._login.user)

    async def prove(self) -> Identity:
        """See :class:`.proof.Proof`."""
        user = await self._means.user(self._login)
        own = self._login is not None and self._login.device is None
        shut = user is None or user.disabled or user.app_passwords_only or not own
        kept = None if user is None or shut else user.apop_secret
        same = self._is_digest_of(self._means.no_secret if kept is None else kept)
        if user is None or kept is None or not same:
            raise CredentialsRefused(
                "wrong password, or none is kept for this mechanism"
                if user is not None and not user.disabled
                else why(user)
            )
        return Identity(user.name)

    def _is_digest_of(self, secret: bytes) -> bool:
        challenge = self._claim.challenge.encode("utf-8", "replace")
        try:
            if self._claim.mechanism == "APOP":
                made = hashlib.md5(challenge + secret, usedforsecurity=False).hexdigest()
            else:
                made = hmac.new(secret, challenge, "md5").hexdigest()
        except ValueError as error:  # a machine that was set up for FIPS
            raise AuthUnavailable(
                f"this machine does not allow MD5, which {self._claim.mechanism} is made of"
            ) from error
        said = self._claim.digest.lower().encode("utf-8", "replace")
        return hmac.compare_digest(made.encode(), said)
