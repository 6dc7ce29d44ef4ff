"""Who is it? The local authenticator: accounts of the accounts file, proved by password.

First comes a look, which costs the same for all and microseconds: is it a password that was
proved before? A client that polls is through with that, whatever others at its address do, and
without suspending. (A password that was proved more than an hour ago is known, but has to be
proved again: one hash, at once. For APOP the look is the proof, which is cheap.) The throttle
rations the looks of an address that guesses: :mod:`pillarbox.auth.throttle`.

Everything else goes the long way, which is one way for all, so that right, wrong, unknown,
disabled and throttled look alike in bytes and in time:

1. wait for the address's turn and for its delay; whom there is no place in line for is told to
   come again, after the delay, whatever the password is;
2. read the account; nobody's password stands in for an unknown or a disabled one;
3. compute one Argon2 hash, on a thread of a small pool;
4. read the account again: if it changed meanwhile, what was proved is no longer true.

Only where there is no account at all the answer is another one: accounts that are lost are no
reason to ask people for new passwords.

At a successful sign-in a verifier made with old parameters is made anew. (Until then such
an account answers in the time of its old parameters, unlike an unknown one.)

Make one authenticator for each process, after the fork.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from pillarbox.auth.accounts import AccountRecord, Accounts
from pillarbox.auth.addresses import Domains
from pillarbox.auth.cache import Memory, ProofCache
from pillarbox.auth.directory import no_account
from pillarbox.auth.errors import AccountError
from pillarbox.auth.passwords import secret_octets
from pillarbox.auth.throttle import Attempt, Throttle, key_of
from pillarbox.contracts.errors import AuthError, AuthUnavailable, CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim, DigestClaim, PasswordClaim, ScramKeys

PARALLEL_HASHES = 2
"""Hashes computed at once in one process: each needs 19 MiB and a core, and the event loop
needs a core too."""

MAX_HASHES_WAITING = 1000
"""Hashes in line; at 20 ms each the last one waits ten seconds. Beyond, "try later" is a
better answer than a client's time-out."""

P = ParamSpec("P")
T = TypeVar("T")
_Proof = Callable[[AccountRecord | None], Awaitable[bool]]

_log = structlog.get_logger("pillarbox.auth")


class LocalAuthenticator:
    """Implements :class:`pillarbox.contracts.auth.Authenticator` on the accounts file.

    Args:
        accounts: where the accounts are.
        domains: ``alice@domain`` signs in as ``alice`` for these domains.
        throttle: the delays; made with the defaults when None.
        cache: the proofs; made with the defaults when None.
        parallel_hashes: bounds memory and the share of the processor.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        domains: Iterable[str] = (),
        throttle: Throttle | None = None,
        cache: ProofCache | None = None,
        parallel_hashes: int = PARALLEL_HASHES,
    ) -> None:
        self._accounts = accounts
        self._passwords = accounts.passwords
        self._domains = Domains(domains)
        self._throttle = Throttle() if throttle is None else throttle
        self._cache = ProofCache() if cache is None else cache
        self._pool = ThreadPoolExecutor(parallel_hashes, thread_name_prefix="argon2")
        self._hashes_waiting = 0
        self._no_secret = secrets.token_bytes(32)

    async def check(self, claim: Claim, peer: str) -> Identity:
        """The identity that *claim* opens; see the contract."""
        match claim:
            case PasswordClaim(name, password):
                return await self.check_password(name, password, peer)
            case DigestClaim("APOP", name, timestamp, digest):
                return await self.check_apop(name, timestamp, digest, peer)
        raise CredentialsRefused("there is nothing to check this claim against")

    async def scram_keys(self, name: str, hash_name: str) -> ScramKeys:
        """What SCRAM needs to begin with *name*; see the contract."""
        del name, hash_name
        raise AuthUnavailable("no keys for SCRAM are kept")

    async def check_password(self, name: str, password: str, peer: str) -> Identity:
        """The identity that *name* and *password* open; see the contract."""
        user = self._domains.login_name(name)
        secret = secret_octets(password)

        async def recognises(record: AccountRecord | None) -> bool:
            return await self._recognises(record, secret)

        async def proves(record: AccountRecord | None) -> bool:
            return await self._proves(record, secret)

        return await self._sign_in(key_of(peer, user), user, recognises, proves)

    async def check_apop(self, name: str, timestamp: str, digest: str, peer: str) -> Identity:
        """The same for APOP (RFC 1939, section 7); see the contract."""
        user = self._domains.login_name(name)

        async def proves(record: AccountRecord | None) -> bool:
            return self._proves_apop(record, timestamp, digest)

        return await self._sign_in(key_of(peer, user), user, proves, proves)

    def close(self) -> None:
        """End the threads, after the hashes being computed; call it after the last session."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _sign_in(
        self, key: str, user: str | None, recognises: _Proof, proves: _Proof
    ) -> Identity:
        """The look, and the long way for whom it does not find: see the module's docstring."""
        looked = self._throttle.may_look(key)
        if looked and (identity := await self._look(user, recognises)):
            self._throttle.found(key)
            return identity
        async with self._throttle.attempt(key, looked=looked) as attempt:
            if not attempt.crowded_out:
                return await self._check(user, proves, attempt)
            if not looked and (identity := await self._look(user, recognises)):
                return identity
            raise AuthUnavailable("too many attempts of this address are in line")

    async def _look(self, user: str | None, recognises: _Proof) -> Identity | None:
        """The identity, when that can be said without much work."""
        record = self._read(user)
        usable = _usable(record)
        recognised = await recognises(usable)
        return Identity(usable.name) if usable is not None and recognised else None

    async def _check(self, user: str | None, proves: _Proof, attempt: Attempt) -> Identity:
        """Read, proof, read; *attempt* counts as a failure unless it is right."""
        try:
            record = self._read(user)
            usable = _usable(record)
            proved = await proves(usable)
            if usable is None or not proved:
                raise self._refusal(record)
            self._must_be_unchanged(usable)
        except AuthUnavailable:
            attempt.forgive()
            raise
        attempt.forgive()
        return Identity(usable.name)

    def _read(self, user: str | None) -> AccountRecord | None:
        """The account as it is now. A name that can be nobody's is looked up all the same."""
        try:
            return self._accounts.find(user or "")
        except AccountError as error:
            raise AuthUnavailable(str(error)) from error

    def _refusal(self, record: AccountRecord | None) -> AuthError:
        """Why not. Where there is no account at all nobody is unknown (see ``directory``).

        That is asked whatever the reason, as it would otherwise take longer for some.
        """
        try:
            empty = self._accounts.is_empty()
        except AccountError as error:
            return AuthUnavailable(str(error))
        return (
            AuthUnavailable(no_account(self._accounts))
            if empty
            else CredentialsRefused(_why(record))
        )

    def _must_be_unchanged(self, record: AccountRecord) -> None:
        now = self._read(record.name)
        if now is None or now.generation != record.generation:
            raise CredentialsRefused("the account was changed during the sign-in")

    async def _recognises(self, record: AccountRecord | None, secret: bytes) -> bool:
        """Whether this was proved before; a hash only for what was, and too long ago.

        Nobody's memory is looked through for None, so that this takes as long.
        """
        subject = ("", 0, self._passwords.decoy) if record is None else _subject(record)
        memory = self._cache.look(*subject, secret)
        if record is None or memory is not Memory.KNOWN:
            return record is not None and memory is Memory.PROOF
        proved = await self._proves(record, secret)
        self._must_be_unchanged(record)
        return proved

    async def _proves(self, record: AccountRecord | None, secret: bytes) -> bool:
        """One hash, or the memory of one; None: a hash that proves nothing."""
        if record is None:
            await self._in_pool(self._passwords.proves, self._passwords.decoy, secret)
            return False
        if self._cache.look(*_subject(record), secret) is Memory.PROOF:
            return True
        if not await self._in_pool(self._passwords.proves, record.verifier, secret):
            return False
        if self._passwords.outdated(record.verifier):
            record = await self._in_pool(self._renewed, record, secret)
        self._cache.remember(*_subject(record), secret)
        return True

    def _renewed(self, record: AccountRecord, secret: bytes) -> AccountRecord:
        """The record with a verifier of today's parameters; as it was when that fails."""
        try:
            verifier = self._passwords.verifier(secret)
            return self._accounts.renew_verifier(record, verifier) or record
        except AccountError as error:
            _log.warning("verifier not renewed", user=record.name, error=str(error))
            return record

    def _proves_apop(self, record: AccountRecord | None, timestamp: str, digest: str) -> bool:
        kept = record.apop_secret if record is not None else None
        secret = self._no_secret if kept is None else kept
        expected = hashlib.md5(
            timestamp.encode("utf-8", "replace") + secret, usedforsecurity=False
        ).hexdigest()
        same = hmac.compare_digest(expected.encode(), digest.lower().encode("utf-8", "replace"))
        return same and kept is not None

    async def _in_pool(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work*, which hashes, on the pool; refuse when the line is too long."""
        if self._hashes_waiting >= MAX_HASHES_WAITING:
            raise AuthUnavailable(f"{MAX_HASHES_WAITING} sign-ins wait for a hash already")
        self._hashes_waiting += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, partial(work, *args, **kwargs))
        except AccountError as error:
            raise AuthUnavailable(str(error)) from error
        finally:
            self._hashes_waiting -= 1


def _usable(record: AccountRecord | None) -> AccountRecord | None:
    """The account, if anybody may sign in to it."""
    return None if record is None or record.disabled else record


def _subject(record: AccountRecord) -> tuple[str, int, str]:
    """What a proof is about: whatever changes here makes another account of it."""
    return record.name, record.generation, record.verifier


def _why(record: AccountRecord | None) -> str:
    """The reason of a refusal, for the operator's log only."""
    if record is None:
        return "unknown user"
    return "the account is disabled" if record.disabled else "wrong password"
