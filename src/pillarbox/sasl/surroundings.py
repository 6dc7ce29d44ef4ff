"""What a server's exchange needs to know of the place where it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.sasl.channel import ChannelBinding


class TokenAdvice(NamedTuple):
    """What a client is told whose access token was refused (RFC 7628, section 3.2.2)."""

    openid_configuration: str = ""
    """URL of the authorization server's metadata; empty: not said."""
    scope: str = ""
    """What a token has to be good for, separated by spaces; empty: not said."""


class Surroundings(NamedTuple):
    """The server, and the connection as it is now."""

    clock: Callable[[], float]
    """Seconds since 1970."""
    random: Callable[[int], bytes]
    """So many octets that nobody can guess."""
    hostname: str = "localhost"
    """The server's name."""
    bindings: tuple[ChannelBinding, ...] = ()
    """Those of the TLS connection, the preferred one first; none without TLS."""
    plus_offered: bool = False
    """The client was told of a -PLUS mechanism: who says that there was none has been
    lied to (RFC 5802, section 6)."""
    identities: tuple[str, ...] = ()
    """The names in the client's certificate that stand for users; none without one that the
    handshake has verified."""
    scram_hashes: frozenset[str] = frozenset()
    """The hashes that SCRAM keys are kept for, as hashlib calls them."""
    tokens: TokenAdvice | None = None
    """What is said of access tokens that are refused; None: nobody could check one."""
