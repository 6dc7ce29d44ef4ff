"""Key sets: RFC 7517, with what others write in theirs."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa, x25519

from pillarbox.auth.oauth import keys
from pillarbox.auth.oauth.keys import MAX_KEY_SET, MAX_TRIED, BadKeySet, SigningKeys
from tests.auth.oauth.craft import (
    ED448,
    ED25519,
    OTHER_RSA,
    P256,
    P384,
    RSA,
    b64,
    jwk,
    key_set,
    number,
)


def kids(found: tuple[Any, ...]) -> list[str | None]:
    return [key.kid for key in found]


def test_a_key_is_found_by_its_name() -> None:
    some = SigningKeys.parse(key_set(jwk(RSA, kid="a"), jwk(OTHER_RSA, kid="b")))
    assert kids(some.fitting("b", "RS256")) == ["b"]
    assert some.fitting("c", "RS256") == ()
    assert kids(some.fitting(None, "RS256")) == ["a", "b"]


def test_keys_without_a_name_stand_in_for_any() -> None:
    some = SigningKeys.parse(key_set(jwk(RSA), jwk(OTHER_RSA, kid="b")))
    assert kids(some.fitting("c", "RS256")) == [None]
    assert kids(some.fitting("b", "RS256")) == ["b"]


def test_rfc_7517_section_4_5_two_keys_of_a_name_and_other_types() -> None:
    some = SigningKeys.parse(key_set(jwk(RSA, kid="a"), jwk(P256, kid="a"), jwk(P384, kid="a")))
    assert [key.key_type for key in some.fitting("a", "PS512")] == ["RSA"]
    assert [key.curve_name for key in some.fitting("a", "ES384")] == ["P-384"]  # type: ignore[union-attr]


def test_a_key_is_for_the_algorithm_that_it_names() -> None:
    some = SigningKeys.parse(key_set(jwk(RSA, kid="a", alg="RS256")))
    assert len(some.fitting("a", "RS256")) == 1
    assert some.fitting("a", "PS256") == ()


WEAK = rsa.generate_private_key(65537, 1024)
X25519 = b64(x25519.X25519PrivateKey.generate().public_key().public_bytes_raw())
USELESS: list[Any] = [
    {"kty": "oct", "k": b64(b"x" * 64), "kid": "a"},
    jwk(RSA, use="enc"),
    jwk(RSA, key_ops=["encrypt"]),
    jwk(RSA, use="sig", key_ops=["encrypt"]),
    jwk(RSA, kid=7),
    jwk(WEAK),
    {"kty": "RSA", "n": number((1 << 9000) + 1), "e": "AQAB"},
    {"kty": "RSA", "n": "", "e": "AQAB"},
    {"kty": "RSA", "n": "!", "e": "AQAB"},
    {"kty": "RSA", "e": "AQAB"},
    {"kty": "OKP", "crv": "X25519", "x": X25519},
    {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
    {"kty": "EC"},
    {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    {"kty": ["RSA"]},
    {},
    None,
    7,
    "RSA",
    [],
]


@pytest.mark.parametrize("entry", USELESS)
def test_rfc_7517_section_5_keys_that_are_of_no_use_are_passed_over(entry: Any) -> None:
    assert len(SigningKeys.parse(key_set(entry, jwk(P256)))) == 1
    with pytest.raises(BadKeySet, match="no public key"):
        SigningKeys.parse(key_set(entry))


@pytest.mark.parametrize("key", [RSA, P256, P384, ED25519, ED448])
def test_keys_that_are_of_use(key: Any) -> None:
    assert len(SigningKeys.parse(key_set(jwk(key, use="sig", key_ops=["verify"], x5t="abc")))) == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"keys": 7}',
        b'{"key": []}',
        b'{"keys": []}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_key_set(octets: bytes) -> None:
    with pytest.raises(BadKeySet):
        SigningKeys.parse(octets)


def test_a_set_is_bounded() -> None:
    with pytest.raises(BadKeySet, match="more than"):
        SigningKeys.parse(b" " * MAX_KEY_SET + key_set(jwk(RSA)))
    many = SigningKeys.parse(key_set(*[jwk(P256)] * (keys.MAX_KEYS + 50)))
    assert len(many) == keys.MAX_KEYS
    assert len(many.fitting(None, "ES256")) == MAX_TRIED


def test_a_private_key_in_a_set_is_used_for_its_public_half_only() -> None:
    private = RSA.private_numbers()
    whole = {**jwk(RSA), "d": number(private.d), "p": number(private.p), "q": number(private.q),
             "dp": number(private.dmp1), "dq": number(private.dmq1), "qi": number(private.iqmp)}  # fmt: skip
    assert len(SigningKeys.parse(json.dumps({"keys": [whole]}).encode())) == 1
