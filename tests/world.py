"""A small world for tests: accounts in a dictionary, a store whose calls can be made to fail."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pillarbox.contracts.errors import (
    AuthUnavailable,
    BodyDamaged,
    CredentialsRefused,
    StoreError,
)
from pillarbox.contracts.store import Body, Maildrop
from pillarbox.model import Column, Identity, MessageInfo, Recipient, StoredForm
from pillarbox.sasl.claims import (
    CertificateClaim,
    Claim,
    DigestClaim,
    PasswordClaim,
    ScramClaim,
    ScramKeys,
    TokenClaim,
)
from pillarbox.sasl.prep import saslprep
from pillarbox.store.memory import MemoryStore
from pillarbox.wire.canonical import stored_form


def as_stored(content: bytes) -> StoredForm:
    """A message as delivery keeps it: marked as international when its header is not ASCII."""
    lines = b"\n" + content.replace(b"\r\n", b"\n")  # a message may begin with the blank line
    header = lines.partition(b"\n\n")[0]
    return stored_form(content, international=not header.isascii())


ITERATIONS = 4096


class Accounts:
    """Implements ``contracts.auth.Authenticator`` on a dictionary of names and passwords.

    The token ``token-of-NAME`` is NAME's (:func:`token_of`), and so is a certificate for ``NAME``.
    """

    def __init__(
        self, passwords: Mapping[str, str], *, scram_hashes: Iterable[str] = ("sha1", "sha256")
    ) -> None:
        self._passwords = {saslprep(name): saslprep(word) for name, word in passwords.items()}
        self.scram_hashes = frozenset(scram_hashes)
        self.peers: list[str] = []
        """The address that came with each check."""
        self.error: Exception | None = None
        """Raised by each check, when set."""

    async def check(self, claim: Claim, peer: str) -> Identity:
        self.peers.append(peer)
        if self.error is not None:
            raise self.error
        name = self._proved(claim)
        if name not in self._passwords:
            raise CredentialsRefused("no such user, or not this password")
        return Identity(name)

    async def scram_keys(self, name: str, hash_name: str, peer: str) -> ScramKeys:
        if isinstance(self.error, AuthUnavailable):
            raise self.error
        password = self._passwords.get(name, "made up: nobody can have it \0")
        return scram_keys(password, hash_name, salt=f"the salt of {name}".encode())

    def _proved(self, claim: Claim) -> str | None:
        """Whom the claim proves the client to be."""
        match claim:
            case PasswordClaim(name, password):
                return self._with_password(name, password)
            case DigestClaim(mechanism, name, challenge, digest):
                secret = self._passwords.get(name, "\0")
                return name if _digest(mechanism, secret, challenge) == digest else None
            case ScramClaim(name, proved=proved):
                return name if proved else None
            case TokenClaim(name, token):
                owner = next((each for each in self._passwords if token_of(each) == token), None)
                return owner if name in {"", owner} else None
            case CertificateClaim(name, identities):
                return name or identities[0] if name in {"", *identities} else None

    def _with_password(self, name: str, password: str) -> str | None:
        try:
            user, word = saslprep(name, unassigned=True), saslprep(password, unassigned=True)
        except ValueError:
            return None
        return user if self._passwords.get(user) == word else None


def token_of(name: str) -> str:
    """The access token of *name*: of letters and digits, whatever the name is of."""
    plain = name.isascii() and name.isalnum()
    return f"token-of-{name if plain else name.encode().hex()}"


def _digest(mechanism: str, secret: str, challenge: str) -> str:
    if mechanism == "CRAM-MD5":  # RFC 2195
        return hmac.new(secret.encode(), challenge.encode(), "md5").hexdigest()
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()


def scram_keys(password: str, hash_name: str, salt: bytes = b"salt") -> ScramKeys:
    """Keys as RFC 5802, section 3, has them made."""
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, ITERATIONS)
    client_key = hmac.new(salted, b"Client Key", hash_name).digest()
    server_key = hmac.new(salted, b"Server Key", hash_name).digest()
    stored_key = hashlib.new(hash_name, client_key).digest()
    return ScramKeys(salt, ITERATIONS, stored_key, server_key)


@dataclass
class Faults:
    """What is wrong with a store: the error of each call by name, and the lost bodies."""

    errors: dict[str, StoreError] = field(default_factory=dict)
    """By the name of the call: open, messages, body, commit, deliver."""
    lost: set[int] = field(default_factory=set)
    """Message-numbers whose body is missing."""
    calls: list[str] = field(default_factory=list)
    """The calls that came, in order, releases too."""

    def fail_always(self, error: StoreError) -> None:
        self.errors = dict.fromkeys(("open", "messages", "body", "commit", "deliver"), error)

    def check(self, call: str) -> None:
        self.calls.append(call)
        if call in self.errors:
            raise self.errors[call]


class FaultyStore:
    """A :class:`MemoryStore` that fails as :class:`Faults` says."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.memory = MemoryStore()
        self.faults = faults or Faults()

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> FaultyMaildrop:
        self.faults.check("open")
        maildrop = await self.memory.open(identity, minimum_interval=minimum_interval)
        return FaultyMaildrop(maildrop, self.faults)

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self.faults.check("deliver")
        return await self.memory.deliver(message, recipients)

    async def put(self, user: str, *contents: bytes) -> None:
        """Deliver messages to *user*, in order."""
        for content in contents:
            await self.deliver(as_stored(content), [Recipient(user)])

    async def probe(self) -> None:
        await self.memory.probe()

    async def close(self) -> None:
        await self.memory.close()

    async def locked(self, user: str) -> bool:
        """Whether a session has this maildrop open."""
        return any(view.locked for view in (await self.memory.status(user)).views)


class FaultyMaildrop:
    def __init__(self, maildrop: Maildrop, faults: Faults) -> None:
        self._maildrop = maildrop
        self._faults = faults

    @property
    def count(self) -> int:
        return self._maildrop.count

    @property
    def octets(self) -> int:
        return self._maildrop.octets

    @property
    def listing_key(self) -> Hashable:
        return self._maildrop.listing_key

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        self._faults.check("messages")
        return await self._maildrop.messages(first, last)

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        self._faults.check("messages")
        return await self._maildrop.column(column, first, last)

    async def octets_of(self, numbers: Collection[int]) -> int:
        self._faults.check("messages")
        return await self._maildrop.octets_of(numbers)

    async def body(self, number: int) -> Body:
        self._faults.check("body")
        if number in self._faults.lost:
            raise BodyDamaged(f"the body of message {number} is missing")
        return await self._maildrop.body(number)

    async def commit(self, numbers: Collection[int]) -> None:
        if numbers:
            self._faults.check("commit")
        await self._maildrop.commit(numbers)

    async def release(self) -> None:
        self._faults.calls.append("release")
        await self._maildrop.release()
