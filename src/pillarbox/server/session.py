"""What one client has said and done so far.

A session knows no sockets and no time: ``verbs`` carries out its commands by way of the store
and the authenticator, the shell (``connection``) does the rest.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from pillarbox import __version__
from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Maildrop, Store
from pillarbox.model import Identity
from pillarbox.peers import is_loopback
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.mechanism import ServerMechanism
from pillarbox.sasl.server import MECHANISMS
from pillarbox.sasl.surroundings import Surroundings
from pillarbox.server.limits import Policy
from pillarbox.server.listings import Listings
from pillarbox.server.long_listings import LongListings
from pillarbox.server.marks import Marks
from pillarbox.wire.capabilities import Offer
from pillarbox.wire.replies import Reply

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
    long_listings: LongListings = field(default_factory=LongListings)
    offered: dict[tuple[bool, bool, bool], tuple[str, ...]] = field(default_factory=dict)
    """The mechanisms that are offered in each situation: whether a password may cross, whether
    there is something to bind a sign-in to, whether there is a certificate. A poll asks twice."""


class Verdict(NamedTuple):
    """What an exchange has come to, while the mechanism's last word is with the client."""

    name: str
    """Who wants to sign in."""
    outcome: Identity | Reply
    """Who it is, or the refusal that follows."""


class Session:
    """One client's session, from greeting to goodbye."""

    __slots__ = (
        "bindings",
        "certificate_identities",
        "failures",
        "identity",
        "maildrop",
        "marks",
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
        "verdict",
    )

    def __init__(self, services: Services, peer: str, timestamp: str | None = None) -> None:
        self.services = services
        self.peer = peer
        """The client's address; ``unix`` for a local socket."""
        self.timestamp = timestamp
        """What the greeting offered for APOP; None: no APOP."""
        self.secured = False
        """TLS is up."""
        self.bindings: tuple[ChannelBinding, ...] = ()
        """What a sign-in can be bound to (of the TLS connection), the preferred one first."""
        self.certificate_identities: tuple[str, ...] = ()
        """The users' names in the certificate that the client has shown, the preferred first."""
        self.utf8 = False
        self.name = ""
        """What USER gave."""
        self.mechanism: ServerMechanism | None = None
        """Of the AUTH exchange that is going on."""
        self.verdict: Verdict | None = None
        self.failures = 0
        self.identity: Identity | None = None
        self.maildrop: Maildrop | None = None
        self.marks = Marks()
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

    def start_over(
        self,
        certificate_identities: tuple[str, ...] = (),
        bindings: tuple[ChannelBinding, ...] = (),
    ) -> None:
        """TLS is up: forget what was said before it (RFC 2595, section 4).

        What TLS tells of the client and of the connection comes along.
        """
        self.secured = True
        self.certificate_identities = certificate_identities
        self.bindings = bindings
        self.name = ""
        self.drop_exchange()
        self.utf8 = False

    def drop_exchange(self) -> None:
        """The AUTH exchange is over: nothing of it is kept (CVE-2017-15132)."""
        self.mechanism = None
        self.verdict = None

    @property
    def password_allowed(self) -> bool:
        """Whether a password may cross this connection as it is now."""
        cleartext = self.services.policy.cleartext
        if self.secured or cleartext == "always":
            return True
        return cleartext == "loopback" and is_loopback(self.peer)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that would be accepted now, as the operator has ordered them."""
        situation = (
            self.password_allowed,
            bool(self.bindings),
            bool(self.certificate_identities),
        )
        found = self.services.offered.get(situation)
        if found is None:
            allowed, here = situation[0], self._surroundings(plus_offered=False)
            found = tuple(
                name
                for name in self.services.policy.mechanisms
                if (allowed or not MECHANISMS[name].plaintext) and MECHANISMS[name].possible(here)
            )
            self.services.offered[situation] = found
        return found

    @property
    def surroundings(self) -> Surroundings:
        """What an exchange needs to know of this server and this connection."""
        offers_plus = any(name.endswith("-PLUS") for name in self.mechanisms)
        return self._surroundings(plus_offered=offers_plus)

    def _surroundings(self, *, plus_offered: bool) -> Surroundings:
        services = self.services
        policy = services.policy
        return Surroundings(
            time.time,
            secrets.token_bytes,
            policy.hostname,
            self.bindings,
            plus_offered,
            self.certificate_identities,
            services.authenticator.scram_hashes,
            policy.tokens,
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
