"""A real ``pillarbox serve`` as a stage: processes, sockets, TLS, and the embedded engine (another one:
``tests/cluster/stage.py``).

Mail is put into the store from outside, as delivery would, and looked at from outside, as
the operator's commands would, while the server runs on it. One server plays all transcripts
that need the same configuration; accounts and maildrops are made anew for each.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import signal
import tempfile
from pathlib import Path

from pillarbox.app.wire_up import Engine
from pillarbox.auth.names import normalise
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import open_store
from pillarbox.testing.transcript_player import SilenceError
from pillarbox.testing.transcript_steps import Arrives, Event, Setting
from tests.postoffice import PATIENCE, OneHash, PostOffice, Settings
from tests.world import as_stored


def configuration(setting: Setting) -> dict[str, dict[str, object]]:
    """What differs from the post office's own configuration."""
    return {
        "server": {"workers": 1},
        "auth": {
            "cleartext": setting.cleartext,
            "apop": setting.apop,
            "mechanisms": list(setting.mechanisms),
        },
        "limits": {"login_delay": setting.login_delay},
        "listen": {} if setting.certificate else {"pop3s": []},
        "tls": {},
    }


class Offices:
    """The servers that are running, one a configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offices: dict[str, PostOffice] = {}

    def with_setting(self, setting: Setting) -> PostOffice:
        wanted = configuration(setting)
        key = repr(wanted)
        if key not in self._offices:
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            office = self.made(folder, wanted)
            if not setting.certificate:
                _without_tls(office.config)
            office.before_start(_die_with_the_tests)
            self._offices[key] = office.start()
        return self._offices[key]

    def made(self, folder: Path, settings: Settings) -> PostOffice:
        """A post office in *folder*, not started."""
        return PostOffice(folder, settings=settings)

    async def opened(self, office: PostOffice) -> Engine:
        """Its store, for who looks at it from outside."""
        return open_store(office.store)

    def retire_if_guessed_at(self, office: PostOffice) -> None:
        """End a server that refused a sign-in: it would slow the next transcript's down."""
        if office.log.find("sign-in failed"):
            office.stop()
            self._offices = {k: v for k, v in self._offices.items() if v is not office}

    def stop(self) -> None:
        for office in self._offices.values():
            office.stop()


@functools.cache
def _hashes() -> OneHash:
    """One for all transcripts: the server does not see that they were not made for it alone."""
    return OneHash(scram_iterations=DEVICE_ITERATIONS)


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_the_tests() -> None:
    """No server outlives a test run that is killed (Linux; elsewhere nothing happens)."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def _without_tls(config: Path) -> None:
    lines = config.read_text().splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith("certificate =")))


class ProcessStage:
    """Implements :class:`pillarbox.testing.transcript_player.Stage`."""

    def __init__(self, offices: Offices, door: str) -> None:
        self._offices = offices
        self._door = door
        self._greeting = b""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._store: Engine | None = None

    async def prepare(self, setting: Setting) -> None:
        self._setting = setting
        self._office = self._offices.with_setting(setting)
        self._store = await self._offices.opened(self._office)
        for name, password in setting.credentials:
            await self._store.remove(normalise(name))
            await asyncio.to_thread(self._make_account, name, password, apop=setting.apop)
        for message in setting.messages:
            await self._put(message.user, message.content)
        if setting.held:
            self._held = await self._store.open(Identity(setting.first_user))

    def _make_account(self, name: str, password: str, *, apop: bool) -> None:
        accounts = self._office.accounts(_hashes())
        try:
            if accounts.find(name):
                accounts.remove(name)
            accounts.add(name, password, apop=apop)
        finally:
            accounts.close()

    async def _put(self, user: str, content: bytes) -> None:
        assert self._store is not None
        (error,) = await self._store.deliver(as_stored(content), [Recipient(normalise(user))])
        assert error is None

    def _ended(self) -> int:
        return len(self._office.log.find("session ended"))

    async def connect(self) -> None:
        await self._session_is_over()
        self._before = self._ended()
        host, port = self._office.addresses["pop3s" if self._door == "pop3s" else "pop3"]
        context = self._office.context() if self._door == "pop3s" else None
        self._reader, self._writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname="localhost" if context else None
        )
        if self._door == "stls":
            self._greeting = await self._reader.readline()
            self._writer.write(b"STLS\r\n")
            assert (await self._reader.readline()).startswith(b"+OK")
            await self.act("tls")

    async def _session_is_over(self) -> None:
        """The server has seen the end of this client, and has let go of the maildrop."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
            await asyncio.to_thread(
                self._office.log.wait_for, "session ended", count=self._before + 1
            )

    async def send(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        if self._greeting:
            greeting, self._greeting = self._greeting, b""
            return greeting
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.read(65536)
        except TimeoutError:
            raise SilenceError from None
        except ConnectionError:
            return b""

    async def act(self, what: str) -> None:
        assert self._writer is not None
        if what == "tls":
            await self._writer.start_tls(self._office.context(), server_hostname="localhost")
        elif what == "cut":
            self._writer.transport.abort()
        elif self._writer.can_write_eof():
            self._writer.write_eof()
        else:  # TLS knows no half-closed connections
            self._writer.close()

    async def meanwhile(self, event: Event) -> None:
        assert isinstance(event, Arrives), f"a real process cannot be made to have {event}"
        await self._put(self._setting.first_user, event.content)

    async def holdings(self, user: str) -> list[tuple[str, int]]:
        assert self._store is not None
        listed = await self._store.listing(normalise(user))
        return [(message.unique_id, message.octets) for message in listed]

    async def close(self) -> None:
        await self._session_is_over()
        if self._store is not None:
            await self._store.close()
            await asyncio.to_thread(self._offices.retire_if_guessed_at, self._office)
