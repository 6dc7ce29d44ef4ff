"""The pure core as a stage: the machine and the session, stepped without an event loop."""

from __future__ import annotations

from pillarbox.contracts.meter import NullMeter
from pillarbox.server.session import Services, Session
from pillarbox.server.verbs import respond
from pillarbox.testing.transcript_player import SilenceError
from pillarbox.testing.transcript_steps import Event, Setting
from pillarbox.wire.errors import RemoteProtocolError
from pillarbox.wire.server import ServerMachine
from pillarbox.wire.states import State
from tests.transcripts.stage import TIMESTAMP, World


class CoreStage:
    """Implements :class:`pillarbox.testing.transcript_player.Stage`."""

    def __init__(self, chunk: int = 0) -> None:
        self.chunk = chunk
        self._out = bytearray()

    async def prepare(self, setting: Setting) -> None:
        self.world = World(setting)
        await self.world.build()
        self._services = Services(
            self.world.store,
            self.world.accounts,
            self.world.policy,
            NullMeter(),
            tls_available=setting.certificate,
        )

    async def connect(self) -> None:
        setting = self.world.setting
        timestamp = TIMESTAMP if setting.apop else None
        self._machine = ServerMachine()
        self._session = Session(self._services, setting.client, timestamp)
        self._session.secured = setting.port != "pop3"
        self.world.tell_of_tls(self._session)
        self._closed = False
        self._out[:] = self._machine.greeting("POP3 server ready", timestamp)

    async def send(self, data: bytes) -> None:
        chunk = self.chunk or len(data)
        for position in range(0, len(data), chunk):
            if not self._closed:
                await self._feed(data[position : position + chunk])

    async def _feed(self, data: bytes) -> None:
        try:
            self._machine.receive(data)
        except RemoteProtocolError:
            await self.act("cut")
            return
        while (event := self._machine.next_event()) is not None:
            for segment in self._machine.answer(await respond(self._session, event)):
                if isinstance(segment, bytes):
                    self._out += segment
                else:
                    async for piece in segment:
                        self._out += piece
                    await segment.aclose()
        if self._machine.state is State.CLOSED:
            await self.act("cut")

    async def receive(self) -> bytes:
        if not self._out and not self._closed:
            raise SilenceError
        said = bytes(self._out)
        self._out.clear()
        return said

    async def act(self, what: str) -> None:
        if what == "tls":
            assert self._machine.state is State.HANDSHAKE
            self._machine.secured()
            self._session.start_over()
            self.world.tell_of_tls(self._session)
        else:
            self._closed = True
            await self._session.release()

    async def meanwhile(self, event: Event) -> None:
        await self.world.meanwhile(event)

    async def holdings(self, user: str) -> list[tuple[str, int]]:
        return await self.world.holdings(user)

    async def close(self) -> None:
        await self.world.store.close()
