"""TLS contexts for the server's side (RFC 8314, RFC 9325).

One context is made before the workers are forked, so that they share its session ticket keys
and a client can resume on whichever worker it meets, also on one that has replaced another. A
reload makes new ones: whoever comes first after it does one whole handshake, and a ticket that was
stolen is worth nothing any more.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.end_point import server_end_point
from pillarbox.server.client_certificate import ClientCertificates

ALPN = "pop3"
"""RFC 7301's registry entry for POP3. A client that offers ALPN without it is not refused
by the ``ssl`` module (its callback knows "selected" and "not acknowledged", no alert); the
command table closes on HTTP and SMTP instead."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# RFC 9325, section 4.2: forward secrecy and authenticated encryption only, for TLS 1.2;
# the suites of TLS 1.3 are all of that kind.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"


_TICKETS = 1
"""New session tickets for each connection of TLS 1.3. A ticket is good for one connection (RFC
8446, appendix C.4), and each connection, also a resumed one, gives the next. OpenSSL's two are for
clients that open more connections at once than before, as browsers do; each costs as much as
several commands."""

_PEM = re.compile(
    r"-----BEGIN (?P<other>[A-Z0-9]+ )?CERTIFICATE-----.*?-----END [A-Z0-9 ]*CERTIFICATE-----",
    re.DOTALL,
)

_EXPORTER = "tls-exporter"

_end_points: WeakKeyDictionary[ssl.SSLContext, ChannelBinding] = WeakKeyDictionary()
"""What each context's certificate gives for tls-server-end-point (RFC 5929, section 4). Python
does not tell a server which certificate it has shown, but which context was in use."""


class CertificateProblem(Exception):
    """A certificate or key cannot be used; the text names the file and the remedy."""


class ClientCertificateProblem(CertificateProblem):
    """The same of what clients' certificates are checked with."""


def server_context(
    certificate: Path,
    key: Path,
    minimum: Literal["1.2", "1.3"] = "1.2",
    alpn: str = ALPN,
    clients: ClientCertificates | None = None,
) -> ssl.SSLContext:
    """A context that serves *certificate* (a PEM chain, ours first) with its *key*.

    *clients*: what certificates clients have to show; None: they are not asked for any.

    Raises:
        CertificateProblem: a file is missing, unreadable, not PEM, or they do not match.
        ClientCertificateProblem: likewise, of *clients*.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols([alpn])
    context.num_tickets = _TICKETS
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    for path in (certificate, key):
        _check_readable(path)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise CertificateProblem(_explain(certificate, key, error)) from error
    if clients is not None:
        _ask(context, clients)
    note_certificate(context, _first_in(certificate))
    return context


def _ask(context: ssl.SSLContext, clients: ClientCertificates) -> None:
    """Ask clients for a certificate. (``ssl`` sets a session id context in every context,
    without which OpenSSL would resume no session that has one.)
    """
    context.verify_mode = ssl.CERT_REQUIRED if clients.required else ssl.CERT_OPTIONAL
    _load(context, clients.authorities, "certificate of an authority")
    if clients.revoked is not None:
        before = context.cert_store_stats()["crl"]
        _load(context, clients.revoked, "revocation list")
        if context.cert_store_stats()["crl"] == before:
            raise ClientCertificateProblem(f"{clients.revoked}: has no revocation list in PEM form")
        # Of the whole chain: who trusts an authority's list does not want what a revoked
        # intermediate has signed.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN


def _load(context: ssl.SSLContext, path: Path, what: str) -> None:
    try:
        _check_readable(path)
        context.load_verify_locations(path)
    except CertificateProblem as error:
        raise ClientCertificateProblem(str(error)) from error
    except ssl.SSLError as error:
        raise ClientCertificateProblem(f"{path}: has no {what} in PEM form") from error


def reason_of(error: OSError) -> str:
    """Why a handshake failed, in words for the log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate is refused: {error.verify_message}"
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return _REASONS.get(reason or "", str(error) or type(error).__name__)


_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the client showed no certificate",
    "CALLBACK_FAILED": "the client asked for a server name that nobody has, or that is none",
}


def note_certificate(context: ssl.SSLContext, certificate: bytes) -> None:
    """Remember which *certificate* (DER) connections of this *context* show."""
    end_point = server_end_point(certificate)
    if end_point is not None:
        _end_points[context] = end_point


def channel_bindings(connection: ssl.SSLObject) -> tuple[ChannelBinding, ...]:
    """What a sign-in on this *connection* can be bound to, the preferred one first.

    tls-exporter (RFC 9266) where Python has it, which none has yet; for TLS 1.3 only, as
    elsewhere Python could not tell whether the two ends are sure to have the same secret.
    tls-unique is never taken: it is not defined for TLS 1.3, and before that somebody in
    between can make two connections that have it in common (RFC 7627, section 1).
    """
    found = []
    if _EXPORTER in ssl.CHANNEL_BINDING_TYPES and connection.version() == "TLSv1.3":
        data = connection.get_channel_binding(_EXPORTER)
        if data is not None:
            found.append(ChannelBinding(_EXPORTER, data))
    end_point = _end_points.get(connection.context)
    if end_point is not None:
        found.append(end_point)
    return tuple(found)


def _first_in(file: Path) -> bytes:
    """The server's own certificate: the first in a *file* that OpenSSL has accepted.

    Empty for one that is written in another way than everybody's (``TRUSTED CERTIFICATE``).
    """
    found = _PEM.search(file.read_text("ascii", "replace"))
    return ssl.PEM_cert_to_DER_cert(found[0]) if found and not found["other"] else b""


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CertificateProblem(
            f"{path}: cannot be read: {error.strerror}; check the path and its permissions"
        ) from error


def _no_password() -> str:
    return ""  # otherwise OpenSSL would ask on the terminal and stop the server's start


def _explain(certificate: Path, key: Path, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{key}: is not the key of the certificate in {certificate}; use the pair"
    if error.reason in {"BAD_DECRYPT", "BAD_PASSWORD_READ", "PROBLEMS_GETTING_PASSWORD"}:
        return f"{key}: is encrypted; store the key without a password, readable by root only"
    return (
        f"{certificate}, {key}: not a usable certificate chain and key in PEM form"
        f" ({error.reason or error})"
    )
