"""What a session was: one line in the log, and its figures in the meter."""

from __future__ import annotations

from enum import StrEnum

from pillarbox.server.session import Session, log


class End(StrEnum):
    """Why a session ended."""

    QUIT = "quit"
    UPDATE_FAILED = "update failed"
    """QUIT, but what was marked could not be removed."""
    LOST = "connection lost"
    IDLE = "idle"
    LOGIN_TIMEOUT = "login time-out"
    SHUTDOWN = "shutdown"
    REFUSED = "refused"
    """We closed: too many errors, a foreign protocol, injected bytes."""
    TLS = "TLS failed"
    BROKEN_OFF = "reply broken off"
    """The store failed in the middle of a reply that cannot be taken back."""
    FAULT = "internal fault"


def report_end(session: Session, door: str, end: End, tls: str | None, seconds: float) -> None:
    """Log and count a session that is over."""
    identity = session.identity
    log.info(
        "session ended",
        user=identity.user if identity else None,
        view=identity.view if identity else None,
        peer=session.peer,
        door=door,
        tls=tls,
        retrieved=session.retrieved,
        octets=session.retrieved_octets,
        deleted=session.removed,
        seconds=round(seconds, 3),
        reason=end.value,
    )
    session.services.meter.session_ended(
        door,
        end.value,
        retrieved=session.retrieved,
        octets=session.retrieved_octets,
        deleted=session.removed,
    )
