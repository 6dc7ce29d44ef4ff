"""Channel binding: the fact about a TLS connection that a sign-in can be tied to.

Python's ``ssl`` hands out no exporter (RFC 9266), so what is left is ``tls-server-end-point``
(RFC 5929, section 4): a hash of the server's certificate, by the hash of the algorithm that
signed it. To find that takes a look into the certificate: three steps of DER, which do not
warrant a library.
"""

from __future__ import annotations

from pillarbox.sasl.client import ChannelBinding

_KIND = "tls-server-end-point"

# Object identifiers of signature algorithms, as DER has them, and the hash to take. MD5 and
# SHA-1 are replaced by SHA-256 (RFC 5929, section 4.1). What has no hash of its own (Ed25519), or
# names it elsewhere (RSA-PSS), has no binding defined.
_HASHES = {
    bytes.fromhex("2a864886f70d010104"): "sha256",  # md5WithRSAEncryption
    bytes.fromhex("2a864886f70d010105"): "sha256",  # sha1WithRSAEncryption
    bytes.fromhex("2a864886f70d01010b"): "sha256",  # sha256WithRSAEncryption
    bytes.fromhex("2a864886f70d01010c"): "sha384",  # sha384WithRSAEncryption
    bytes.fromhex("2a864886f70d01010d"): "sha512",  # sha512WithRSAEncryption
    bytes.fromhex("2a8648ce3d0401"): "sha256",  # ecdsa-with-SHA1
    bytes.fromhex("2a8648ce3d040302"): "sha256",  # ecdsa-with-SHA256
    bytes.fromhex("2a8648ce3d040303"): "sha384",  # ecdsa-with-SHA384
    bytes.fromhex("2a8648ce3d040304"): "sha512",  # ecdsa-with-SHA512
}

_SEQUENCE = 0x30
_OBJECT_IDENTIFIER = 0x06
_LONG_FORM = 0x80


def channel_binding(der: bytes | None) -> ChannelBinding | None:
    """The binding to a connection whose server has the certificate *der*; None if there is none."""
    if der is None:
        return None
    try:
        name = _HASHES.get(_signature_algorithm(der))
    except (ValueError, IndexError):
        return None  # OpenSSL took it, so this is a kind of certificate that we do not know
    if name is None:
        return None
    from hashlib import new  # noqa: PLC0415 -- costs a millisecond, and few servers bind

    return ChannelBinding(_KIND, new(name, der).digest())


def _signature_algorithm(der: bytes) -> bytes:
    """RFC 5280, section 4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, … }."""
    certificate, _ = _element(der, 0, _SEQUENCE)
    _, behind = _element(certificate, 0, _SEQUENCE)
    algorithm, _ = _element(certificate, behind, _SEQUENCE)
    identifier, _ = _element(algorithm, 0, _OBJECT_IDENTIFIER)
    return identifier


def _element(data: bytes, start: int, tag: int) -> tuple[bytes, int]:
    """The content of the element at *start*, and where the next one begins (X.690, section 8.1)."""
    if data[start] != tag:
        raise ValueError("another element was expected")
    length, begin = data[start + 1], start + 2
    if length >= _LONG_FORM:
        octets = length - _LONG_FORM
        length = int.from_bytes(data[begin : begin + octets], "big")
        begin += octets
    if begin + length > len(data):
        raise ValueError("the element is cut off")
    return data[begin : begin + length], begin + length
