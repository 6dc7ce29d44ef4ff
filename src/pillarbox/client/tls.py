"""TLS on the client's side: whom to trust, and who we are (RFC 8314, section 5; RFC 7817).

Without settings, the server's certificate has to be issued for the name in the URL by an
authority that the system trusts. ``ca`` names other authorities. ``fingerprint`` pins the
one certificate that the server may show, by its SHA-256; that stands in for the authority,
the name and the dates (self-signed servers), but never for TLS. With both, both must hold.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path
from typing import NamedTuple

from pillarbox.client.authorities import trust_system
from pillarbox.client.errors import Insecure, InvalidSetting, NotTrusted, quoted

ALPN = "pop3"

_HOW = "openssl x509 -in certificate.pem -noout -fingerprint -sha256"
_OTHER_DIGESTS = {32: "MD5", 40: "SHA-1", 128: "SHA-512"}
_SHA256_DIGITS = 64


class TlsSettings(NamedTuple):
    """What TLS shall be like. The default is right for every public server."""

    ca: Path | str | None = None
    """PEM file of the only authorities to trust; or of the server's own certificate."""
    fingerprint: str | None = None
    """SHA-256 of the server's certificate: 64 hexadecimal digits; colons make no difference."""
    client_certificate: Path | str | None = None
    """PEM file with our certificate, its chain, and its key without a password."""

    def context(self, alpn: str | None = ALPN) -> ssl.SSLContext:
        """A context for connections that have to be what these settings say.

        Behind the handshake, :meth:`check_pin` has to be asked. *alpn*: the protocol that is
        asked for by name (RFC 7301); None: the server is of a kind that has none.

        Raises:
            InvalidSetting: a file cannot be used, or the fingerprint is none.
        """
        context = _bare_context(alpn)
        if self.fingerprint is not None:
            normal_fingerprint(self.fingerprint)
        if self.ca is not None:
            _trust_only(context, Path(self.ca))
        elif self.fingerprint is not None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            trust_system(context)
        if self.client_certificate is not None:
            _introduce(context, Path(self.client_certificate))
        return context

    def check_pin(self, der: bytes | None) -> None:
        """Compare the server's certificate (DER, as the handshake gave it) with the pin.

        Raises:
            Insecure: it is another one (NotTrusted), or there is none. Nothing secret may be sent.
        """
        if self.fingerprint is None:
            return
        if der is None:
            raise Insecure("the server showed no certificate, but one is pinned")
        shown = fingerprint_of(der)
        if normal_fingerprint(self.fingerprint) != normal_fingerprint(shown):
            raise NotTrusted(
                "the server's certificate is not the pinned one: somebody may be in between, or "
                "it was renewed; only if the server's operator confirms this SHA-256, pin it "
                f"with --fingerprint {shown}"
            )


def looking_context() -> ssl.SSLContext:
    """A context that believes anything, to look at a certificate that was refused.

    Over such a connection nothing is said but what leads to the handshake: it serves only to
    tell the user what is wrong with the certificate.
    """
    context = _bare_context(ALPN)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_of(der: bytes) -> str:
    """The SHA-256 of a certificate, as ``openssl`` writes it."""
    return hashlib.sha256(der).digest().hex(":").upper()


def normal_fingerprint(text: str) -> str:
    """The 64 digits of a SHA-256, whatever its letter case and colons.

    Raises:
        InvalidSetting: it is none.
    """
    digits = re.sub(r"[:\s]", "", text.strip()).lower()
    if re.fullmatch(r"[0-9a-f]+", digits) and len(digits) == _SHA256_DIGITS:
        return digits
    other = _OTHER_DIGESTS.get(len(digits))
    what = f"looks like {other}" if other else f"is not {_SHA256_DIGITS} hexadecimal digits"
    raise InvalidSetting(f"the fingerprint {quoted(text)} {what}; SHA-256 is needed: {_HOW}")


def _bare_context(alpn: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    context.hostname_checks_common_name = False  # RFC 9525, section 2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _trust_only(context: ssl.SSLContext, file: Path) -> None:
    _check_readable(file)
    # The server's own certificate may be given, or an authority that is not a root.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise InvalidSetting(
            f"{file}: holds no certificates in PEM form ({error.reason or error}); give the file "
            "of the authority that issued the server's certificate"
        ) from error


def _introduce(context: ssl.SSLContext, file: Path) -> None:
    _check_readable(file)
    asked = False

    def no_password() -> str:
        """OpenSSL would ask on the terminal otherwise, and a timer's job would hang."""
        nonlocal asked
        asked = True
        return ""

    try:
        context.load_cert_chain(file, password=no_password)
    except ssl.SSLError as error:
        raise InvalidSetting(_explain_pair(file, error, encrypted=asked)) from error


def _check_readable(file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise InvalidSetting(
            f"{file}: cannot be read: {error.strerror}; check the path and its permissions"
        ) from error


def _explain_pair(file: Path, error: ssl.SSLError, *, encrypted: bool) -> str:
    if encrypted:
        return f"{file}: its key is encrypted; store it without a password, readable by you only"
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{file}: its key is not that of its certificate; put the pair into one file"
    return (
        f"{file}: does not hold a certificate and its key in PEM form ({error.reason or error}); "
        "put both into this one file"
    )
