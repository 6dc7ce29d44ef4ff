"""Digests with MD5: CRAM-MD5 (RFC 2195) and APOP (RFC 1939, section 7).

Both prove that the client knows the password without sending it, and both are of the past:
whoever hears the exchange can guess passwords at full speed, the server proves nothing, and
it has to keep the password as it is. They beat a password in the clear, and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import ClassVar

from pillarbox.sasl.claims import DigestClaim
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientMechanism,
    Credentials,
    SaslError,
    ServerMechanism,
    decode,
    encode,
    malformed,
    out_of_place,
    password_of,
)
from pillarbox.sasl.surroundings import Surroundings

RANDOM_OCTETS = 16
"""Of a challenge of ours: no client can have been made to answer it before."""

_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{32}")

_TIMESTAMP = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>", re.ASCII)
"""RFC 1939: a msg-id of RFC 822, here without its quoted strings. A client that takes
anything else helps an attacker who collides MD5 to find the password (CVE-2007-1558)."""


class CramMd5Server(ServerMechanism):
    """The server's side of CRAM-MD5."""

    __slots__ = ("_challenge",)

    name: ClassVar[str] = "CRAM-MD5"
    client_first: ClassVar[bool] = False
    plaintext: ClassVar[bool] = False

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._challenge = ""

    def step(self, response: bytes | None) -> Challenge | DigestClaim:
        """RFC 2195, section 2: random digits, a timestamp and the host name, as a msg-id."""
        if not self._challenge:
            clock, random, hostname = self._surroundings[:3]
            number = int.from_bytes(random(RANDOM_OCTETS), "big")
            self._challenge = f"<{number}.{int(clock())}@{hostname}>"
            return Challenge(self._challenge.encode())
        name, space, digest = (response or b"").rpartition(b" ")
        if not space or not name or not _HEXADECIMAL.fullmatch(digest):
            raise malformed(self.name)
        return DigestClaim(self.name, decode(name), self._challenge, digest.decode())


class CramMd5Client(ClientMechanism):
    """The client's side of CRAM-MD5."""

    __slots__ = ("_credentials",)

    name: ClassVar[str] = "CRAM-MD5"
    client_first: ClassVar[bool] = False
    plaintext: ClassVar[bool] = False

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def step(self, challenge: bytes | None) -> bytes:
        """RFC 2195, section 2: the name, a space, and the keyed digest in hexadecimal."""
        if self.done:
            raise out_of_place(self.name)
        if not challenge:
            raise SaslError("the server's CRAM-MD5 challenge is empty")
        password = encode(password_of(self._credentials))
        try:
            proof = hmac.digest(password, challenge, "md5")
        except ValueError:
            raise _forbidden(self.name) from None
        self.done = True
        return encode(self._credentials.name) + b" " + proof.hex().encode()


def apop_digest(timestamp: str, password: str) -> str:
    """APOP's second argument, for the greeting's *timestamp* with its angle brackets.

    Raises:
        SaslError: the timestamp is none.
    """
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SaslError("the timestamp in the server's greeting is not fit for APOP")
    try:
        return hashlib.md5(timestamp.encode() + encode(password)).hexdigest()  # noqa: S324 -- as RFC 1939 has it
    except ValueError:
        raise _forbidden("APOP") from None


def _forbidden(name: str) -> SaslError:
    """OpenSSL refuses MD5 where a machine was set up for FIPS."""
    return SaslError(f"this machine does not allow MD5, which {name} is made of")
