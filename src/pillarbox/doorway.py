"""Accepting at a door to which load balancers bring their clients (PROXY protocol).

Whoever connects from one of their addresses must begin with a PROXY header; its source is then
the peer, for limits, delays and logs. Everybody else comes in as at any other door: from them
such a header is a bad command.

The header is read here, before the connection has a transport: octet by octet no more than it
has, by peeking. So the TLS hello that may follow in the same segment is where TLS looks for it,
and a connection that is let in is like any other. Doors without load balancers have nothing to
do with this module: the event loop accepts for them.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from pillarbox.peers import Networks, is_loopback, peer_of
from pillarbox.wire.proxy_header import MAX_V2, BadHeader, HeaderReader, ProxyHeader

log = structlog.get_logger("pillarbox.doorway")

BACKLOG = 1024
"""Connections that the kernel may hold for a process that is busy; the kernel has the last word."""

MAX_ACCEPTED = 64
"""Connections accepted in one turn of the event loop; those who are in want to be served, too."""

MAX_NAMELESS = 1000
"""Connections whose header has not come yet. A load balancer sends it with the first segment; so
many without one mean that it is none, or very ill."""

_RETRY_SECONDS = 1.0
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(frozen=True, slots=True)
class Proxies:
    """The load balancers of a door."""

    networks: Networks
    """Where they connect from."""
    patience: float
    """Seconds in which a header has to come."""
    tls: bool = False
    """Whether they are believed that a client has come over TLS."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """A client that a load balancer has brought."""

    peer: str
    """Its name (see :mod:`pillarbox.peers`)."""
    tls: bool = False
    """It speaks TLS with the load balancer, and that is to be believed."""


Factory = Callable[[Introduced | None], asyncio.BaseProtocol]
"""Makes the protocol of a connection; None: it came by itself."""

Refused = Callable[[str], None]
"""Told, for the meter, why a connection was refused."""


class Doorway:
    """One listening socket. Accepts until it is closed."""

    def __init__(
        self, sock: socket.socket, factory: Factory, proxies: Proxies, door: str, refused: Refused
    ) -> None:
        self._sock = sock
        self._factory = factory
        self._proxies = proxies
        self._door = door
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._nameless: set[_Nameless] = set()
        self._entering: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._loop.add_reader(sock.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more. Those whose header is still to come may bring it."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def drop_nameless(self) -> None:
        """Close the connections whose header has not come."""
        for one in tuple(self._nameless):
            one.end()

    async def settled(self) -> None:
        """Wait until everybody who was accepted is in or gone: as long as a header may take."""
        await self._quiet.wait()

    def _accept(self) -> None:
        for _ in range(MAX_ACCEPTED):
            try:
                client, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                self._pause(error)
                return
            client.setblocking(False)
            self._receive(client, peer_of(address))

    def _pause(self, error: OSError) -> None:
        """The system has nothing left; asking again at once would only keep the processor busy."""
        log.error("cannot accept", door=self._door, error=error.strerror)
        self._loop.remove_reader(self._sock.fileno())
        self._loop.call_later(_RETRY_SECONDS, self._resume)

    def _resume(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _receive(self, client: socket.socket, peer: str) -> None:
        if peer not in self._proxies.networks:
            self._let_in(client, None)
        elif len(self._nameless) >= MAX_NAMELESS:
            self._refuse(client, peer, "too many connections without a PROXY header")
        else:
            self._quiet.clear()
            one = _Nameless(self, client, peer)
            self._nameless.add(one)
            one.begin(self._proxies.patience)

    def named(self, one: _Nameless, header: ProxyHeader) -> None:
        """The header has come."""
        self._nameless.discard(one)
        self._let_in(one.client, introduction(header, one.peer, tls=self._proxies.tls))

    def failed(self, one: _Nameless, why: str) -> None:
        """It will not come. Empty: nothing came at all, as when somebody only tries the port."""
        self._nameless.discard(one)
        self._refuse(one.client, one.peer, why)
        self._settle()

    def _refuse(self, client: socket.socket, peer: str, why: str) -> None:
        client.close()
        if why:
            log.warning("connection refused", peer=peer, door=self._door, reason=why)
            self._refused("PROXY header")

    def _let_in(self, client: socket.socket, introduced: Introduced | None) -> None:
        self._quiet.clear()
        task = self._loop.create_task(self._enter(client, introduced))
        self._entering.add(task)
        task.add_done_callback(self._entered)

    async def _enter(self, client: socket.socket, introduced: Introduced | None) -> None:
        try:
            if client.family != socket.AF_UNIX:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(lambda: self._factory(introduced), client)
        except OSError as gone:  # in the meantime
            client.close()
            log.debug("client gone", door=self._door, problem=repr(gone))

    def _entered(self, task: asyncio.Task[None]) -> None:
        self._entering.discard(task)
        self._settle()

    def _settle(self) -> None:
        if not self._nameless and not self._entering:
            self._quiet.set()


ARRIVAL_TURNS = 4
"""Turns of an event loop from its accepting a client to its telling the server of it: two of uvloop's,
three of asyncio's."""


async def let_arrive() -> None:
    """Let those arrive whom the event loop has accepted just before its listeners were closed. Who
    only looked for those that are there would go, and leave them behind with a server that is closed.
    """
    for _ in range(ARRIVAL_TURNS):
        await asyncio.sleep(0)


async def close_doorways(doorways: Sequence[Doorway], *, leave_nameless: bool) -> None:
    """Have all of them accept no more, and then wait until everybody who was accepted is in or
    gone. Who has not brought its header may still do so with *leave_nameless*.
    """
    for doorway in doorways:  # all before the first wait: that may be long
        doorway.close()
        if not leave_nameless:
            doorway.drop_nameless()
    for doorway in doorways:
        await doorway.settled()


class _Nameless:
    """A connection whose header is being read."""

    __slots__ = ("_doorway", "_loop", "_reader", "_timer", "client", "peer")

    def __init__(self, doorway: Doorway, client: socket.socket, peer: str) -> None:
        self.client = client
        self.peer = peer
        self._doorway = doorway
        self._reader = HeaderReader()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle

    def begin(self, patience: float) -> None:
        self._timer = self._loop.call_later(patience, self.end, "no PROXY header in time")
        self._loop.add_reader(self.client.fileno(), self._read)

    def end(self, why: str = "") -> None:
        """Close it."""
        self._stop()
        self._doorway.failed(self, why)

    def _stop(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self.client.fileno())

    def _read(self) -> None:
        try:
            while self._reader.header is None:
                waiting = self.client.recv(MAX_V2, socket.MSG_PEEK)
                taken = self._reader.take(waiting)
                if not taken:  # the end of the stream: every other octet is taken or refused
                    self.end(
                        "the connection ended within a PROXY header" if self._reader.begun else ""
                    )
                    return
                self.client.recv(taken)
        except (BlockingIOError, InterruptedError):
            return
        except BadHeader as error:
            self.end(str(error))
        except OSError:
            self.end()
        else:
            self._stop()
            self._doorway.named(self, self._reader.header)


def introduction(header: ProxyHeader, proxy: str, *, tls: bool) -> Introduced:
    """Who it is, by the *header* of a load balancer whose own name is *proxy*.

    Without a source the load balancer speaks for itself. So it does with one on "this machine",
    unless it is on this machine itself: its loopback is not ours, and must not get what ours gets
    (passwords without TLS).
    """
    secured = tls and header.tls
    if header.source is None:
        return Introduced(proxy, secured)
    peer = peer_of((header.source, 0))
    unusable = peer in {"0.0.0.0", "::"} or (is_loopback(peer) and not is_loopback(proxy))  # noqa: S104 - compared
    return Introduced(proxy if unusable else peer, secured)
