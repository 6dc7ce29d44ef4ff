"""An OAuth 2 access token (OAUTHBEARER, XOAUTH2): whose it is, the checker says.

Asked once for each claim, since the issuer may be far away; what it says is held against the
accounts each time.
"""

from __future__ import annotations

from pillarbox.auth.addresses import Login
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.passwords import octets_of
from pillarbox.auth.proofs.means import Means
from pillarbox.auth.proofs.proof import CheapProof
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import TokenClaim


class TokenProof(CheapProof):
    """Implements :class:`.proof.Proof`."""

    def __init__(self, means: Means, claim: TokenClaim, peer: str) -> None:
        self._means = means
        self._claim = claim
        self._claimed = means.domains.login(claim.name) if claim.name else None
        self._said: Login | CredentialsRefused | None = None
        user = None if self._claimed is None else self._claimed.user
        self.who = Applicant(peer, user, octets_of(claim.token))

    async def prove(self) -> Identity:
        """See :class:`.proof.Proof`."""
        if self._said is None:
            self._said = await self._ask()
        if isinstance(self._said, CredentialsRefused):
            raise CredentialsRefused(str(self._said))
        if not self._claim.name:
            return await self._means.opened(self._said)
        if self._claimed is None or self._claimed.user != self._said.user:
            raise CredentialsRefused("the token is another user's")
        return await self._means.opened(self._claimed)

    async def _ask(self) -> Login | CredentialsRefused:
        checker = self._means.token_checker
        if checker is None:
            return CredentialsRefused("no tokens are taken here")
        try:
            user = self._means.domains.login_name(await checker.user_of(self._claim.token))
        except CredentialsRefused as refusal:
            return refusal
        return Login(user) if user else CredentialsRefused("the token's user can be nobody here")
