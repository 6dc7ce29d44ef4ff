"""Who is it? The local authenticator: our own accounts and those of other sources.

First comes a look, which costs the same for all and microseconds: is it an app password, or a
password that was proved before? A client that polls is through with that, whatever others at its
address do, and without suspending. (A password that was proved more than an hour ago is known,
but has to be proved again: one hash, at once. For everything but a human password the look is the
proof, which is cheap.) Who says what has opened an account before, and nothing has changed since, is
through with less (:mod:`pillarbox.auth.sign_ins`). The throttle rations the looks of an address that guesses:
:mod:`pillarbox.auth.throttle`.

Everything else goes the long way, which is one way for all, so that right, wrong, unknown,
disabled and throttled look alike in bytes and in time:

1. wait for the address's turn and for its delay, and for the account's; whom there is no place
   for is told to come again, after the delay, whatever the password is;
2. read the account; nobody's password stands in for an unknown or a disabled one;
3. compute one Argon2 hash, on a thread of a small pool (:mod:`pillarbox.auth.hash_line`), for
   whoever claims to know a password;
4. read the account again: if it changed meanwhile, what was proved is no longer true;
5. before a refusal, the sources are asked whoever it is, as for an unknown user.

Only where there is no account at all the answer is another one: accounts that are lost are no
reason to ask people for new passwords.

What each kind of claim takes is in :mod:`pillarbox.auth.proofs`. At a successful sign-in a verifier
of another server, or with old parameters, is made anew. (Until then such an account answers in
the time of its old verifier, unlike an unknown one.)

Make one authenticator for each process, after the fork.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.addresses import Domains
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.attempt import Attempt
from pillarbox.auth.cache import ProofCache
from pillarbox.auth.errors import AccountError
from pillarbox.auth.hash_line import HashLine
from pillarbox.auth.proofs.certificate import CertificateProof
from pillarbox.auth.proofs.digest import DigestProof
from pillarbox.auth.proofs.means import Means
from pillarbox.auth.proofs.password import PasswordProof
from pillarbox.auth.proofs.proof import Proof
from pillarbox.auth.proofs.scram import ScramProof, keys_to_begin_with
from pillarbox.auth.proofs.token import TokenProof
from pillarbox.auth.sign_ins import SignIns
from pillarbox.auth.sources.contract import Source
from pillarbox.auth.throttle import Throttle
from pillarbox.auth.users import Users
from pillarbox.contracts.auth import TokenChecker
from pillarbox.contracts.errors import (
    AuthError,
    AuthUnavailable,
    CredentialsRefused,
    TooManyAttempts,
)
from pillarbox.model import Identity
from pillarbox.sasl.claims import (
    CertificateClaim,
    Claim,
    DigestClaim,
    PasswordClaim,
    ScramClaim,
    ScramKeys,
    TokenClaim,
)

PARALLEL_HASHES = 2
"""Hashes computed at once in one process: each needs 19 MiB and a core, and the event loop
needs a core too."""


class LocalAuthenticator:
    """Implements :class:`pillarbox.contracts.auth.Authenticator`.

    Args:
        accounts: our own accounts, which also know everybody's devices.
        domains: ``alice@domain`` signs in as ``alice`` for these domains.
        sources: where else accounts are, in the order in which they are asked.
        token_checker: says whose a token is; None: no tokens are taken.
        throttle: the delays; made with the defaults when None.
        cache: the proofs; made with the defaults when None.
        parallel_hashes: bounds memory and the share of the processor.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        domains: Iterable[str] = (),
        sources: Sequence[Source] = (),
        token_checker: TokenChecker | None = None,
        throttle: Throttle | None = None,
        cache: ProofCache | None = None,
        parallel_hashes: int = PARALLEL_HASHES,
    ) -> None:
        self._accounts = accounts
        self._register = accounts.register
        self._users = Users(accounts, sources)
        self._throttle = Throttle() if throttle is None else throttle
        self._hashes = HashLine(parallel_hashes)
        self._means = Means(
            accounts,
            self._users,
            Domains(domains),
            self._hashes,
            token_checker,
            ProofCache() if cache is None else cache,
        )
        self._sign_ins = SignIns(self._means.cache.clock)

    @property
    def scram_hashes(self) -> frozenset[str]:
        """For which hashes keys are made of passwords; see the contract."""
        return self._accounts.passwords.scram_hashes

    async def check(self, claim: Claim, peer: str) -> Identity:
        """The identity that *claim* opens; see the contract."""
        if isinstance(claim, PasswordClaim):
            version = self._register.version()
            known = self._sign_ins.find(version, claim)
            if known is not None and self._throttle.waves_through(peer, known.user):
                return known
            return await self._check_password(version, claim, peer)
        proof = self._proof(claim, peer)
        identity = await self._sign_in(proof.who, proof.recognise, proof.prove)
        if isinstance(claim, ScramClaim):
            self._throttle.begun_well(proof.who)
        return identity

    async def scram_keys(self, name: str, hash_name: str, peer: str) -> ScramKeys:
        """What SCRAM needs to begin with *name*; see the contract."""
        login = self._means.domains.login(name)
        who = Applicant(peer, None if login is None else login.user)
        if self._users.sources and not self._throttle.may_begin(who):
            raise TooManyAttempts("this address has begun too many sign-ins by SCRAM")
        try:
            return await keys_to_begin_with(self._means, name, hash_name)
        except AccountError as error:
            raise AuthUnavailable(str(error)) from error

    def close(self) -> None:
        """End the threads, after the hashes being computed; call it after the last session."""
        self._hashes.close()

    async def _check_password(
        self, version: bytes | None, claim: PasswordClaim, peer: str
    ) -> Identity:
        """The same of a password that is not remembered, in that *version* of the accounts."""
        proof = PasswordProof(self._means, claim, peer)
        identity = await self._sign_in(proof.who, proof.recognise, proof.prove)
        self._sign_ins.remember(version, claim, identity, proof.good_until)
        return identity

    def _proof(
        self, claim: DigestClaim | ScramClaim | TokenClaim | CertificateClaim, peer: str
    ) -> Proof:
        match claim:
            case DigestClaim():
                return DigestProof(self._means, claim, peer)
            case ScramClaim():
                return ScramProof(self._means, claim, peer)
            case TokenClaim():
                return TokenProof(self._means, claim, peer)
            case CertificateClaim():
                return CertificateProof(self._means, claim, peer)

    async def _sign_in(
        self,
        who: Applicant,
        recognises: Callable[[], Awaitable[Identity | None]],
        proves: Callable[[], Awaitable[Identity]],
    ) -> Identity:
        """The look, and the long way for whom it does not find: see the module's docstring."""
        looked = self._throttle.may_look(who)
        if looked and (identity := await self._look(recognises)):
            self._throttle.found(who)
        else:
            identity = await self._long_way(who, recognises, proves, looked=looked)
        self._throttle.signed_in(who, identity.user)
        return identity

    async def _long_way(
        self,
        who: Applicant,
        recognises: Callable[[], Awaitable[Identity | None]],
        proves: Callable[[], Awaitable[Identity]],
        *,
        looked: bool,
    ) -> Identity:
        """The throttle says when; who was crowded out has the look that was put off, at most."""
        async with self._throttle.attempt(who, looked=looked) as attempt:
            if not attempt.crowded_out:
                return await self._check(who, proves, attempt)
            if attempt.late_look and (identity := await self._look(recognises)):
                return identity
            raise TooManyAttempts(
                "too many attempts of this address or at this account are in line"
            )

    async def _look(self, recognises: Callable[[], Awaitable[Identity | None]]) -> Identity | None:
        """The identity, when that can be said without much work."""
        try:
            return await recognises()
        except AccountError as error:
            raise AuthUnavailable(str(error)) from error

    async def _check(
        self, who: Applicant, proves: Callable[[], Awaitable[Identity]], attempt: Attempt
    ) -> Identity:
        """*attempt* counts as a failure unless it is right."""
        try:
            try:
                identity = await proves()
            except CredentialsRefused as refusal:
                raise await self._answer(who, refusal) from None
            except AccountError as error:
                raise AuthUnavailable(str(error)) from error
        except AuthUnavailable:
            attempt.forgive()
            raise
        attempt.forgive()
        return identity

    async def _answer(self, who: Applicant, refusal: CredentialsRefused) -> AuthError:
        """What a refusal becomes. Where there is no account at all nobody is unknown (see
        ``directory``). That is asked whatever the reason, as it would otherwise take longer for some.
        """
        try:
            await self._users.ask_in_vain(who.user or "")
            empty = await self._users.nobody_there()
        except AccountError as error:
            return AuthUnavailable(str(error))
        return AuthUnavailable(self._accounts.no_account) if empty else refusal
