"""SCRAM (RFC 5802; with SHA-256: RFC 7677): both sides prove that they know the password.

::

    client   gs2-header n=NAME,r=NONCE          client-first
    server   r=NONCE+ITS,s=SALT,i=COUNT         server-first
    client   c=BINDING,r=NONCE+ITS,p=PROOF      client-final
    server   v=SIGNATURE                        server-final

The password never crosses the wire, not even to the server that one signs in to; the server
keeps only what checks proofs. The -PLUS variants put the TLS connection into the proof (see
:mod:`~pillarbox.sasl.gs2`). POP3 sends no data with its ``+OK`` (RFC 5034, section 4), so
the signature comes as a challenge, which is answered with nothing.

A client is *done* only when the signature is right: a ``+OK`` before that comes from
somebody who does not know the password.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import ClassVar

from pillarbox.sasl import gs2
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.claims import ScramClaim, ScramKeys
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientFirst,
    Credentials,
    ExchangeRefused,
    Finished,
    KeysWanted,
    SaslError,
    ServerMechanism,
    encode,
    malformed,
    out_of_place,
    password_of,
)
from pillarbox.sasl.prep import saslprep
from pillarbox.sasl.scram_messages import (
    ClientFinal,
    ClientFirstMessage,
    ServerFirst,
    encode_base64,
    read_client_final,
    read_client_first,
    read_server_final,
    read_server_first,
)
from pillarbox.sasl.surroundings import Surroundings

NONCE_OCTETS = 18
"""144 random bits, 24 characters of base64: what RFC 5802 wants is that none comes twice."""


class ScramServer(ServerMechanism):
    """The server's side of SCRAM, for any hash, not bound to the channel.

    A wrong proof is not answered with ``e=invalid-proof`` but refused at once, as is an
    unknown user: ``-ERR [AUTH]`` says the same to programs, in one round trip less. What is
    wrong with the *channel* no response code of POP3 can say; there the ``e=`` comes first.
    """

    __slots__ = ("_claim", "_first", "_keys", "_nonce", "_said", "_signed")

    client_first: ClassVar[bool] = True
    plaintext: ClassVar[bool] = False
    hash_name: ClassVar[str]
    """As hashlib calls it."""

    def __init__(self, surroundings: Surroundings, *, nonce: str = "") -> None:
        """Begin an exchange.

        Args:
            surroundings: see there.
            nonce: the server's part, printable ASCII without commas; a random one if empty.
        """
        super().__init__(surroundings)
        self._nonce = nonce or encode_base64(surroundings.random(NONCE_OCTETS))
        self._first: ClientFirstMessage | None = None
        self._keys: ScramKeys | None = None
        self._said = b""
        self._signed = b""
        self._claim: ScramClaim | None = None

    @classmethod
    def possible(cls, surroundings: Surroundings) -> bool:
        return cls.hash_name in surroundings.scram_hashes

    def step(self, response: bytes | None) -> Challenge | KeysWanted | ScramClaim | Finished:
        if self._claim is not None:
            return self._hear_last(response)
        if self._keys is not None:
            return self._hear_final(response or b"", self._keys)
        return Challenge(b"") if response is None else self._hear_first(response)

    def _hear_first(self, message: bytes) -> KeysWanted:
        """Client-first (RFC 5802, section 5.1)."""
        first = read_client_first(message)
        name = _prepared(first.name, "name")
        if not name:
            raise SaslError("SCRAM needs a name")
        who = first.header.authorize_as
        if who and who != first.name and _prepared(who, "name") != name:
            # Acting for somebody else is a right that no account here has.
            raise SaslError("one cannot sign in on behalf of another")
        self._first = first._replace(name=name)
        self._judge_flag(first.header)
        return KeysWanted(name, self.hash_name)

    def _judge_flag(self, header: gs2.Header) -> None:
        """RFC 5802, section 6.

        Raises:
            SaslError: the client binds itself, which is for the mechanisms with -PLUS.
            ExchangeRefused: it would bind itself, and was not told that it can.
        """
        if header.kind:
            raise SaslError(f"channel binding is for {self.name}-PLUS")
        if header.flag == gs2.WOULD_BIND and self._surroundings.plus_offered:
            raise self._mismatch("server-does-support-channel-binding")

    def go_on(self, keys: ScramKeys) -> Challenge:
        """Server-first."""
        assert self._first is not None, "keys were wanted"  # noqa: S101 -- for the type checker
        self._keys = keys
        nonce = self._first.nonce + self._nonce
        self._first = self._first._replace(nonce=nonce)
        self._said = f"r={nonce},s={encode_base64(keys.salt)},i={keys.iterations}".encode()
        return Challenge(self._said)

    def _hear_final(self, message: bytes, keys: ScramKeys) -> ScramClaim:
        """Client-final. The nonce makes it the answer to this exchange and to no other."""
        first = self._first
        assert first is not None, "keys were wanted"  # noqa: S101 -- for the type checker
        final = read_client_final(message)
        if final.nonce != first.nonce:
            raise SaslError("that is the answer to another exchange")
        if not hmac.compare_digest(final.channel, first.header.octets + self._channel(first)):
            raise self._mismatch("channel-bindings-dont-match")
        self._signed = b",".join((first.bare, self._said, final.signed))
        self._claim = ScramClaim(first.name, self.hash_name, keys, self._proves(final, keys))
        return self._claim

    def _channel(self, first: ClientFirstMessage) -> bytes:
        """What the client has to have bound itself to."""
        del first
        return b""

    def _proves(self, final: ClientFinal, keys: ScramKeys) -> bool:
        """Whether the client's key, which the proof gives away to who has the keys, is right."""
        signature = hmac.digest(keys.stored_key, self._signed, self.hash_name)
        if len(final.proof) != len(signature):
            return False
        client_key = _xor(final.proof, signature)
        stored_key = hashlib.new(self.hash_name, client_key).digest()
        return hmac.compare_digest(stored_key, keys.stored_key)

    def accepted(self) -> Challenge:
        """Server-final: the server's own proof.

        Raises:
            ValueError: the client has proved nothing, so nobody should have accepted it.
        """
        if self._claim is None or not self._claim.proved:
            raise ValueError("a sign-in without a proof was accepted")
        signature = hmac.digest(self._claim.keys.server_key, self._signed, self.hash_name)
        return Challenge(b"v=" + encode_base64(signature).encode())

    def _hear_last(self, response: bytes | None) -> Finished:
        if response:
            raise malformed(self.name)
        return Finished()

    def _mismatch(self, error: str) -> ExchangeRefused:
        """For a server-error-value of RFC 5802, section 7, that is about the channel."""
        return ExchangeRefused(
            f"the sign-in and the TLS connection do not go together: {error}",
            reason=error,
            last_word=b"e=" + error.encode(),
            name=self._first.name if self._first else "",
        )


class ScramPlusServer(ScramServer):
    """The server's side of SCRAM, bound to the channel."""

    __slots__ = ()

    @classmethod
    def possible(cls, surroundings: Surroundings) -> bool:
        return super().possible(surroundings) and bool(surroundings.bindings)

    def _judge_flag(self, header: gs2.Header) -> None:
        """RFC 5802, section 6: with -PLUS the client binds itself, or it has not understood.

        Raises:
            SaslError: it does not bind itself.
            ExchangeRefused: by something that this server does not have.
        """
        if not header.kind:
            raise SaslError(f"{self.name} needs channel binding")
        if all(binding.kind != header.kind for binding in self._surroundings.bindings):
            raise self._mismatch("unsupported-channel-binding-type")

    def _channel(self, first: ClientFirstMessage) -> bytes:
        kind = first.header.kind
        return next(each.data for each in self._surroundings.bindings if each.kind == kind)


class ScramSha1Server(ScramServer):
    """RFC 5802."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-1"
    hash_name: ClassVar[str] = "sha1"


class ScramSha1PlusServer(ScramPlusServer):
    """RFC 5802, bound to the channel."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-1-PLUS"
    hash_name: ClassVar[str] = "sha1"


class ScramSha256Server(ScramServer):
    """RFC 7677."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-256"
    hash_name: ClassVar[str] = "sha256"


class ScramSha256PlusServer(ScramPlusServer):
    """RFC 7677, bound to the channel."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-256-PLUS"
    hash_name: ClassVar[str] = "sha256"


class ScramClient(ClientFirst):
    """The client's side of SCRAM, for any hash, bound or not."""

    __slots__ = ("_binding", "_credentials", "_expected", "_nonce", "_unbound_flag")

    plaintext: ClassVar[bool] = False
    hash_name: ClassVar[str]
    """As hashlib calls it."""

    def __init__(
        self,
        credentials: Credentials,
        binding: ChannelBinding | None = None,
        *,
        would_bind: bool = False,
        nonce: str = "",
    ) -> None:
        """Begin an exchange.

        Args:
            credentials: with a password.
            binding: of the TLS connection, for -PLUS; None for the others.
            would_bind: tell the server that the client could bind, too, and saw no -PLUS.
            nonce: printable ASCII without commas; a random one if empty.
        """
        super().__init__()
        self._credentials = credentials
        self._binding = binding
        self._unbound_flag = gs2.WOULD_BIND if would_bind else gs2.NOT_BOUND
        self._nonce = nonce or encode_base64(secrets.token_bytes(NONCE_OCTETS))
        self._expected: bytes | None = None

    def _first(self) -> bytes:
        return self._header() + self._first_bare()

    def _header(self) -> bytes:
        flag = gs2.bound(self._binding) if self._binding else self._unbound_flag
        return gs2.header(flag, self._credentials.authorize_as)

    def _first_bare(self) -> bytes:
        name = gs2.saslname(_prepared(self._credentials.name, "name"))
        return b"n=" + name + b",r=" + self._nonce.encode()

    def _answer(self, challenge: bytes) -> bytes:
        if self.done or self.reason:
            raise out_of_place(self.name)
        if self._expected is None:
            if challenge.startswith(b"e="):  # some servers say at once that the channel is wrong
                self.reason = read_server_final(challenge).error
                return b""
            return self._prove(challenge)
        return self._check(challenge, self._expected)

    def _prove(self, challenge: bytes) -> bytes:
        """Client-final (RFC 5802, section 3)."""
        first = read_server_first(challenge, self._nonce)
        without_proof = self._without_proof(first)
        signed = b",".join((self._first_bare(), challenge, without_proof))
        salted = self._salted_password(first)
        client_key = self._mac(salted, b"Client Key")
        stored_key = hashlib.new(self.hash_name, client_key).digest()
        proof = _xor(client_key, self._mac(stored_key, signed))
        self._expected = self._mac(self._mac(salted, b"Server Key"), signed)
        return without_proof + b",p=" + encode_base64(proof).encode()

    def _without_proof(self, first: ServerFirst) -> bytes:
        data = self._binding.data if self._binding else b""
        channel = encode_base64(self._header() + data)
        return f"c={channel},r={first.nonce}".encode()

    def _salted_password(self, first: ServerFirst) -> bytes:
        password = encode(_prepared(password_of(self._credentials), "password"))
        return hashlib.pbkdf2_hmac(self.hash_name, password, first.salt, first.iterations)

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self.hash_name)

    def _check(self, challenge: bytes, expected: bytes) -> bytes:
        """Server-final: the server's proof, or why it takes ours for wrong."""
        final = read_server_final(challenge)
        if final.error:
            self.reason = final.error
        elif hmac.compare_digest(final.signature, expected):
            self.done = True
        else:
            raise SaslError("the server does not know the password: it is not who it claims to be")
        return b""


class ScramSha1Client(ScramClient):
    """RFC 5802."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-1"
    hash_name: ClassVar[str] = "sha1"


class ScramSha1PlusClient(ScramSha1Client):
    """RFC 5802, bound to the channel."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-1-PLUS"


class ScramSha256Client(ScramClient):
    """RFC 7677."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-256"
    hash_name: ClassVar[str] = "sha256"


class ScramSha256PlusClient(ScramSha256Client):
    """RFC 7677, bound to the channel."""

    __slots__ = ()

    name: ClassVar[str] = "SCRAM-SHA-256-PLUS"


def _prepared(text: str, what: str) -> str:
    """SASLprep (RFC 5802, sections 2.2 and 5.1).

    Code points newer than SASLprep are let through in passwords, too, against the letter of
    the RFC: no server that follows it has such a password, and those that do not would refuse
    a right one.

    Raises:
        SaslError: RFC 4013 prohibits a character.
    """
    try:
        return saslprep(text, unassigned=True)
    except ValueError as error:
        raise SaslError(f"SCRAM cannot carry the {what}: {error}") from None


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
