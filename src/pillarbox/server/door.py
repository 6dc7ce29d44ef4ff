"""A door: what the connections through one listening socket have in common.

Connections know their door; the door knows who keeps it (the server), and the keeper knows
of a connection only what :class:`Guest` says.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import time
from logging import DEBUG
from typing import Protocol

from pillarbox.server.client_certificate import has_expired
from pillarbox.server.report import End
from pillarbox.server.session import Services, log
from pillarbox.server.tls_transport import TlsTransport
from pillarbox.wire.replies import Reply

_counter = itertools.count()


class Guest(Protocol):
    """What a door's keeper needs of a connection."""

    @property
    def at_rest(self) -> bool:
        """Nothing is open and nothing is being done: closing now disturbs nobody."""

    def expire(self, now: float) -> None:
        """Close if the time is up (*now* is the event loop's)."""

    def close(self, end: End) -> None:
        """Break the connection off."""


class Keeper(Protocol):
    """Who counts the guests."""

    services: Services
    tls: ssl.SSLContext | None

    def admit(self, guest: Guest, peer: str, door: str) -> Reply | None:
        """Count a new connection (None), or say why it is turned away."""

    def discharge(self, guest: Guest, peer: str) -> None:
        """A connection that was admitted is over."""


class Door:
    """One listening socket."""

    def __init__(self, keeper: Keeper, name: str, *, implicit_tls: bool) -> None:
        self.name = name
        self.implicit_tls = implicit_tls
        self.services = keeper.services
        self.loop = asyncio.get_running_loop()
        self.traced = log.is_enabled_for(DEBUG)
        """Whether every command is to be logged (``server.log_level = "debug"``)."""
        self._keeper = keeper

    def admit(self, guest: Guest, peer: str) -> Reply | None:
        """See :meth:`Keeper.admit`."""
        return self._keeper.admit(guest, peer, self.name)

    def discharge(self, guest: Guest, peer: str) -> None:
        """See :meth:`Keeper.discharge`."""
        self._keeper.discharge(guest, peer)

    def timestamp(self) -> str | None:
        """What makes this greeting unique (RFC 1939, section 7, APOP); None: no APOP."""
        policy = self.services.policy
        if not policy.apop:
            return None
        return f"<{os.getpid()}.{next(_counter)}.{time.time_ns()}@{policy.hostname}>"

    async def start_tls(
        self, transport: asyncio.Transport, protocol: asyncio.BufferedProtocol
    ) -> asyncio.Transport:
        """Put TLS on a connection.

        Raises:
            OSError: the handshake failed or took too long (:class:`ssl.SSLError` is one), or it
                resumed a session whose certificate has expired.
        """
        context = self._keeper.tls
        assert context is not None  # noqa: S101 -- STLS is refused, and POP3S not opened, without
        secured = TlsTransport(transport, protocol, context, self.loop)
        await secured.handshake(self.services.policy.login_timeout)
        tls: ssl.SSLObject = secured.get_extra_info("ssl_object")
        if has_expired(tls.getpeercert()):
            raise ConnectionAbortedError(
                "the client's certificate is refused: it has expired since it was first shown"
            )
        return secured
