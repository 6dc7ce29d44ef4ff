"""The messages of SCRAM: comma-separated attributes in a fixed order (RFC 5802, sections 5.1 and 7).

Read strictly, since everything in them goes into a signature: what two programs could
understand in two ways is refused. Attributes that are not known may follow the known ones and
mean nothing; in front of them ``m=`` says that they must be understood.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from pillarbox.sasl import gs2
from pillarbox.sasl.mechanism import SaslError

MAX_MESSAGE = 2048
"""Octets of a client's message. One with two names of 255 octets, each of which is escaped, and a
nonce of 64, has 1,600. SASLprep of the longest name takes about a millisecond."""
MIN_ITERATIONS = 4096
"""RFC 5802, section 5.1, and RFC 7677, section 4, want servers to use no fewer. A liar who asks
for one gets a proof that passwords can be tried against at full speed."""
MAX_ITERATIONS = 2_000_000
"""About a second of work here. Twice what is recommended to servers in 2023 (1,300,000 with
SHA-1, 600,000 with SHA-256); without a bound a server could stop the client for good."""

_SERVER_FIRST = re.compile(
    rb"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<iterations>[1-9][0-9]{0,9})"
    rb"(?:,[A-Za-z]=[^\0,]+)*"
)
_SERVER_FINAL = re.compile(
    rb"(?:v=(?P<signature>[A-Za-z0-9+/=]+)|e=(?P<error>[^\0,]+))(?:,[A-Za-z]=[^\0,]+)*"
)

# Extensions do not have the letters that RFC 5802, section 5.1, has given away.
_EXTENSIONS = rb"(?:,[A-Zbdf-hj-loqt-uw-z]=[^\0,]+)*"
_CLIENT_FIRST = re.compile(
    rb"n=(?P<name>[^\0,]+),r=(?P<nonce>[!-+\--~]+)" + _EXTENSIONS,
)
_CLIENT_FINAL = re.compile(
    rb"(?P<signed>c=(?P<channel>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)" + _EXTENSIONS + rb")"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)

_ERRORS = {
    "channel-bindings-dont-match": "somebody between here and the server passes the exchange on",
    "server-does-support-channel-binding": "somebody between here and the server has removed "
    "the -PLUS mechanisms from its list",
    "unsupported-channel-binding-type": "it cannot bind the password to this TLS connection",
    "channel-binding-not-supported": "it cannot bind the password to this TLS connection",
    "unknown-user": "the name is unknown",
    "invalid-proof": "the password is wrong",
    "invalid-username-encoding": "it does not understand the name",
    "no-resources": "it has no resources left",
}
"""server-error-value of RFC 5802, section 7, in words."""


class ClientFirstMessage(NamedTuple):
    """Who wants to sign in, and how."""

    header: gs2.Header
    bare: bytes
    """What goes into the signatures: all but the header."""
    name: str
    """Unescaped; not prepared."""
    nonce: str


class ClientFinal(NamedTuple):
    """The client's proof."""

    signed: bytes
    """What goes into the signatures: all but the proof."""
    channel: bytes
    """The header again, and what the client has bound itself to."""
    nonce: str
    proof: bytes


class ServerFirst(NamedTuple):
    """What the server needs the proof to be made with."""

    nonce: str
    """The client's and the server's part."""
    salt: bytes
    iterations: int


class ServerFinal(NamedTuple):
    """The server's proof, or what it says is wrong."""

    signature: bytes
    error: str
    """A clause in words of ours; empty when there is a signature."""


def read_client_first(message: bytes) -> ClientFirstMessage:
    """Understand client-first.

    Raises:
        SaslError: it is malformed, too long, or has an extension that must be understood.
    """
    _refuse_long(message)
    header = gs2.read_header(message)
    bare = message[len(header.octets) :]
    if bare.startswith(b"m="):
        raise SaslError("the message wants an extension of SCRAM that nobody has defined")
    found = _CLIENT_FIRST.fullmatch(bare)
    if found is None:
        raise SaslError("the first SCRAM message is malformed")
    return ClientFirstMessage(
        header, bare, gs2.read_saslname(found["name"]), found["nonce"].decode()
    )


def read_client_final(message: bytes) -> ClientFinal:
    """Understand client-final.

    Raises:
        SaslError: it is malformed or too long.
    """
    _refuse_long(message)
    found = _CLIENT_FINAL.fullmatch(message)
    if found is None:
        raise SaslError("the last SCRAM message is malformed")
    channel, proof = _decode_base64(found["channel"]), _decode_base64(found["proof"])
    return ClientFinal(found["signed"], channel, found["nonce"].decode(), proof)


def _refuse_long(message: bytes) -> None:
    if len(message) > MAX_MESSAGE:
        raise SaslError(f"a SCRAM message has at most {MAX_MESSAGE} octets")


def read_server_first(message: bytes, client_nonce: str) -> ServerFirst:
    """Understand server-first.

    Raises:
        SaslError: it is malformed, has an extension that must be understood, is the answer to
            another exchange, or asks for too little work or too much.
    """
    if message.startswith(b"m="):
        raise SaslError("the server wants an extension of SCRAM that nobody has defined")
    found = _SERVER_FIRST.fullmatch(message)
    if found is None:
        raise SaslError("the server's first SCRAM message is malformed")
    nonce = found["nonce"].decode()
    if not nonce.startswith(client_nonce) or len(nonce) == len(client_nonce):
        raise SaslError("the server answers with a nonce that is not ours with its own behind it")
    iterations = int(found["iterations"])
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise SaslError(
            f"the server wants {iterations} iterations of SCRAM; accepted are "
            f"{MIN_ITERATIONS} to {MAX_ITERATIONS}"
        )
    return ServerFirst(nonce, _decode_base64(found["salt"]), iterations)


def read_server_final(message: bytes) -> ServerFinal:
    """Understand server-final.

    Raises:
        SaslError: it is malformed.
    """
    found = _SERVER_FINAL.fullmatch(message)
    if found is None:
        raise SaslError("the server's last SCRAM message is malformed")
    if found["error"] is None:
        return ServerFinal(_decode_base64(found["signature"]), "")
    error = found["error"].decode("ascii", "replace")
    return ServerFinal(b"", _ERRORS.get(error, "it gives a reason that SCRAM does not have"))


def encode_base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _decode_base64(text: bytes) -> bytes:
    """Strict (RFC 4648, section 3), so that one value has one spelling.

    Raises:
        SaslError: it is not base64.
    """
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SaslError("the SCRAM message has an attribute that is not base64") from None
    if base64.b64encode(octets) != text:
        raise SaslError("the SCRAM message has an attribute that is not strict base64")
    return octets
