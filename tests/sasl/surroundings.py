"""A place for exchanges in tests, where all mechanisms can work and nothing is random."""

from __future__ import annotations

from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.surroundings import Surroundings, TokenAdvice

BINDING = ChannelBinding("tls-server-end-point", bytes(range(32)))
EXPORTER = ChannelBinding("tls-exporter", bytes(range(100, 132)))
ADVICE = TokenAdvice("https://example.com/.well-known/openid-configuration", "example_scope")


def _not_random(octets: int) -> bytes:
    return b"\0" * octets


HERE = Surroundings(
    clock=lambda: 697170952.5,
    random=_not_random,
    hostname="postoffice.reston.mci.net",
    bindings=(BINDING,),
    identities=("fred@example.com",),
    scram_hashes=frozenset({"sha1", "sha256"}),
    tokens=ADVICE,
)
