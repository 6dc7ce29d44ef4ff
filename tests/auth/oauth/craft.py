"""JSON Web Tokens made by hand, with nothing but cryptography: good ones, and those of attackers."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1_800_000_000.0
ISSUER = "https://id.example.org"
AUDIENCE = "pop3.example.org"
PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()

BY_ALGORITHM: dict[str, PrivateKey] = {
    **{f"{kind}{size}": RSA for kind in ("RS", "PS") for size in (256, 384, 512)},
    "ES256": P256,
    "ES384": P384,
    "ES512": P521,
    "EdDSA": ED25519,
    "Ed25519": ED25519,
}
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {256: "P-256", 384: "P-384", 521: "P-521"}


def b64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int, octets: int | None = None) -> str:
    return b64(value.to_bytes(octets or (value.bit_length() + 7) // 8, "big"))


def jwk(key: PrivateKey, **more: Any) -> dict[str, Any]:
    """The public half (RFC 7518, section 6; RFC 8037, section 2)."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(public.n), "e": number(public.e), **more}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
        curve = _CURVES[key.key_size]
        return {
            "kty": "EC",
            "crv": curve,
            "x": number(point.x, size),
            "y": number(point.y, size),
            **more,
        }
    name = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "Ed448"
    return {"kty": "OKP", "crv": name, "x": b64(key.public_key().public_bytes_raw()), **more}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def signature(algorithm: str, key: PrivateKey | bytes, message: bytes) -> bytes:
    """RFC 7518, section 3; RFC 8037, section 3.1."""
    if isinstance(key, bytes):
        return hmac.digest(key, message, f"sha{algorithm[2:]}")
    if isinstance(key, rsa.RSAPrivateKey):
        digest = _HASHES[algorithm[2:]]
        if algorithm.startswith("PS"):
            return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return key.sign(message, padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(_HASHES[algorithm[2:]])))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return key.sign(message)


def claims(**changes: Any) -> dict[str, Any]:
    """Good ones, with *changes*; a claim that is ... is left out."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": NOW + 3600,
        "iat": NOW - 10,
        "sub": "4711",
        "client_id": "mail-program",
        "jti": "1",
        "email": "alice@example.org",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not ...}


def encoded(value: Any) -> str:
    """*value* as JSON, or octets as they are, in base64url."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(
    payload: Any = None,
    key: PrivateKey | bytes = RSA,
    algorithm: str = "RS256",
    **header: Any,
) -> str:
    """A signed token; header fields that are ... are left out."""
    fields = {"alg": algorithm, "typ": "at+jwt", **header}
    head = {name: value for name, value in fields.items() if value is not ...}
    message = f"{encoded(head)}.{encoded(claims() if payload is None else payload)}"
    return f"{message}.{b64(signature(algorithm, key, message.encode()))}"


def thumbprint(text: str) -> str:
    """To name a token without showing it."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
