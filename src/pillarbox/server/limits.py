"""What a client may do, and how much of it: every limit by name, with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pillarbox.peers import Networks, Visitors, network_of
from pillarbox.sasl.surroundings import TokenAdvice
from pillarbox.server.client_certificate import Kind

MAX_PIPELINED = 64 * 1024
"""Octets of commands that may wait while one is carried out. Past it reading pauses: TCP
then holds the client back. Enough for 8,000 ``RETR 1234`` in one write."""

READ_SIZE = 64 * 1024
"""Octets taken from a connection in one read."""

MAX_TURN = 0.01
"""Seconds that one connection's commands may take before other connections get a turn. A
client that asks for long listings in one write would otherwise hold all others up."""

MAX_JOINED = 64 * 1024
"""Octets of replies that are gathered for one write. More than that gains nothing (the
system call is amortised) and only costs memory."""

WRITE_HIGH_WATER = 128 * 1024
"""Octets that may wait for a client that reads slowly; past it its session stands still.
A body is read in pieces of up to 256 KiB, so a stalled client costs less than half a MiB."""

MAX_UNREAD = 1024 * 1024
"""Octets that may wait for a client which asks for new TLS keys, again and again, and does not
read the answers (RFC 8446, section 4.6.3). Its session's replies stand still long before."""

MAX_SIGN_IN_FAILURES = 5
"""Refused sign-ins on one connection: enough for a person's typing errors, few enough that
guessing pays for a new connection, and meets the limits on those."""

LAST_WAIT = 5.0
"""Seconds in which connections that have been broken off must be gone when the server stops.
One whose QUIT hangs in a store that hangs is left behind: better than never to stop."""

LISTEN_BACKLOG = 1024
"""Connections that the kernel may hold for a worker that is busy."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How this server is to behave; times in seconds."""

    hostname: str = "localhost"
    cleartext: Literal["never", "loopback", "always"] = "loopback"
    """From where a password is accepted without TLS."""
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    """Of these, what can work on a connection is offered there."""
    tokens: TokenAdvice | None = None
    """What a client is told whose access token was refused; None: nobody can check tokens, and
    the mechanisms for them are not offered."""
    apop: bool = False
    idle_timeout: float = 600
    """Without a command in TRANSACTION (RFC 1939, section 3, wants at least 600)."""
    login_timeout: float = 60
    """From the connection to the sign-in."""
    login_delay: int = 0
    """Between two logins to one view (RFC 2449, LOGIN-DELAY); 0: no rule."""
    visitors: Visitors = field(default_factory=Visitors)
    """Who is admitted."""
    client_identity: tuple[Kind, ...] = ()
    """Which names of a client's certificate are users'; none: clients are not asked for one."""
    expire_days: int | None = None
    """Days that mail is kept at the least (RFC 2449, EXPIRE); None: for ever."""


class AddressTally(Protocol):
    """Counts connections per address, and in all."""

    def enter(self, address: str) -> bool:
        """Count one more from *address*; False (and not counted) when a limit is reached."""

    def leave(self, address: str) -> None:
        """One that was counted has gone."""


class LocalTally:
    """The tally of a single process."""

    def __init__(self, per_address: int, total: int, unlimited: Networks | None = None) -> None:
        self._per_address = per_address
        self._total = total
        self._unlimited = unlimited or Networks()
        self._count: Counter[str] = Counter()
        self._all = 0

    def enter(self, address: str) -> bool:
        peer = network_of(address)
        if self._all >= self._total:
            return False
        if self._count[peer] >= self._per_address and address not in self._unlimited:
            return False
        self._all += 1
        self._count[peer] += 1
        return True

    def leave(self, address: str) -> None:
        peer = network_of(address)
        self._all -= 1
        self._count[peer] -= 1
        if not self._count[peer]:
            del self._count[peer]
