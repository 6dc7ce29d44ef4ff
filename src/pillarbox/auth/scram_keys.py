"""SCRAM keys (RFC 5802, section 3): made of a password, written down, or made up.

They are written as Dovecot has it, behind ``{SCRAM-SHA-256}``::

    iterations,salt,stored-key,server-key      the last three in base64

Keys of an unknown user are made up by a keyed digest of the name: the same each time and in all
processes that serve the same accounts, and like anybody's, so that nobody learns who is known. The salts of
known users come of the same digest, for ever: a salt that changed one day, with a password or with
the first keys, would tell that there is somebody. No two users have the same, nor two post offices.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from pillarbox.auth.cache import framed
from pillarbox.sasl.claims import ScramKeys

HUMAN_ITERATIONS = 100_000
"""For a password that a person chose. RFC 7677 wants 4,096 and more; OWASP, for hashes that only
the server computes, 600,000. Here the *client* computes them, and many do at each poll: 100,000
take some 50 ms of a desktop and a third of a second of an old phone; six times that would be felt
in a battery. It is also what somebody with a stolen file has to pay for each guess, which is
cheaper than Argon2id: who fears that more than passwords on the wire offers no SCRAM."""

DEVICE_ITERATIONS = 4096
"""For an app password: the least that RFC 5802 and RFC 7677 permit. Iterations make guessing
dear, and nobody guesses one of 2 ** 103."""

MAX_ITERATIONS = 2_000_000
"""Of keys that come from elsewhere: to prove a password against them takes a second or so."""

SALT_OCTETS = 16

MAX_SALT_OCTETS = 64
"""Of keys that come from elsewhere: it is sent to clients."""

HASHES = ("sha1", "sha256")
"""As hashlib has them, and :class:`pillarbox.sasl.claims.ScramClaim`."""

_TEXT = re.compile(
    r"(?P<iterations>[1-9][0-9]{0,9}),(?P<salt>[A-Za-z0-9+/=]+)"
    r",(?P<stored>[A-Za-z0-9+/=]+),(?P<server>[A-Za-z0-9+/=]+)"
)


def make(hash_name: str, secret: bytes, *, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of *secret* (SASLprep's form of a password). Takes as long as *iterations* say."""
    salted = hashlib.pbkdf2_hmac(hash_name, secret, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    stored_key = hashlib.new(hash_name, client_key).digest()
    return ScramKeys(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", hash_name))


def salt_for(hash_name: str, name: str, key: bytes) -> bytes:
    """The salt that *name* has here, whoever that is.

    Args:
        hash_name: of :data:`HASHES`.
        name: normalised, with ``+`` and the device if it is one; or whatever a client says.
        key: the secret of the place where the accounts are.
    """
    return _digest(b"salt", hash_name, name, key, SALT_OCTETS)


def make_up(hash_name: str, name: str, *, key: bytes, iterations: int) -> ScramKeys:
    """The keys of nobody's password, for *name*.

    Args:
        hash_name: of :data:`HASHES`.
        name: as for :func:`salt_for`.
        key: the secret of the place where the accounts are.
        iterations: as those have whom this is to look like.
    """
    octets = hashlib.new(hash_name).digest_size
    return ScramKeys(
        salt_for(hash_name, name, key),
        iterations,
        _digest(b"stored", hash_name, name, key, octets),
        _digest(b"server", hash_name, name, key, octets),
    )


def _digest(what: bytes, hash_name: str, name: str, key: bytes, octets: int) -> bytes:
    text = framed(what, hash_name.encode(), name.encode("utf-8", "surrogatepass"))
    return hashlib.blake2b(text, key=key, digest_size=octets).digest()


def to_text(keys: ScramKeys) -> str:
    """As Dovecot writes them."""
    parts = (keys.salt, keys.stored_key, keys.server_key)
    return ",".join([str(keys.iterations), *(base64.b64encode(part).decode() for part in parts)])


def from_text(hash_name: str, text: str) -> ScramKeys:
    """What :func:`to_text` or Dovecot wrote.

    Raises:
        ValueError: it is malformed, or has more iterations or salt than can be served.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("not iterations, salt, stored key and server key in base64")
    iterations = int(found["iterations"])
    if iterations > MAX_ITERATIONS:
        raise ValueError(f"{iterations} iterations, and {MAX_ITERATIONS} are the most")
    salt, stored, server = (_decoded(found[part]) for part in ("salt", "stored", "server"))
    if len(salt) > MAX_SALT_OCTETS:
        raise ValueError(f"a salt of {len(salt)} octets, and {MAX_SALT_OCTETS} are the most")
    if not len(stored) == len(server) == hashlib.new(hash_name).digest_size:
        raise ValueError(f"its keys are not of {hash_name}")
    return ScramKeys(salt, iterations, stored, server)


def proves(hash_name: str, keys: ScramKeys, secret: bytes) -> bool:
    """Whether *keys* are those of *secret*. Takes as long as their iterations say."""
    made = make(hash_name, secret, salt=keys.salt, iterations=keys.iterations)
    return hmac.compare_digest(made.stored_key, keys.stored_key)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
