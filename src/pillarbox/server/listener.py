"""The front door: sockets on which sessions begin, and the end of them all."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial

from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Store
from pillarbox.doorway import Doorway, Proxies, close_doorways, let_arrive
from pillarbox.server.connection import Connection
from pillarbox.server.door import Door, Guest
from pillarbox.server.limits import LAST_WAIT, LISTEN_BACKLOG, AddressTally, Policy
from pillarbox.server.report import End
from pillarbox.server.session import Services, log
from pillarbox.wire.replies import Code, Reply, err

_TOO_MANY = err("too many connections; try again later", Code.SYS_TEMP)
_NOT_ADMITTED = err("clients are not admitted from your address", Code.SYS_PERM)

_SWEEPS_PER_TIMEOUT = 20
"""Time-outs are found by a sweep over all connections instead of a timer for each (which
would be made and cancelled at every command): they are up to a twentieth late."""


class Pop3Server:
    """POP3 and POP3S for one process."""

    def __init__(
        self,
        *,
        store: Store,
        authenticator: Authenticator,
        policy: Policy,
        tls: ssl.SSLContext | None,
        meter: Meter,
        tally: AddressTally,
    ) -> None:
        self.services = Services(store, authenticator, policy, meter, tls is not None)
        self.tls = tls
        self._tally = tally
        self._servers: list[asyncio.Server] = []
        self._doorways: list[Doorway] = []
        self._connections: set[Guest] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def listen(self, door: str, sock: socket.socket, proxies: Proxies | None = None) -> None:
        """Accept connections on a bound socket: *door* is ``pop3``, or ``pop3s`` (TLS first).

        *proxies*: load balancers that bring clients to it.

        Raises:
            ValueError: ``pop3s`` without a TLS context.
        """
        if door == "pop3s" and self.tls is None:
            raise ValueError("pop3s needs a certificate")
        way_in = Door(self, door, implicit_tls=door == "pop3s")
        loop = way_in.loop
        if self._sweeper is None:
            self._sweeper = loop.create_task(self._sweep())
        if proxies is not None:
            factory = partial(Connection, way_in)
            refused = partial(self.services.meter.connection_refused, door)
            self._doorways.append(Doorway(sock, factory, proxies, door, refused))
            return
        create = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
        server = await create(lambda: Connection(way_in), sock=sock, backlog=LISTEN_BACKLOG)
        self._servers.append(server)

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    async def stop(self, grace: float, *, leave_newcomers: bool = False) -> None:
        """Stop accepting; let sessions finish for *grace* seconds, then break them off.

        Breaking off removes nothing. Clients that have not signed in have nothing to finish
        and are broken off at once, unless *leave_newcomers*: when others take this server's
        place, they may as well sign in here.
        """
        for server in self._servers:
            server.close()
        await close_doorways(self._doorways, leave_nameless=leave_newcomers)
        await let_arrive()
        for connection in list(self._connections):
            if connection.at_rest and not leave_newcomers:
                connection.close(End.SHUTDOWN)
        if not await self._all_gone(grace):
            for connection in list(self._connections):
                connection.close(End.SHUTDOWN)
            if not await self._all_gone(LAST_WAIT):
                log.error("sessions left behind", count=self.connections)
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _all_gone(self, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def admit(self, guest: Guest, peer: str, door: str) -> Reply | None:
        """See :meth:`pillarbox.server.door.Keeper.admit`."""
        if self.services.policy.visitors.turns_away(peer):
            log.info("connection refused", peer=peer, door=door, reason="not admitted")
            self.services.meter.connection_refused(door, "not admitted")
            return _NOT_ADMITTED
        if not self._tally.enter(peer):
            log.warning("connection refused", peer=peer, door=door, reason="limit reached")
            self.services.meter.connection_refused(door, "too many connections")
            return _TOO_MANY
        self._connections.add(guest)
        self._empty.clear()
        self.services.meter.session_began(door)
        return None

    def discharge(self, guest: Guest, peer: str) -> None:
        """See :meth:`pillarbox.server.door.Keeper.discharge`."""
        self._tally.leave(peer)
        self._connections.discard(guest)
        if not self._connections:
            self._empty.set()

    async def _sweep(self) -> None:
        policy = self.services.policy
        pause = min(policy.idle_timeout, policy.login_timeout) / _SWEEPS_PER_TIMEOUT
        while True:
            await asyncio.sleep(pause)
            self.expire(asyncio.get_running_loop().time())

    def expire(self, now: float) -> None:
        """Close every connection whose time is up."""
        for connection in list(self._connections):
            connection.expire(now)
