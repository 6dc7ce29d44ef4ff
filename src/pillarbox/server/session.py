"""What one client has said and done so far.

A session knows no sockets and no time: ``verbs`` carries out its commands by way of the store
and the authenticator, the shell (``connection``) does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from pillarbox import __version__
from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Maildrop, Store
from pillarbox.model import Identity
from pillarbox.peers import is_loopback
from pillarbox.sasl import MECHANISMS, ServerMechanism
from pillarbox.server.limits import Policy
from pillarbox.server.listings import Listings
from pillarbox.wire.capabilities import Offer

log = structlog.get_logger("pillarbox.server")


@dataclass(frozen=True, slots=True)
class Services:
    """What all sessions of a server share."""

    store: Store
    authenticator: Authenticator
    policy: Policy
    meter: Meter
    tls_available: bool = False
    listings: Listings = field(default_factory=Listings)


class Session:
    """One client's session, from greeting to goodbye."""

    __slots__ = (
        "deleted",
        "deleted_octets",
        "failures",
        "identity",
        "maildrop",
        "mechanism",
        "name",
        "peer",
        "removed",
        "retrieved",
        "retrieved_octets",
        "secured",
        "services",
        "timestamp",
        "utf8",
    )

    def __init__(self, services: Services, peer: str, timestamp: str | None = None) -> None:
        self.services = services
        self.peer = peer
        """The client's address; ``unix`` for a local socket."""
        self.timestamp = timestamp
        """What the greeting offered for APOP; None: no APOP."""
        self.secured = False
        """TLS is up."""
        self.utf8 = False
        self.name = ""
        """What USER gave."""
        self.mechanism: ServerMechanism | None = None
        self.failures = 0
        self.identity: Identity | None = None
        self.maildrop: Maildrop | None = None
        self.deleted: set[int] = set()
        """Numbers of the messages that are marked."""
        self.deleted_octets = 0
        self.retrieved = 0
        self.retrieved_octets = 0
        self.removed = 0
        """Messages that UPDATE has deleted from the view."""

    async def release(self) -> None:
        """Let go of the maildrop, if it is still held; nothing is deleted. Idempotent."""
        maildrop, self.maildrop = self.maildrop, None
        if maildrop is not None:
            await maildrop.release()

    def count_retrieved(self, octets: int) -> None:
        """A message of so many octets has been sent by RETR."""
        self.retrieved += 1
        self.retrieved_octets += octets

    def start_over(self) -> None:
        """TLS is up: forget what was said before it (RFC 2595, section 4)."""
        self.secured = True
        self.name = ""
        self.mechanism = None
        self.utf8 = False

    @property
    def password_allowed(self) -> bool:
        """Whether a password may cross this connection as it is now."""
        cleartext = self.services.policy.cleartext
        if self.secured or cleartext == "always":
            return True
        return cleartext == "loopback" and is_loopback(self.peer)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that would be accepted now."""
        allowed = self.password_allowed
        return tuple(
            name
            for name in self.services.policy.mechanisms
            if allowed or not MECHANISMS[name].plaintext
        )

    @property
    def offer(self) -> Offer:
        """What CAPA is to say."""
        return Offer(
            implementation=f"Pillarbox-{__version__}",
            mechanisms=self.mechanisms,
            user=self.password_allowed,
            stls=self.services.tls_available and not self.secured,
            login_delay=self.services.policy.login_delay,
            expire_days=self.services.policy.expire_days,
        )
