"""A name server on loopback, for SRV records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = Mapping[str, str | dns.rcode.Rcode]
"""By name: records, one a line, as in a zone file; or what is wrong. Else: no such name."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as asyncio's documentation has it
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        (question,) = query.question
        known = self.zone.get(question.name.to_text(), dns.rcode.NXDOMAIN)
        if isinstance(known, str):
            rows = known.splitlines()
            if rows:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "SRV", *rows))
        else:
            reply.set_rcode(known)
        self.transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def name_server(zone: Zone) -> AsyncIterator[tuple[str, int]]:
    """Its address and port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(zone), local_addr=("127.0.0.1", 0)
    )
    yield transport.get_extra_info("sockname")
    transport.close()
