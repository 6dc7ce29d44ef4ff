"""Who wants to sign in, as far as it matters for how long they wait."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from pillarbox.peers import KNOWN_PEERS, is_loopback, network_of

LOCAL = "local"
"""The network of all peers on this machine."""


class Rank(IntEnum):
    """In which order applicants come to their hashes; the first first."""

    KNOWN = 0
    """The password was proved before, or the account has signed in from this network lately."""
    CALM = 1
    """Nothing is held against the address."""
    SUSPECT = 2
    """The address has failed lately."""


class Applicant:
    """One claim at the door.

    Args:
        peer: the client's address, as the contract has it.
        user: the account's name, normalised and without a device, so that no spelling of it
            counts apart; None: it can be nobody's, or is not known before the claim is checked.
        secret: what is the same when the same claim is made again (a password, a token); None
            when nothing is (APOP, SCRAM). Never shown.
    """

    __slots__ = ("key", "network", "rank", "rationed", "secret", "user")

    def __init__(self, peer: str, user: str | None, secret: bytes | None = None) -> None:
        self.network = network = _network_of(peer)
        self.key = network if network is not LOCAL else f"local {user or ''}"
        """What failures count against: the network; on this machine, the name that is tried."""
        self.user = user
        self.secret = secret
        self.rank = Rank.KNOWN
        """Until the look has found nothing: who hashes before that has a password that is known."""

        self.rationed = False
        """Has had a look from the account's ration."""

    def __repr__(self) -> str:
        return f"<Applicant {self.key!a} for {self.user!a}>"


@lru_cache(maxsize=KNOWN_PEERS)
def _network_of(peer: str) -> str:
    return LOCAL if is_loopback(peer) else network_of(peer)
