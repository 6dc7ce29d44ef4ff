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
from pillarbox.sasl.gs2 import ChannelBinding
from pillarbox.sasl.mechanism import (
    ClientFirst,
    Credentials,
    SaslError,
    encode,
    out_of_place,
    password_of,
)
from pillarbox.sasl.prep import saslprep
from pillarbox.sasl.scram_messages import (
    ServerFirst,
    encode_base64,
    read_server_final,
    read_server_first,
)

NONCE_OCTETS = 18
"""144 random bits, 24 characters of base64: what RFC 5802 wants is that none comes twice."""


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
