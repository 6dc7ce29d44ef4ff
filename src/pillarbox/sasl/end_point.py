"""tls-server-end-point (RFC 5929, section 4): the hash of the server's certificate.

Of the channel bindings it is the one that Python can have: its ``ssl`` does not export keys,
which tls-exporter (RFC 9266) needs. It ties a sign-in to the certificate, not to the
connection; whoever sits in between needs the server's own key.

The hash is the one that the certificate was signed with, so the certificate has to be read
as far as the name of its signature (RFC 5280, section 4.1)::

    SEQUENCE { SEQUENCE tbsCertificate, SEQUENCE { OBJECT IDENTIFIER algorithm, … }, … }
"""

from __future__ import annotations

import hashlib

from pillarbox.sasl.channel import ChannelBinding

_SEQUENCE = 0x30
_OBJECT_IDENTIFIER = 0x06
_LONG = 0x80

_RSA = "2a864886f70d0101"
_ECDSA = "2a8648ce3d04"
_HASHES = {
    # The two that were broken give way to SHA-256 (section 4.1).
    f"{_RSA}04": "sha256",  # MD5
    f"{_RSA}05": "sha256",  # SHA-1
    f"{_RSA}0b": "sha256",
    f"{_RSA}0c": "sha384",
    f"{_RSA}0d": "sha512",
    f"{_RSA}0e": "sha224",
    f"{_ECDSA}01": "sha256",  # SHA-1
    f"{_ECDSA}0301": "sha224",
    f"{_ECDSA}0302": "sha256",
    f"{_ECDSA}0303": "sha384",
    f"{_ECDSA}0304": "sha512",
}
"""By the object identifier, in hexadecimal. Ed25519 has no hash of its own, and RSASSA-PSS names
it elsewhere: for these the RFC, or we, have no binding."""


def server_end_point(certificate: bytes) -> ChannelBinding | None:
    """The binding for the server's *certificate* (DER); None where there is none."""
    hash_name = _HASHES.get(_signature_algorithm(certificate).hex())
    if hash_name is None:
        return None
    return ChannelBinding("tls-server-end-point", hashlib.new(hash_name, certificate).digest())


def _signature_algorithm(certificate: bytes) -> bytes:
    """The object identifier of the signature; empty if this is no certificate."""
    whole = _value(certificate, 0, _SEQUENCE)
    if whole is None:
        return b""
    signed = _value(certificate, whole.start, _SEQUENCE)
    algorithm = signed and _value(certificate, signed.stop, _SEQUENCE)
    name = algorithm and _value(certificate, algorithm.start, _OBJECT_IDENTIFIER)
    return certificate[name.start : name.stop] if name else b""


def _value(der: bytes, at: int, tag: int) -> range | None:
    """Where the value of the element *at* lies; None if it is no *tag*, or is cut off."""
    head = der[at : at + 2]
    if len(head) < 2 or head[0] != tag:  # noqa: PLR2004 -- tag and length
        return None
    start, length = at + 2, head[1]
    if length & _LONG:
        octets = length & ~_LONG
        length = int.from_bytes(der[start : start + octets], "big")
        start += octets
    return range(start, start + length) if start + length <= len(der) else None
