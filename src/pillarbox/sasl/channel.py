"""A fact about the TLS connection that a sign-in can be bound to (RFC 5056)."""

from __future__ import annotations

from typing import NamedTuple


class ChannelBinding(NamedTuple):
    """A fact that both ends of one TLS connection know, and ends of two do not share."""

    kind: str
    """As registered with IANA: ``tls-exporter`` (RFC 9266), ``tls-server-end-point`` (RFC 5929)."""
    data: bytes
