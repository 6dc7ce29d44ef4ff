"""tls-server-end-point, against certificates of all kinds (RFC 5929, section 4.1)."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.end_point import server_end_point

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def certificate(key, algorithm, **how) -> bytes:  # type: ignore[no-untyped-def]  # keys of many kinds
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + dt.timedelta(days=9))
    )
    return builder.sign(key, algorithm, **how).public_bytes(Encoding.DER)


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda one: one.name)  # fmt: skip
def test_the_hash_is_that_of_the_signature(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm
) -> None:
    der = certificate(key, algorithm)
    digest = hashes.Hash(algorithm)
    digest.update(der)
    assert server_end_point(der) == ChannelBinding("tls-server-end-point", digest.finalize())


def test_without_a_hash_of_its_own_there_is_no_binding() -> None:
    assert server_end_point(certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert server_end_point(certificate(RSA, hashes.SHA256(), rsa_padding=pss)) is None


def test_broken_hashes_give_way_to_sha_256() -> None:
    """No library signs with SHA-1 any more: the name of the signature is exchanged by hand."""
    der = certificate(RSA, hashes.SHA256())
    name = bytes.fromhex("06092a864886f70d01010b")
    for broken in ("04", "05"):
        old = der.replace(name, bytes.fromhex("06092a864886f70d0101" + broken))
        assert old != der
        digest = hashes.Hash(hashes.SHA256())
        digest.update(old)
        assert server_end_point(old) == ChannelBinding("tls-server-end-point", digest.finalize())


def test_what_is_no_certificate_has_no_binding() -> None:
    der = certificate(EC, hashes.SHA256())
    for length in range(len(der)):
        assert server_end_point(der[:length]) is None
    for garbage in (b"", b"0", b"0\x80", b"\x30\xff", b"\x30\x84\xff\xff\xff\xff", b"-----BEGIN"):
        assert server_end_point(garbage) is None
