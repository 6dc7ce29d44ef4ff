"""What is wrong when TLS does not come about, as sentences that say what to do.

OpenSSL says that a certificate did not convince, not what it says of itself. Who has looked at
it (over :func:`pillarbox.client.tls.looking_context`) hands it over, and the sentence has its
dates and names. Those are the word of whoever answered: fit for a sentence, and nothing else.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from pillarbox.client.certificate import Certificate, read_certificate
from pillarbox.client.errors import Insecure, NotTrusted, Unreachable, quoted
from pillarbox.client.hosts import authority

MOST_NAMES = 5
"""Names of a certificate that a sentence lists; some have hundreds."""


def tls_fault(
    error: OSError, host: str, port: int, der: bytes | None = None
) -> Insecure | Unreachable:
    """The error that *error* is to the user.

    Args:
        error: what a handshake, or reading over TLS, raised (in TLS 1.3 a server refuses
            our certificate only behind the handshake).
        host: the name that the certificate should have.
        port: for the sentence.
        der: the certificate that was refused, if somebody has looked.
    """
    place = authority(host, port)
    if isinstance(error, ssl.SSLCertVerificationError):
        explain = _OF_CERTIFICATES.get(error.verify_code, _not_convincing)
        certificate = None if der is None else read_certificate(der)
        return NotTrusted(f"the certificate of {place} {explain(error, host, certificate)}")
    if isinstance(error, ssl.SSLError) and error.reason and not isinstance(error, _ENDINGS):
        return Insecure(f"{place} {_OF_TLS.get(error.reason) or _OTHER.format(error.reason)}")
    return Unreachable(
        f"{place} broke the connection off in the TLS handshake; try again later, and ask its "
        "operator if that lasts"
    )


def refuses_our_certificate(error: BaseException | None) -> bool:
    """Whether *error* says that the server wants a certificate of ours, or not this one.

    In TLS 1.3 that comes behind the handshake, in the place of the server's first words.
    """
    return isinstance(error, ssl.SSLError) and _OF_TLS.get(error.reason or "") in {
        _WANTS_OURS,
        _REFUSES_OURS,
    }


def is_no_tls(reason: str) -> bool:
    """Whether OpenSSL's *reason* means that the server has answered by something else than TLS."""
    return _OF_TLS.get(reason) == _NO_TLS


def _expired(_: ssl.SSLCertVerificationError, __: str, certificate: Certificate | None) -> str:
    if certificate and certificate.end > datetime.now(UTC):
        return "is good, but one that it was issued with has expired; its operator has to renew it"
    since = f" on {_moment(certificate.end)}" if certificate else ""
    return f"expired{since}; its operator has to renew it"


def _not_yet(_: ssl.SSLCertVerificationError, __: str, certificate: Certificate | None) -> str:
    until = f" before {_moment(certificate.begin)}" if certificate else " yet"
    return f"is not valid{until}; is the clock of this machine right?"


def _another_name(
    _: ssl.SSLCertVerificationError, host: str, certificate: Certificate | None
) -> str:
    names = f" ({_listed(certificate.names)})" if certificate else ""
    return (
        f'is not for "{host}"{names}; if one of its names is the server that you mean, put that '
        "into the URL"
    )


def _unknown_issuer(
    _: ssl.SSLCertVerificationError, __: str, certificate: Certificate | None
) -> str:
    value = certificate.fingerprint if certificate else "SHA256"
    return (
        "was issued by nobody whom this system trusts; give the authority's certificate with "
        "--ca FILE, or, if the server's operator confirms that this is its SHA-256, pin it with "
        f"--fingerprint {value}"
    )


def _not_convincing(error: ssl.SSLCertVerificationError, _: str, __: Certificate | None) -> str:
    return f"does not convince ({error.verify_message}); its operator has to replace it"


def _listed(names: list[str]) -> str:
    if not names:
        return "it has no subject alternative name, and nothing else counts"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"it is for {', '.join(map(quoted, names[:MOST_NAMES]))}{more}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


_Explain = Callable[[ssl.SSLCertVerificationError, str, Certificate | None], str]

# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_OF_CERTIFICATES: dict[int, _Explain] = {
    2: _unknown_issuer,  # UNABLE_TO_GET_ISSUER_CERT
    9: _not_yet,  # CERT_NOT_YET_VALID
    10: _expired,  # CERT_HAS_EXPIRED
    18: _unknown_issuer,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: _unknown_issuer,  # SELF_SIGNED_CERT_IN_CHAIN
    20: _unknown_issuer,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: _unknown_issuer,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: _another_name,  # HOSTNAME_MISMATCH
    64: _another_name,  # IP_ADDRESS_MISMATCH
}

_NO_TLS = (
    "does not speak TLS there; with STLS the URL begins with pop3:// (port 110), with TLS from "
    "the start it is pop3s:// (port 995)"
)
_TOO_OLD = "offers only TLS older than 1.2, which is broken; its operator has to update it"
_TOO_WEAK = "offers no TLS that is strong enough, or wants a certificate of ours (--client-cert)"
_WANTS_OURS = "wants a certificate of ours: give one with --client-cert FILE"
_REFUSES_OURS = "does not accept the certificate of ours that --client-cert names"
_OTHER = "failed at TLS ({}); nothing secret was sent"

# By OpenSSL's reasons.
_OF_TLS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "DH_KEY_TOO_SMALL": _TOO_WEAK,
    "EE_KEY_TOO_SMALL": _TOO_WEAK,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _TOO_WEAK,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_OURS,
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSES_OURS,
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSES_OURS,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSES_OURS,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSES_OURS,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSES_OURS,
}

# OpenSSL 3 tells an end without a farewell in these ways.
_ENDINGS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
