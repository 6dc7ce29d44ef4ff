"""What all connections of one server share."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from pillarbox.contracts.meter import Meter
from pillarbox.delivery.address import AddressBook
from pillarbox.delivery.admission import Admission, Room
from pillarbox.delivery.intake import Intake
from pillarbox.delivery.policy import DeliveryPolicy


class Client(Protocol):
    """A connection, as the server sees it."""

    def wind_up(self) -> None:
        """End the session: now if it is between two messages, else after this one."""

    def cut_off(self) -> None:
        """End the connection now."""


class Present:
    """The clients that are here."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: Client) -> None:
        self._clients.add(client)
        self._empty.clear()

    def remove(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()

    def all(self) -> tuple[Client, ...]:
        """Those of this moment."""
        return tuple(self._clients)

    async def gone(self) -> None:
        """Wait until nobody is left."""
        await self._empty.wait()


@dataclass(slots=True)
class Desk:
    """Handed to each connection; only the server makes one."""

    policy: DeliveryPolicy
    intake: Intake
    book: AddressBook
    meter: Meter
    tls: ssl.SSLContext | None
    present: Present = field(init=False, default_factory=Present)
    admissions: defaultdict[str, Admission] = field(init=False)
    """By door: a crowd at SMTP must not keep out the mail server that comes by LMTP."""
    room: Room = field(init=False)

    def __post_init__(self) -> None:
        self.admissions = defaultdict(partial(Admission, self.policy))
        self.room = Room(self.policy.messages_in_flight * _held(self.policy.max_message_octets))


def _held(octets: int) -> int:
    """A message of so many octets on the wire, at the worst (see content.Arrival)."""
    return octets + octets // 3 + 64
