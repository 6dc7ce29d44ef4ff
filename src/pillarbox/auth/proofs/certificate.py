"""A client certificate (EXTERNAL, RFC 4422, appendix A): its names say who the client may be.

A name with a device (``alice+phone@example.org``) stands for the device only; one without for
the account and all its devices.
"""

from __future__ import annotations

from pillarbox.auth.addresses import Login
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.proofs.means import Means
from pillarbox.auth.proofs.proof import CheapProof
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import CertificateClaim

MOST_IDENTITIES = 16
"""Names of one certificate that are looked up; the rest is passed over."""


class CertificateProof(CheapProof):
    """Implements :class:`.proof.Proof`."""

    def __init__(self, means: Means, claim: CertificateClaim, peer: str) -> None:
        self._means = means
        self._claim = claim
        identities = (means.domains.login(one) for one in claim.identities[:MOST_IDENTITIES])
        self._logins = [login for login in identities if login is not None]
        self._claimed = means.domains.login(claim.name) if claim.name else None
        first = self._claimed or next(iter(self._logins), None)
        self.who = Applicant(peer, None if first is None else first.user)

    async def prove(self) -> Identity:
        """See :class:`.proof.Proof`."""
        if self._claim.name:
            if self._claimed is None or not self._stands_for(self._claimed):
                raise CredentialsRefused("the certificate is not that user's")
            return await self._means.opened(self._claimed)
        refusal = CredentialsRefused("the certificate names no user")
        for login in self._logins:
            try:
                return await self._means.opened(login)
            except CredentialsRefused as error:
                refusal = error
        raise refusal

    def _stands_for(self, claimed: Login) -> bool:
        return claimed in self._logins or Login(claimed.user) in self._logins
