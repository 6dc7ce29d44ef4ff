"""Where an account's mail leaves: a submission server (RFC 6409, RFC 8314)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from pillarbox.client import endpoint
from pillarbox.client.discovery import Server
from pillarbox.client.signing_in import Secret
from pillarbox.client.tls import TlsSettings


class Security(Enum):
    """How the connection is protected. There is no "if possible"."""

    TLS = "tls"
    """From the first octet; port 465."""
    STARTTLS = "starttls"
    """Demanded; port 587."""
    NONE = "none"
    """Only where the user has said so."""


class Submission(NamedTuple):
    """Everything that a hand-over needs to know. Its repr shows no secret."""

    host: str
    port: int = 465
    security: Security = Security.TLS
    user: str | None = None
    """None: without signing in."""
    password: Secret | None = None
    token: Secret | None = None
    """An OAuth 2 access token, or what gets one."""
    discard_token: Callable[[], None] | None = None
    """Called when the server refuses the token; then *token* is asked once more."""
    tls: TlsSettings = TlsSettings()
    proxy: str | None = None
    """URL of the proxy through which it is reached; None: straight."""
    timeout: float = 60.0
    """Seconds of silence."""

    def __repr__(self) -> str:
        return f"<Submission {self.host}:{self.port} {self.security.value}>"


_AS_FOUND = {
    endpoint.Security.IMPLICIT_TLS: Security.TLS,
    endpoint.Security.STLS: Security.STARTTLS,
}


def submission_of(found: Server) -> Submission:
    """What discovery has found, still without a password."""
    return Submission(found.host, found.port, _AS_FOUND[found.security], found.user)
