"""The connection on a memory transport as a stage: the shell without a socket."""

from __future__ import annotations

import asyncio

from pillarbox.server.listener import Pop3Server
from pillarbox.testing.transcript_player import SilenceError
from pillarbox.testing.transcript_steps import Event, Setting, TimePasses
from tests.transcripts.stage import World
from tests.transport import Client, make_server, settle


class MemoryStage:
    """Implements :class:`pillarbox.testing.transcript_player.Stage`."""

    def __init__(self, chunk: int = 0) -> None:
        self._chunk = chunk
        self._clock = 0.0

    async def prepare(self, setting: Setting) -> None:
        self._world = World(setting)
        await self._world.build()
        self._server: Pop3Server = make_server(
            self._world.store,
            self._world.accounts,
            self._world.policy,
            certificate=setting.certificate,
        )

    async def connect(self) -> None:
        setting = self._world.setting
        self._client = Client(self._server, setting.port or "pop3s", setting.client)
        await self._client.connect()
        self._world.tell_of_tls(self._client.connection.session)

    async def send(self, data: bytes) -> None:
        size = self._chunk or len(data)
        for position in range(0, len(data), size):
            self._client.transport.client_sends(data[position : position + size])
        await settle()

    async def receive(self) -> bytes:
        if said := self._client.heard():
            return said
        if self._client.transport.closed:
            return b""
        raise SilenceError

    async def act(self, what: str) -> None:
        if what == "tls":
            await self._client.door.shake_hands()
            self._world.tell_of_tls(self._client.connection.session)
        elif what == "end":
            self._client.transport.client_ends()
        else:
            self._client.transport.client_cuts()
        await settle()

    async def meanwhile(self, event: Event) -> None:
        if isinstance(event, TimePasses):
            self._clock += event.seconds
            self._server.expire(asyncio.get_running_loop().time() + self._clock)
            await settle()
        else:
            await self._world.meanwhile(event)

    async def holdings(self, user: str) -> list[tuple[str, int]]:
        return await self._world.holdings(user)

    async def close(self) -> None:
        await self._server.stop(0)
        await self._world.store.close()
