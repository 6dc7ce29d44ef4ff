"""Names of services, told by DNS as Docker does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

_SECONDS = 10
"""For which an answer may be kept."""


class NameServer:
    """Answers until it is closed. *listener* is a socket that somebody has bound; what there is to
    be said depends on the network from which it is asked.
    """

    def __init__(
        self, listener: socket.socket, zones: Mapping[IPv4Network, Mapping[str, str]]
    ) -> None:
        self._listener = listener
        self._zones = zones
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):  # "not connected"; but whoever waits for a datagram wakes up
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            asked, whom = self._listener.recvfrom(65535)
            if not asked:
                return
            try:
                question = dns.message.from_wire(asked)
            except dns.exception.DNSException:
                continue
            asker = IPv4Address(whom[0])
            (zone,) = (zone for network, zone in self._zones.items() if asker in network)
            self._listener.sendto(_answer(question, zone).to_wire(), whom)


def _answer(question: dns.message.Message, zone: Mapping[str, str]) -> dns.message.Message:
    answer = dns.message.make_response(question)
    answer.flags |= dns.flags.RA
    for asked in question.question:
        address = zone.get(str(asked.name).removesuffix("."))
        if address is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, _SECONDS, "IN", "A", address))
    return answer
