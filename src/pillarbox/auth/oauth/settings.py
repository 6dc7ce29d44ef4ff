"""What tokens are taken: as an operator has configured it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from pillarbox.sasl.surroundings import TokenAdvice

Signature = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
]
ALGORITHMS: tuple[Signature, ...] = get_args(Signature)
"""Signatures that can be taken. All are checked with a public key (RFC 7518, RFC 8037, RFC 9864):
``none`` proves nothing, and HS256 would need a secret that makes tokens as well as checks them."""

JWT_USER_CLAIM = "email"
"""An account's name is an address's local part, and so is an e-mail address of our domains. (``sub``
is mostly a number, and ``preferred_username`` may be anything that a person has chosen, and chooses
anew: "MUST NOT be relied upon to be unique", OpenID Connect Core, section 5.1.)"""
INTROSPECTION_USER_CLAIM = "username"
"""RFC 7662, section 2.2, made it for this."""

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """How tokens are checked.

    Either at *introspection*, if that is given; or by signature, with the keys of *jwks_file*, of
    *jwks_url*, or of where the issuer says.
    """

    issuer: str = ""
    """As tokens name it, letter by letter. May be empty with introspection only."""
    audience: tuple[str, ...] = ()
    """Names of ours; a token is for one of them. May be empty with introspection only."""
    jwks_file: Path | None = None
    jwks_url: str = ""
    introspection: str = ""
    """The URL."""
    client_id: str = ""
    """Who asks there; empty: the secret is a bearer token."""
    client_secret: str = field(default="", repr=False)
    user_claim: str = ""
    """The claim that has the user's name; empty: the usual one of the kind."""
    scopes: tuple[str, ...] = ()
    """A token has all of these."""
    algorithms: tuple[str, ...] = ALGORITHMS

    @property
    def advice(self) -> TokenAdvice:
        """What a client is told whose token was not taken."""
        return TokenAdvice(discovery_url(self.issuer) if self.issuer else "", " ".join(self.scopes))


def discovery_url(issuer: str) -> str:
    """Where *issuer* describes itself (OpenID Connect Discovery, section 4)."""
    return issuer.rstrip("/") + WELL_KNOWN
