"""Passwords: which are acceptable, how one is kept, and how one is proved.

A password is kept as an Argon2id verifier (RFC 9106) with its own salt, in the usual
encoded form ``$argon2id$v=19$m=…,t=…,p=…$salt$hash``, so that every verifier knows its own
parameters and new defaults can come without anybody noticing: at the next successful
sign-in the verifier is made anew.

What is hashed is the SASLprep form of the password (RFC 4013; RFC 4616 and RFC 6856 ask for
it) when it has one, so that all keyboards agree; else the octets as the client sent them.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass

import argon2

from pillarbox.auth import scram_keys
from pillarbox.auth.errors import AccountError, InvalidPassword
from pillarbox.sasl.prep import saslprep

MAX_PASSWORD_OCTETS = 200
"""For new passwords. RFC 2449, section 4: a command has at most 255 octets, so ``PASS``
carries 248; 200 leaves room for what proxies and clients add."""

MAX_PREPARED_CHARACTERS = 1024
"""Longer passwords are taken as they are: none that long was ever accepted, and preparing
costs about a microsecond a character on the event loop."""


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """The price of one hash. The defaults are OWASP's for Argon2id, the small-memory row.

    One hash takes 19 MiB and some 20 ms of one core. The larger settings of RFC 9106 (64
    MiB, four lanes) are for a handful of sign-ins; a mail server that restarts must prove
    all its polling clients anew within minutes, on a machine that also serves mail.
    """

    time_cost: int = 2
    """Passes over the memory."""
    memory_kib: int = 19_456
    lanes: int = 1
    """Parallelism within one hash; parallel hashes are the authenticator's business."""
    salt_octets: int = 16
    hash_octets: int = 32


def secret_octets(password: str) -> bytes:
    """The octets that are hashed for *password*, whatever it holds; never raises."""
    prepared = password
    if len(password) <= MAX_PREPARED_CHARACTERS:
        try:
            prepared = saslprep(password, unassigned=True)
        except ValueError:
            prepared = password
    return octets_of(prepared)


def check_new(password: str) -> None:
    """Refuse what could not be typed, sent over POP3 and compared later.

    Raises:
        InvalidPassword: with the reason, never the password.
    """
    try:
        octets = len(password.encode())
    except UnicodeEncodeError:
        raise InvalidPassword("the password is not valid UTF-8") from None
    if any(char in password for char in "\0\r\n"):
        raise InvalidPassword(
            "a password cannot hold NUL or a line end: no POP3 command could carry it"
        )
    if octets > MAX_PASSWORD_OCTETS:
        raise InvalidPassword(
            f"a password has at most {MAX_PASSWORD_OCTETS} octets, since a POP3 command has at "
            f"most 255 (RFC 2449, section 4); this one has {octets}"
        )
    if not secret_octets(password):
        raise InvalidPassword("the password is empty")


class Passwords:
    """Makes and proves verifiers with one set of parameters. Safe to share by threads.

    Args:
        parameters: of Argon2id; the defaults when None.
        scram_hashes: for which of :data:`.scram_keys.HASHES` keys are made of a password.
        scram_iterations: of those keys.
    """

    def __init__(
        self,
        parameters: Argon2Parameters | None = None,
        *,
        scram_hashes: Collection[str] = ("sha256",),
        scram_iterations: int = scram_keys.HUMAN_ITERATIONS,
    ) -> None:
        self.parameters = parameters or Argon2Parameters()
        self.scram_hashes = frozenset(scram_hashes)
        self.scram_iterations = scram_iterations
        self._hasher = argon2.PasswordHasher(
            time_cost=self.parameters.time_cost,
            memory_cost=self.parameters.memory_kib,
            parallelism=self.parameters.lanes,
            hash_len=self.parameters.hash_octets,
            salt_len=self.parameters.salt_octets,
        )
        self.decoy = self.made_up()
        """A verifier of nobody's password, to be proved for users that do not exist."""

    def verifier(self, secret: bytes) -> str:
        """A new verifier of *secret* (of :func:`secret_octets`); takes as long as one hash.

        Raises:
            AccountError: there is no memory for it.
        """
        try:
            return self._hasher.hash(secret)
        except argon2.exceptions.HashingError as error:
            raise AccountError(
                f"the password cannot be hashed ({error}): {self._memory_needed()}"
            ) from error

    def scram_texts(self, secret: bytes, salt_of: Callable[[str], bytes]) -> dict[str, str]:
        """New SCRAM keys of *secret*, as they are kept, by hash; takes as long as the iterations.

        *salt_of* gives the salt for a hash.
        """
        return {
            hash_name: scram_keys.to_text(
                scram_keys.make(
                    hash_name,
                    secret,
                    salt=salt_of(hash_name),
                    iterations=self.scram_iterations,
                )
            )
            for hash_name in sorted(self.scram_hashes)
        }

    def proves(self, verifier: str, secret: bytes) -> bool:
        """Whether *secret* (of :func:`secret_octets`) is what *verifier* was made from.

        Takes as long as one hash with the verifier's parameters; releases the interpreter.

        Raises:
            AccountError: the verifier is damaged, or there is no memory for the hash.
        """
        try:
            return self._hasher.verify(octets_of(verifier), secret)
        except argon2.exceptions.VerifyMismatchError:
            return False
        except argon2.exceptions.InvalidHashError as error:
            raise AccountError(
                "the verifier is damaged: set the password anew with `pillarbox user passwd`"
            ) from error
        except argon2.exceptions.VerificationError as error:
            raise AccountError(
                f"the password cannot be checked ({error}): {self._memory_needed()}, or the "
                "verifier is damaged"
            ) from error

    def outdated(self, verifier: str) -> bool:
        """Whether *verifier* was made with other parameters than these."""
        return self._hasher.check_needs_rehash(verifier)

    def made_up(self) -> str:
        """A well-formed verifier with these parameters; random, so that nothing matches it."""
        price = self.parameters
        salt, digest = (
            base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
            for size in (price.salt_octets, price.hash_octets)
        )
        shape = f"m={price.memory_kib},t={price.time_cost},p={price.lanes}"
        return f"$argon2id$v=19${shape}${salt}${digest}"

    def _memory_needed(self) -> str:
        return f"one hash takes {self.parameters.memory_kib} KiB of memory"


def octets_of(text: str) -> bytes:
    """The octets that a client sent; never raises."""
    try:
        return text.encode("utf-8", "surrogateescape")  # gives back the octets as received
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
