"""What a client claims, once a mechanism has heard enough. The shell has it checked.

A claim is complete: nothing but the accounts is needed to tell whether it is true. None holds
more than one client's word, and the repr of none shows a secret.
"""

from __future__ import annotations

from typing import NamedTuple


class PasswordClaim(NamedTuple):
    """The client is who it says if this password is right (PLAIN, LOGIN, USER and PASS)."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"PasswordClaim({self.name!r})"


class DigestClaim(NamedTuple):
    """The same for APOP (RFC 1939, section 7) and CRAM-MD5 (RFC 2195), which need the password
    to be kept readable.
    """

    mechanism: str
    """``APOP`` or ``CRAM-MD5``."""
    name: str
    challenge: str
    """What the server has said: APOP's timestamp or CRAM-MD5's challenge, with the brackets."""
    digest: str
    """In hexadecimal, as the client wrote it."""

    def __repr__(self) -> str:
        return f"DigestClaim({self.mechanism}, {self.name!r})"


class ScramKeys(NamedTuple):
    """What a server keeps of a password for SCRAM (RFC 5802, section 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return f"ScramKeys(iterations={self.iterations})"


class ScramClaim(NamedTuple):
    """A SCRAM exchange that has come to the client's proof."""

    name: str
    hash_name: str
    """``sha1`` or ``sha256``, as hashlib has it."""
    keys: ScramKeys
    """Those that the exchange was begun with: they must still be the account's."""
    proved: bool
    """The client's proof is right for these keys. (They may be made up, of an unknown user.)"""


class TokenClaim(NamedTuple):
    """The bearer of this OAuth 2 access token is the user (OAUTHBEARER, XOAUTH2)."""

    name: str
    """Whom the client wants to be; empty: whoever the token says."""
    token: str

    def __repr__(self) -> str:
        return f"TokenClaim({self.name!r})"


class CertificateClaim(NamedTuple):
    """The client's certificate, which the handshake has verified, says who it is (EXTERNAL)."""

    name: str
    """Whom the client wants to be; empty: whoever the certificate says."""
    identities: tuple[str, ...]
    """The certificate's names that stand for users, the first preferred."""


Claim = PasswordClaim | DigestClaim | ScramClaim | TokenClaim | CertificateClaim
