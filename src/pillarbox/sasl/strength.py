"""How much each way of signing in withstands: the table by which a client chooses.

The yardstick is somebody who got between client and server in spite of TLS (a certificate
issued by mistake, a stolen key, a check switched off) or because there is none. A mechanism
is the stronger, the less such a person gains. Names that stand in no row are never chosen.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Proof(Enum):
    """What a mechanism proves the identity with."""

    PASSWORD = "a password"  # noqa: S105 -- what a user is told
    TOKEN = "an access token"  # noqa: S105 -- the same
    CERTIFICATE = "a client certificate"


class Row(NamedTuple):
    """A row of the table."""

    name: str
    strength: int
    """Compared only; equal ones can stand for one another."""
    proof: Proof
    plaintext: bool
    """What proves the identity crosses the wire, for whoever hears it to use."""
    client: str
    """Module and class of the client's side; empty: it is no SASL mechanism."""


# fmt: off
# name, strength, proof, plaintext, client
_TABLE = (
    # Nothing that could be passed on or guessed at crosses the wire: the key signed the handshake.
    Row("EXTERNAL",           7, Proof.CERTIFICATE, False, "external:ExternalClient"),
    # Passing the exchange on fails, both sides prove themselves. That counts for more than the
    # hash: HMAC with SHA-1 is not broken, only quicker to guess with.
    Row("SCRAM-SHA-256-PLUS", 6, Proof.PASSWORD,    False, "scram:ScramSha256PlusClient"),
    Row("SCRAM-SHA-1-PLUS",   5, Proof.PASSWORD,    False, "scram:ScramSha1PlusClient"),
    # The exchange could be passed on, once; the password is not learned, guessing is slow.
    Row("SCRAM-SHA-256",      4, Proof.PASSWORD,    False, "scram:ScramSha256Client"),
    Row("SCRAM-SHA-1",        3, Proof.PASSWORD,    False, "scram:ScramSha1Client"),
    # The password is not learned, but guessing is quick, and the server proves nothing.
    Row("CRAM-MD5",           2, Proof.PASSWORD,    False, "digest:CramMd5Client"),
    Row("APOP",               2, Proof.PASSWORD,    False, ""),
    # The token is learned; it opens the mail of one user for an hour.
    Row("OAUTHBEARER",        1, Proof.TOKEN,       True,  "bearer:OAuthBearerClient"),
    Row("XOAUTH2",            1, Proof.TOKEN,       True,  "bearer:XOAuth2Client"),
    # The password is learned, for good and whatever else it opens.
    Row("PLAIN",              0, Proof.PASSWORD,    True,  "plain:PlainClient"),
    Row("LOGIN",              0, Proof.PASSWORD,    True,  "login:LoginClient"),
    Row("USER",               0, Proof.PASSWORD,    True,  ""),
)
# fmt: on

STRENGTHS: dict[str, Row] = {row.name: row for row in _TABLE}
"""The table by name, strongest first, and of equals the better known first. APOP and USER (with
PASS) are no SASL mechanisms, but ways to sign in that may have been used before."""
