"""Why nothing can be handed over. Texts are whole sentences for the page: what is wrong, and what to do.

::

    Trouble
    ├── Offline      nobody could be reached, or the connection broke: again, as soon as there is a network
    ├── PutOff       the server says "later": again, after a while
    ├── Stopped      the user, or the server's operator, has to do something first
    │   └── NotLetIn     the server refuses the sign-in
    └── TakenBack    the user has taken the message back while it was being sent
"""

from __future__ import annotations

import ssl

import aiosmtplib

from pillarbox.client.errors import TimedOut, Unreachable
from pillarbox.client.tls_faults import is_no_tls
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.oauth.errors import ProviderGarbage, ProviderUnreachable
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.outbox.words import Reply, cleaned
from pillarbox.reader.sentences import as_sentence, reworded


class Trouble(PillarboxError):
    """Nothing can be handed over now."""


class Offline(Trouble):
    """The network, or the other end of it."""


class PutOff(Trouble):
    """The server is there, and wants to be asked later."""


class Stopped(Trouble):
    """Trying again by itself is of no use."""


class NotLetIn(Stopped):
    """The server refuses the sign-in."""


class TakenBack(Trouble):
    """It is not to be sent any more."""


# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_CERTIFICATES = {
    9: "is not valid yet. Is the clock of this computer right?",
    10: "has expired. The server's operator has to renew it.",
    62: "is for another name. Check the name of the server.",
    64: "is for another name. Check the name of the server.",
}
_OTHER_CERTIFICATE = (
    "was issued by nobody whom this computer trusts. If it is your own server, give its authority's "
    "certificate, or its fingerprint, where the server for sending is entered."
)
_KINDS: tuple[tuple[type[PillarboxError], type[Trouble]], ...] = (
    (Unreachable, Offline),
    (ProviderUnreachable, PutOff),
    (ProviderGarbage, PutOff),
    (LibraryUnusable, PutOff),
)
_ENDINGS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def trouble(error: Exception, place: str) -> Trouble:
    """What *error*, raised while *place* was talked to, is to the user."""
    if isinstance(error, Trouble):
        return error
    tls = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(tls, ssl.SSLError) and not isinstance(tls, _ENDINGS):
        return _of_tls(tls, place)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return refusal(Reply(error.code, error.message), place)
    if isinstance(error, PillarboxError) and not isinstance(error, TimedOut):
        # Else it is the settings, the sign-in at a provider, a certificate that is not the pinned one.
        kind = next((kind for error_type, kind in _KINDS if isinstance(error, error_type)), Stopped)
        return kind(as_sentence(reworded(str(error))))
    silent = isinstance(error, (TimedOut, TimeoutError))
    return Offline(f"{place} does not answer." if silent else f"The connection to {place} broke.")


def refusal(reply: Reply, place: str) -> Trouble:
    """What a *reply* that is not a good one is, if it is about the session and not about a message."""
    if reply.never:
        return Stopped(f"{place} does not take mail from here: {reply.words}")
    if reply.later:
        return PutOff(f"{place} takes no mail now: {reply.words}")
    return PutOff(f"{place} does not answer as a mail server should: {reply.words}")


def _of_tls(error: ssl.SSLError, place: str) -> Trouble:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATES.get(error.verify_code, _OTHER_CERTIFICATE)
        return Stopped(f"The certificate of {place} {why} Nothing was sent.")
    reason = error.reason or "no reason"
    how = "" if is_no_tls(reason) else f" as it should ({cleaned(reason)})"
    return Stopped(
        f"{place} does not speak TLS{how}. Check port and protection of the server for sending: “TLS from the "
        "start” is usually at port 465, “STARTTLS” at 587. Nothing was sent."
    )
