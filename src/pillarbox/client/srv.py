"""SRV records: what the DNS says of a service (RFC 2782).

Looking them up needs dnspython, which is imported only then: the standard library knows no
records but addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.client.errors import InvalidSetting, Unreachable

PATIENCE = 5.0
"""Seconds for one question, with all its repetitions: somebody waits at a screen."""

MOST_RECORDS = 16
"""Records of an answer that are looked at."""


class Srv(NamedTuple):
    """One server that offers the service."""

    priority: int
    """The lowest is to be used first."""
    weight: int
    """Among servers of one priority, its share."""
    port: int
    target: str
    """Name of the server; ``.``: the service is decidedly not offered."""


async def srv_records(name: str, *, nameserver: tuple[str, int] | None = None) -> Sequence[Srv]:
    """The records of *name* (``_pop3s._tcp.example.org``); empty when there are none.

    Args:
        name: in A-labels.
        nameserver: address and port; None: what the system uses.

    Raises:
        InvalidSetting: dnspython is not installed.
        Unreachable: the DNS does not answer, or says that it cannot.
    """
    try:
        from dns.asyncresolver import Resolver  # noqa: PLC0415 -- an optional extra
        from dns.exception import DNSException  # noqa: PLC0415 -- the same
        from dns.resolver import NXDOMAIN  # noqa: PLC0415 -- the same
    except ImportError:
        raise InvalidSetting(
            'looking up servers in the DNS needs dnspython: pip install "pillarbox[discovery]"'
        ) from None
    try:
        resolver = Resolver(configure=nameserver is None)
        if nameserver is not None:
            resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
        answer = await resolver.resolve(
            name, "SRV", search=False, raise_on_no_answer=False, lifetime=PATIENCE
        )
    except NXDOMAIN:
        return ()
    except (DNSException, OSError) as error:
        raise Unreachable(
            f"looking up {name} failed: {error}; check the network of this machine and its DNS, "
            "or try again later"
        ) from error
    rows = list(answer)[:MOST_RECORDS]
    return [Srv(row.priority, row.weight, row.port, row.target.to_text()) for row in rows]
