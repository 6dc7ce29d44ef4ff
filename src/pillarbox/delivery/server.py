"""The delivery server: listening sockets, and an orderly end.

Sockets come bound from outside (the supervisor binds them before it drops privileges). LMTP
over TCP belongs on loopback or a private network: see :mod:`pillarbox.delivery.lmtp`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from pillarbox.contracts.auth import Directory
from pillarbox.contracts.meter import Meter, NullMeter
from pillarbox.contracts.store import Store
from pillarbox.delivery.address import AddressBook
from pillarbox.delivery.connection import Connection
from pillarbox.delivery.desk import Desk, Present
from pillarbox.delivery.intake import Intake
from pillarbox.delivery.lmtp import LmtpConnection
from pillarbox.delivery.policy import DeliveryPolicy
from pillarbox.delivery.smtp import SmtpConnection
from pillarbox.doorway import Doorway, Proxies, close_doorways, let_arrive

log = structlog.get_logger("pillarbox.delivery")

BACKLOG = 1024
"""Connections that may wait to be accepted; the kernel has the last word."""

LAST_MESSAGE_SECONDS = 30.0
"""For the messages that are coming in when the sessions that a reload has left have had all their
time: as long as after a SIGTERM by default."""

CUT_OFF_SECONDS = 10.0
"""For sessions that were cut off to be put away. It takes milliseconds; a session that hangs even
so must not keep the process from ending."""

_DOORS: dict[str, type[Connection]] = {"lmtp": LmtpConnection, "smtp": SmtpConnection}


class DeliveryServer:
    """Mail's way in, through any number of sockets.

    Args:
        store: where mail is kept. Not closed by the server.
        directory: finds the account for an address.
        policy: what is accepted.
        tls: offered by STARTTLS on TCP sockets; None: not offered.
        meter: told of each recipient's outcome and of refused connections.
    """

    def __init__(
        self,
        *,
        store: Store,
        directory: Directory,
        policy: DeliveryPolicy,
        tls: ssl.SSLContext | None = None,
        meter: Meter | None = None,
    ) -> None:
        counted = meter or NullMeter()
        book = AddressBook(directory, policy.domains)
        self._desk = Desk(
            policy=policy,
            intake=Intake(store=store, book=book, policy=policy, meter=counted),
            book=book,
            meter=counted,
            tls=tls,
        )
        self._listeners: list[asyncio.Server] = []
        self._doorways: list[Doorway] = []

    async def listen(self, door: str, sock: socket.socket, proxies: Proxies | None = None) -> None:
        """Accept clients on *sock*, a bound stream socket (TCP or unix), which it takes over.

        *proxies*: load balancers that bring clients to it. (What they say of TLS is not asked.)

        Raises:
            ValueError: *door* is neither ``lmtp`` nor ``smtp``.
        """
        if door not in _DOORS:
            raise ValueError(f"no door {door!r}: delivery has {' and '.join(_DOORS)}")
        sock.setblocking(False)
        factory = partial(_DOORS[door], self._desk)
        if proxies is not None:
            refused = partial(self._desk.meter.connection_refused, door)
            self._doorways.append(Doorway(sock, factory, proxies, door, refused))
        else:
            self._listeners.append(await _serve(factory, sock))

    async def stop(self, grace: float, *, leave_newcomers: bool = False) -> None:
        """Stop accepting; let a message that is coming in be finished within *grace* seconds.

        Sessions between two messages end at once, with 421; unless *leave_newcomers*: when others
        take this server's place nobody need notice, so sessions go on until their clients
        end them or say nothing for too long, and only what is left after *grace* seconds ends
        so. What was answered with 250 is stored; what was not, the sender still has.
        """
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        await close_doorways(self._doorways, leave_nameless=leave_newcomers)
        self._doorways.clear()
        await let_arrive()
        present = self._desk.present
        if leave_newcomers:
            if await _gone(present, grace):
                return
            grace = LAST_MESSAGE_SECONDS
        for client in present.all():
            client.wind_up()
        if await _gone(present, grace):
            return
        log.warning("sessions cut off", count=len(present))
        for client in present.all():
            client.cut_off()
        if not await _gone(present, CUT_OFF_SECONDS):
            log.error("sessions did not end", count=len(present))


async def _gone(present: Present, seconds: float) -> bool:
    """Whether everybody has left, within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await present.gone()
    except TimeoutError:
        return False
    return True


async def _serve(factory: Callable[[], Connection], sock: socket.socket) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if sock.family != socket.AF_UNIX:
        return await loop.create_server(factory, sock=sock, backlog=BACKLOG)
    options: dict[str, Any] = {}
    if sys.version_info >= (3, 13) and isinstance(loop, asyncio.SelectorEventLoop):
        # Other workers share the socket: whoever bound it removes its file.
        options["cleanup_socket"] = False
    return await loop.create_unix_server(factory, sock=sock, backlog=BACKLOG, **options)
