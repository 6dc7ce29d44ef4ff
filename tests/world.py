"""A small world for tests: accounts in a dictionary, a store whose calls can be made to fail."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from pillarbox.contracts.errors import (
    AuthUnavailable,
    BodyDamaged,
    CredentialsRefused,
    StoreError,
)
from pillarbox.contracts.store import Body, Maildrop
from pillarbox.model import Identity, MessageInfo, Recipient, StoredForm
from pillarbox.sasl.claims import Claim, DigestClaim, PasswordClaim, ScramKeys
from pillarbox.sasl.prep import saslprep
from pillarbox.store.memory import MemoryStore
from pillarbox.wire.canonical import stored_form


def as_stored(content: bytes) -> StoredForm:
    """A message as delivery keeps it: marked as international when its header is not ASCII."""
    lines = b"\n" + content.replace(b"\r\n", b"\n")  # a message may begin with the blank line
    header = lines.partition(b"\n\n")[0]
    return stored_form(content, international=not header.isascii())


class Accounts:
    """Implements ``contracts.auth.Authenticator`` on a dictionary of names and passwords."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = {saslprep(name): saslprep(word) for name, word in passwords.items()}
        self.peers: list[str] = []
        """The address that came with each check."""
        self.error: Exception | None = None
        """Raised by each check, when set."""

    async def check(self, claim: Claim, peer: str) -> Identity:
        self.peers.append(peer)
        if self.error is not None:
            raise self.error
        if not self._proves(claim):
            raise CredentialsRefused("no such user, or not this password")
        return Identity(saslprep(claim.name))

    async def scram_keys(self, name: str, hash_name: str) -> ScramKeys:
        raise AuthUnavailable(f"no keys of {name!a} for {hash_name}")

    def _proves(self, claim: Claim) -> bool:
        match claim:
            case PasswordClaim(name, password):
                try:
                    known = self._passwords.get(saslprep(name, unassigned=True))
                    return known is not None and known == saslprep(password, unassigned=True)
                except ValueError:
                    return False
            case DigestClaim("APOP", name, timestamp, digest):
                secret = timestamp + self._passwords.get(name, "\0")
                return hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest() == digest
        return False


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
