"""What delivery accepts, and the limit of everything a client could make grow.

RFC 5321, section 4.5.3, gives the sizes a server must at least support. Each limit here has its
reason beside it; a limit under which no mail could flow is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pillarbox.peers import Visitors

SMALLEST_MESSAGE_LIMIT = 1024
"""Below it nothing useful gets in. (RFC 5321, section 4.5.3.1.7, wants 64K octets supported; an
operator who takes notes only, from machines of their own, may want less.)"""

SMALLEST_RECIPIENT_LIMIT = 100
"""RFC 5321, section 4.5.3.1.8: 100 recipients of one message must be supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """The rules of one :class:`~pillarbox.delivery.server.DeliveryServer`.

    Raises:
        ValueError: no mail could flow under a rule; the text names it and the remedy.
    """

    hostname: str
    """This host's name: in the greeting and in ``Received`` (``by``)."""

    domains: tuple[str, ...]
    """The domains whose local parts are accounts. Mail for others is refused, always."""

    max_message_octets: int = 50 * 1024 * 1024
    """The largest message, announced by SIZE (RFC 1870): octets as sent, stuffing not counted."""

    max_header_octets: int = 1024 * 1024
    """The largest header block. Mail has kilobytes of it; a megabyte is made to hurt the
    programs that parse it later (CVE-2024-23184, CVE-2024-23185)."""

    max_hops: int = 100
    """``Received`` fields beyond which a message is taken to be going round in circles
    (RFC 5321, section 6.3: no fewer than 100)."""

    messages_in_flight: int = 8
    """How many messages *of the largest size* the connections together may hold in memory;
    of ordinary mail that is thousands. Beyond it, 452 4.3.1 and the sender comes back."""

    connections: int = 500
    """Clients at once through each door, LMTP and SMTP: each has buffers and a task."""

    connections_per_address: int = 50
    """SMTP clients at once from one address (of IPv6: from one /64), so that one host cannot use up all of
    ``connections``. LMTP has one client, the mail server in front: not counted there."""

    recipients: int = 1000
    """Recipients of one message (RFC 5321, section 4.5.3.1.8); further ones get 452 4.5.3
    and are sent again in a transaction of their own."""

    visitors: Visitors = field(default_factory=Visitors)
    """Whose SMTP connections are admitted."""

    errors: int = 20
    """Mistakes (5xx replies) between two accepted messages before the connection is closed:
    guesses at addresses, and protocols that are not SMTP, end here."""

    idle_timeout: float = 300.0
    """Seconds without a command, or without a byte of a message (RFC 5321, section 4.5.3.2.7:
    at least 300)."""

    message_timeout: float = 3600.0
    """Seconds in which a whole message must arrive: 50 MiB at 120 kbit/s take that long, and
    a sender who drips one byte a minute is not waited for."""

    def __post_init__(self) -> None:
        if not self.hostname or not self.hostname.isascii() or " " in self.hostname:
            raise ValueError(
                f"hostname {self.hostname!r} cannot stand in a greeting: "
                "give the name under which the world knows this host, as in mail.example.org"
            )
        _at_least("max_message_octets", self.max_message_octets, SMALLEST_MESSAGE_LIMIT)
        _at_least("recipients", self.recipients, SMALLEST_RECIPIENT_LIMIT)
        for name in ("max_header_octets", "max_hops", "messages_in_flight", "connections"):
            _at_least(name, getattr(self, name), 1)
        for name in ("connections_per_address", "errors"):
            _at_least(name, getattr(self, name), 1)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}: it must be at least {least}")
