"""What CAPA announces (RFC 2449).

Each line is announced only when it is true here and now, and whatever shows before the
sign-in shows after it as well (the "announced states" of nearly every capability are
"both"). The exception is STLS, which disappears once TLS is up (RFC 2595, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """What this server offers on this connection, at this moment."""

    implementation: str = "Pillarbox"
    mechanisms: tuple[str, ...] = ()
    """SASL mechanisms that would be accepted now."""
    user: bool = True
    """USER and PASS would be accepted now."""
    stls: bool = False
    """TLS is not up yet, and can be had."""
    login_delay: int = 0
    """Seconds between two logins of a user; 0: no rule (RFC 2449, section 6.5)."""
    expire_days: int | None = None
    """Days that mail is kept at the least; None: for ever (RFC 2449, section 6.7)."""


def capabilities(offer: Offer) -> list[str]:
    """The lines of CAPA's reply."""
    expire = "NEVER" if offer.expire_days is None else str(offer.expire_days)
    lines = [
        "TOP",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "UTF8 USER",
        "LANG",
        f"EXPIRE {expire}",
    ]
    if offer.user:
        lines.append("USER")
    if offer.mechanisms:
        lines.append(f"SASL {' '.join(offer.mechanisms)}")
    if offer.stls:
        lines.append("STLS")
    if offer.login_delay:
        lines.append(f"LOGIN-DELAY {offer.login_delay}")
    lines.append(f"IMPLEMENTATION {offer.implementation}")
    return lines
