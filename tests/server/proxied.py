"""A house behind load balancers: clients that begin with a PROXY header, piece by piece."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from pillarbox.contracts.meter import NullMeter
from pillarbox.doorway import Proxies
from pillarbox.peers import Network, Networks
from pillarbox.server.limits import AddressTally, LocalTally, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.tls import server_context
from tests.server.house import AUTHORITY
from tests.transport import settle
from tests.world import Accounts, FaultyStore

_T = TypeVar("_T")
Place = tuple[str, int] | str
"""Of a door: host and port, or a socket file."""

PROXY = "127.0.0.1"
STRANGER = "127.0.0.2"
CLIENT = "203.0.113.7"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]

_SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")


def v1(source: str = CLIENT) -> bytes:
    return f"PROXY TCP4 {source} 192.0.2.1 49152 995\r\n".encode()


def v2(source: str = CLIENT, values: bytes = b"", command: int = 1) -> bytes:
    addresses = ipaddress.IPv4Address(source).packed + bytes(4) + b"\xc0\x00\x03\xe3"
    rest = addresses + values
    return _SIGNATURE + bytes((0x20 | command, 0x11)) + len(rest).to_bytes(2, "big") + rest


OVER_TLS = b"\x20\0\x05\x01\0\0\0\0"
"""PP2_TYPE_SSL with PP2_CLIENT_SSL."""


class Caller:
    """A connection on which the test sends whatever it wants."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def at(cls, address: Place, source: str = PROXY) -> Caller:
        is_file = isinstance(address, str)
        sock = socket.socket(socket.AF_UNIX if is_file else socket.AF_INET)
        sock.setblocking(False)
        if not is_file:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.bind((source, 0))
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, address)
        return cls(sock)

    async def send(self, *pieces: bytes) -> None:
        """Each piece by itself: the server reads one before the next is sent."""
        for piece in pieces:
            await self._loop.sock_sendall(self._sock, piece)
            await settle()

    async def hear(self) -> bytes:
        """What comes next; empty: the connection is over."""
        try:
            return await self._loop.sock_recv(self._sock, 65536)
        except ConnectionError:
            return b""

    async def hear_all(self) -> bytes:
        said = b""
        while piece := await self.hear():
            said += piece
        return said

    def close(self) -> None:
        self._sock.close()


class TlsCaller:
    """The client's side of TLS over a :class:`Caller`, with the hello in the test's hands."""

    def __init__(self, caller: Caller, context: ssl.SSLContext) -> None:
        self._caller = caller
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def hello(self) -> bytes:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._out.read()
        raise AssertionError("shaken hands with nobody")

    async def shake_hands(self) -> None:
        await self._run(self._tls.do_handshake)

    async def hear(self) -> bytes:
        return await self._run(lambda: self._tls.read(65536))

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._caller.send(self._out.read())

    async def _run(self, step: Callable[[], _T]) -> _T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                heard = await self._caller.hear()
                if not heard:
                    raise ConnectionAbortedError from None
                self._in.write(heard)
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if out := self._out.read():
            await self._caller.send(out)


class ProxiedHouse:
    """A server whose doors are behind load balancers at :data:`PROXY` and on a socket file."""

    def __init__(
        self, folder: Path, *, policy: Policy, tally: AddressTally | None, proxy_tls: bool
    ) -> None:
        pem = folder / "server.pem"
        AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
        self.store = FaultyStore()
        self.server = Pop3Server(
            store=self.store,
            authenticator=Accounts({"mrose": "tanstaaf"}),
            policy=policy,
            tls=server_context(pem, pem),
            meter=NullMeter(),
            tally=tally or LocalTally(100, 100),
        )
        networks = Networks([Network.parse(PROXY), Network.parse("unix")])
        self.proxies = Proxies(networks, policy.login_timeout, tls=proxy_tls)
        self.addresses: dict[str, Place] = {}
        self.callers: list[Caller] = []
        self.context = ssl.create_default_context()
        AUTHORITY.configure_trust(self.context)
        self.file = str(folder / "pop3")

    async def open(self) -> None:
        for door in ("pop3", "pop3s"):
            listening = socket.create_server(("127.0.0.1", 0))
            self.addresses[door] = listening.getsockname()
            await self.server.listen(door, listening, self.proxies)
        file = socket.socket(socket.AF_UNIX)
        file.bind(self.file)
        await self.server.listen("pop3", file, self.proxies)
        self.addresses["file"] = self.file

    async def call(self, door: str, source: str = PROXY) -> Caller:
        self.callers.append(await Caller.at(self.addresses[door], source))
        return self.callers[-1]


def in_house(
    folder: Path,
    loop: Callable[[], asyncio.AbstractEventLoop],
    play: Callable[[ProxiedHouse], Awaitable[None]],
    *,
    policy: Policy | None = None,
    tally: AddressTally | None = None,
    proxy_tls: bool = False,
) -> None:
    """Run *play* with an open house on an event loop of that kind."""

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 60
        house = ProxiedHouse(
            folder,
            policy=policy or Policy(hostname="localhost", cleartext="always"),
            tally=tally,
            proxy_tls=proxy_tls,
        )
        await house.open()
        try:
            await play(house)
        finally:
            for caller in house.callers:
                caller.close()
            await house.server.stop(0)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
