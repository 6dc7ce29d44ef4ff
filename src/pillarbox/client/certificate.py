"""What a certificate says of itself: dates and names, to be told to the user.

The standard library shows a certificate only once it has been verified; the interesting ones
have not been. So ``cryptography`` reads it, where that is installed. Nothing here verifies
anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pillarbox.client.tls import fingerprint_of

if TYPE_CHECKING:
    from cryptography import x509


class Certificate(NamedTuple):
    """What a sentence can tell of a certificate. Its issuer wrote it, who may be anybody."""

    fingerprint: str
    """SHA-256, as ``openssl`` writes it."""
    begin: datetime
    end: datetime
    names: list[str]
    """DNS names and addresses. (The common name no longer counts: RFC 9525, section 2.)"""


def read_certificate(der: bytes) -> Certificate | None:
    """Understand *der*; None when that cannot be done here."""
    try:
        from cryptography import x509  # noqa: PLC0415 -- costs more than a whole poll
    except ImportError:  # the sentence has to do without details
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return Certificate(fingerprint_of(der), begin, end, _names(certificate.extensions))
    except (ValueError, x509.DuplicateExtension):
        return None


def _names(extensions: x509.Extensions) -> list[str]:
    from cryptography import x509  # noqa: PLC0415 -- loaded by the caller already

    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = extension.value.get_values_for_type(x509.DNSName)
            return [*names, *map(str, extension.value.get_values_for_type(x509.IPAddress))]
    return []
