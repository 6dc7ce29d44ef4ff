"""Password hashes of other servers: ``{SCHEME}hash``, as Dovecot writes them.

One table says for each scheme how a password is proved against it, by a library: libpass,
argon2-cffi, hashlib. Also known without a scheme are hashes of crypt(3) that say themselves
what they are: ``$2y$…``, ``$6$…``, ``$argon2id$…``.

A hash from elsewhere says what it costs to check it, and could say anything. So each cost has a
bound, a second or so of one core, which is looked at before anything is computed.

Not to be had: ``CRAM-MD5``, ``DIGEST-MD5``, ``OTP``, ``PLAIN-MD4`` and the like, against which a
password cannot be proved with a library, and yescrypt (``$y$``), which libpass does not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import argon2
from passlib.registry import get_crypt_handler

from pillarbox.auth import scram_keys
from pillarbox.auth.errors import InvalidHash
from pillarbox.auth.passwords import octets_of, secret_octets
from pillarbox.sasl.claims import ScramKeys

MAX_HASH_CHARACTERS = 1024
"""Of one hash with its scheme; the longest real ones have some 250."""

MAX_BCRYPT_COST = 14
"""2 ** 14 rounds take a second. ``doveadm pw`` makes 5, others 10 or 12; 31 would take days."""
MAX_CRYPT_ROUNDS = 1_000_000
"""Of SHA-256 and SHA-512: a second or two. crypt(3) makes 5,000, passlib used to make 656,000."""
MAX_PBKDF2_ROUNDS = 2_000_000
"""A second. Dovecot makes 5,000."""
MAX_ARGON2_KIB = 256 * 1024
"""Two hashes are computed at once in each process. Dovecot makes 64 MiB."""
MAX_ARGON2_KIB_PASSES = 1024 * 1024
"""Memory times passes: a second."""
MAX_ARGON2_LANES = 16

MAX_SECRET_OCTETS = 4096
"""Longer input is nobody's password (libpass takes no more)."""

BCRYPT_OCTETS = 72
"""Of a password that bcrypt looks at; the library wants us to cut the rest off."""

_SCHEME = re.compile(r"\{([A-Za-z0-9-]+)(?:\.([A-Za-z0-9]+))?\}")
_PBKDF2 = re.compile(r"\$1\$([^$]{1,64})\$([1-9][0-9]{0,9})\$([0-9a-fA-F]{40})")
_ARGON2 = re.compile(
    r"\$argon2(?:i|id)\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})\$[^$]+\$[^$]+"
)
_CRYPT_SAYS = (  # how a hash of crypt(3) begins: its scheme
    ("$1$", "MD5-CRYPT"),
    ("$2a$", "BLF-CRYPT"),
    ("$2b$", "BLF-CRYPT"),
    ("$2y$", "BLF-CRYPT"),
    ("$5$", "SHA256-CRYPT"),
    ("$6$", "SHA512-CRYPT"),
    ("$argon2i$", "ARGON2I"),
    ("$argon2id$", "ARGON2ID"),
)

_Prover = Callable[[bytes], bool]


class Hash(NamedTuple):
    """One password hash, understood: whole, of a scheme that is known, at a bearable price."""

    scheme: str
    """Its name in the table, in capitals."""
    proves: _Prover
    """Whether these octets are the password; computes."""

    def __repr__(self) -> str:
        return f"<Hash {self.scheme}>"


def understand(stored: str) -> Hash:
    """The hash that *stored* is. Computes nothing.

    Raises:
        InvalidHash: it is none, or cannot be used here; the text says why, and shows nothing
            of it but its scheme.
    """
    if len(stored) > MAX_HASH_CHARACTERS:
        raise InvalidHash(f"a password hash has at most {MAX_HASH_CHARACTERS} characters")
    found = _SCHEME.match(stored)
    scheme, encoding = (found[1].upper(), (found[2] or "").upper()) if found else ("CRYPT", "")
    body = stored[found.end() :] if found else stored
    if not found and not stored.startswith("$"):
        raise InvalidHash(
            "a password hash begins with its scheme in braces, as {SHA512-CRYPT}, or says itself "
            "what it is, as $6$… does"
        )
    make = _TABLE.get(scheme)
    if make is None:
        raise InvalidHash(
            f"password hashes of the scheme {scheme} cannot be used: set a password instead"
        )
    try:
        return make(scheme, body, encoding)
    except InvalidHash:
        raise
    except (ValueError, TypeError):  # may quote the hash
        raise InvalidHash(f"the password hash is not one of the scheme {scheme}") from None


def proves(stored: str, password: str) -> bool:
    """Whether *password* is the one that *stored* was made of. Takes as long as it takes.

    As the client sent it, and in the form of SASLprep: other servers know only the one.

    Raises:
        InvalidHash: see :func:`understand`.
    """
    known = understand(stored)
    sent, prepared = octets_of(password), secret_octets(password)
    if len(sent) > MAX_SECRET_OCTETS or b"\0" in sent:
        return False
    return known.proves(sent) or (prepared != sent and known.proves(prepared))


def scheme_of(verifier: str) -> str:
    """The scheme of an account's verifier, for an operator; ``?`` if it cannot be told."""
    try:
        return understand(verifier).scheme
    except InvalidHash:
        return "?"


def scram_keys_in(stored: str, hash_name: str) -> ScramKeys | None:
    """The keys of SCRAM that *stored* is, for this hash; None: it is something else, or unusable."""
    scheme, _, body = stored.partition("}")
    if scheme.upper() != "{" + _SCRAM_SCHEMES[hash_name]:
        return None
    try:
        return scram_keys.from_text(hash_name, body)
    except ValueError:
        return None


# One function for each family of schemes: (scheme, body, encoding) to Hash.


def _plain(scheme: str, body: str, encoding: str) -> Hash:
    password = _decoded(body, encoding) if encoding else body.encode()
    if not password:
        raise InvalidHash("the password is empty")
    return Hash(scheme, partial(hmac.compare_digest, password))


def _digest(hash_name: str, scheme: str, body: str, encoding: str) -> Hash:
    """Without a salt: in base64, or in hexadecimal, which its length shows."""
    size = hashlib.new(hash_name, usedforsecurity=False).digest_size
    digest = _decoded(body, encoding or ("HEX" if len(body) == 2 * size else "B64"))
    return _by_libpass(f"hex_{hash_name}", scheme, digest.hex())


def _salted(handler: str, ident: str, scheme: str, body: str, encoding: str) -> Hash:
    both = base64.b64encode(_decoded(body, encoding or "B64")).decode()
    return _by_libpass(handler, scheme, ident + both)


def _crypt(handler: str, scheme: str, body: str, encoding: str) -> Hash:
    return _by_libpass(handler, scheme, _as_text(body, encoding))


def _any_crypt(_scheme: str, body: str, encoding: str) -> Hash:
    """Whatever crypt(3) takes, by its beginning; the oldest kind, of DES, has none."""
    text = _as_text(body, encoding)
    for beginning, scheme in _CRYPT_SAYS:
        if text.startswith(beginning):
            return _TABLE[scheme](scheme, text, "")
    if text.startswith(("$", "_")):
        kind = re.match(r"\$?[A-Za-z0-9-]{0,20}\$?", text)
        raise InvalidHash(
            f"password hashes that begin with {kind[0] if kind else ''} cannot be used: set a "
            "password instead"
        )
    return _by_libpass("des_crypt", "DES-CRYPT", text)


def _md5(scheme: str, body: str, encoding: str) -> Hash:
    """Dovecot means the crypt of MD5 by it, but takes plain digests, too."""
    try:
        return _crypt("md5_crypt", "MD5-CRYPT", body, encoding)
    except ValueError:
        return _digest("md5", scheme, body, encoding)


def _pbkdf2(scheme: str, body: str, encoding: str) -> Hash:
    found = _PBKDF2.fullmatch(_as_text(body, encoding))
    if found is None:
        raise ValueError
    salt, rounds, digest = found[1].encode(), int(found[2]), bytes.fromhex(found[3])
    _bounded(scheme, "rounds", rounds, MAX_PBKDF2_ROUNDS)

    def prover(secret: bytes) -> bool:
        made = hashlib.pbkdf2_hmac("sha1", secret, salt, rounds, len(digest))
        return hmac.compare_digest(made, digest)

    return Hash(scheme, prover)


def _argon2(scheme: str, body: str, encoding: str) -> Hash:
    text = _as_text(body, encoding)
    found = _ARGON2.fullmatch(text)
    if found is None:
        raise ValueError
    memory, passes, lanes = (int(found[part]) for part in (1, 2, 3))
    _bounded(scheme, "KiB of memory", memory, MAX_ARGON2_KIB)
    _bounded(scheme, "KiB of memory times passes", memory * passes, MAX_ARGON2_KIB_PASSES)
    _bounded(scheme, "lanes", lanes, MAX_ARGON2_LANES)
    argon2.extract_parameters(text)

    def prover(secret: bytes) -> bool:
        try:
            return argon2.PasswordHasher().verify(text, secret)
        except argon2.exceptions.VerifyMismatchError:
            return False
        except argon2.exceptions.Argon2Error as error:
            raise InvalidHash(f"a password hash of the scheme {scheme} fails: {error}") from None

    return Hash(scheme, prover)


def _scram(hash_name: str, scheme: str, body: str, encoding: str) -> Hash:
    text = _as_text(body, encoding)
    try:
        keys = scram_keys.from_text(hash_name, text)
    except ValueError as error:
        raise InvalidHash(
            f"the password hash of the scheme {scheme} is unusable: {error}"
        ) from None
    return Hash(scheme, partial(scram_keys.proves, hash_name, keys))


_SCRAM_SCHEMES = {"sha1": "SCRAM-SHA-1", "sha256": "SCRAM-SHA-256"}

_TABLE: dict[str, Callable[[str, str, str], Hash]] = {
    "PLAIN": _plain,
    "CLEAR": _plain,
    "CLEARTEXT": _plain,
    "CRYPT": _any_crypt,
    "DES-CRYPT": partial(_crypt, "des_crypt"),
    "MD5": _md5,
    "MD5-CRYPT": partial(_crypt, "md5_crypt"),
    "SHA256-CRYPT": partial(_crypt, "sha256_crypt"),
    "SHA512-CRYPT": partial(_crypt, "sha512_crypt"),
    "BLF-CRYPT": partial(_crypt, "bcrypt"),
    "ARGON2I": _argon2,
    "ARGON2ID": _argon2,
    "PBKDF2": _pbkdf2,
    "PLAIN-MD5": partial(_digest, "md5"),
    "LDAP-MD5": partial(_digest, "md5"),
    "SHA": partial(_digest, "sha1"),
    "SHA1": partial(_digest, "sha1"),
    "SHA256": partial(_digest, "sha256"),
    "SHA512": partial(_digest, "sha512"),
    "SMD5": partial(_salted, "ldap_salted_md5", "{SMD5}"),
    "SSHA": partial(_salted, "ldap_salted_sha1", "{SSHA}"),
    "SSHA256": partial(_salted, "ldap_salted_sha256", "{SSHA256}"),
    "SSHA512": partial(_salted, "ldap_salted_sha512", "{SSHA512}"),
    "SCRAM-SHA-1": partial(_scram, "sha1"),
    "SCRAM-SHA-256": partial(_scram, "sha256"),
}
"""Dovecot's names of schemes."""

SCHEMES = tuple(_TABLE)
"""Those that are known here."""

_MOST_ROUNDS = {
    "bcrypt": MAX_BCRYPT_COST,
    "sha256_crypt": MAX_CRYPT_ROUNDS,
    "sha512_crypt": MAX_CRYPT_ROUNDS,
}


def _by_libpass(name: str, scheme: str, text: str) -> Hash:
    handler = _handler(name)
    if not name.startswith("hex_"):
        rounds = getattr(handler.from_string(text), "rounds", 0)
        if name in _MOST_ROUNDS:
            _bounded(scheme, "cost" if name == "bcrypt" else "rounds", rounds, _MOST_ROUNDS[name])
    elif not handler.identify(text):
        raise ValueError
    most = BCRYPT_OCTETS if name == "bcrypt" else None
    return Hash(scheme, lambda secret: bool(handler.verify(secret[:most], text)))


@cache
def _handler(name: str) -> Any:
    """Libpass's own implementations: those of the system would hold the interpreter all the time."""
    handler = get_crypt_handler(name)
    if "builtin" in getattr(handler, "backends", ()) and name != "bcrypt":
        handler.set_backend("builtin")
    return handler


def _bounded(scheme: str, what: str, value: int, most: int) -> None:
    if value > most:
        raise InvalidHash(
            f"the password hash of the scheme {scheme} is too dear to check: {value} {what}, and "
            f"{most} are the most"
        )


def _decoded(body: str, encoding: str) -> bytes:
    """The octets that stand there in an encoding of Dovecot's."""
    if encoding == "HEX":
        return bytes.fromhex(body)
    if encoding in ("B64", "BASE64"):
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise ValueError from None
    raise InvalidHash(f"a password hash cannot be encoded as .{encoding}, only as .HEX or .B64")


def _as_text(body: str, encoding: str) -> str:
    return _decoded(body, encoding).decode("ascii") if encoding else body
