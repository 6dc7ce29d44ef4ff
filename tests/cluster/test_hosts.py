"""Several hosts in the URL of the database: one that says nothing is passed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pillarbox.database import Database, DatabaseUnavailable, hosts
from pillarbox.database.hosts import Hosts
from pillarbox.database_url import hosts_of
from tests.cluster.postgres import PASSWORD
from tests.postoffice import HOST


class SilentHost:
    """Takes connections as a machine does whose PostgreSQL stands still, and says nothing."""

    def __init__(self) -> None:
        self.port = 0
        self.count = 0
        self.came = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        self.writers.append(writer)
        self.came.set()

    def alone(self, url: str) -> str:
        """*url*, with this host instead of its own."""
        return url.replace(f"@{HOST}:{hosts_of(url)[0].port}/", f"@{HOST}:{self.port}/")

    def before(self, url: str) -> str:
        """*url*, with this host named first."""
        return url.replace(f"@{HOST}:", f"@{HOST}:{self.port},{HOST}:")


class RefusingHost(SilentHost):
    """Takes connections, and then says why not; or nothing, as what stands before a dead database does."""

    def __init__(self, code: str = "") -> None:
        super().__init__()
        self.code = code
        """SQLSTATE; empty: it only closes."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().serve(reader, writer)
        await reader.readexactly(8)
        writer.write(b"N")  # no TLS
        await reader.read(2**16)
        if self.code:
            said = f"SFATAL\0VFATAL\0C{self.code}\0Mnot you\0\0".encode()
            writer.write(b"E" + (len(said) + 4).to_bytes(4) + said)
        writer.close()


@pytest.fixture
async def silent() -> AsyncIterator[SilentHost]:
    host = SilentHost()
    async with listening(host):
        yield host


@pytest.fixture
def hasty(silent: SilentHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The silent host is given up soon; all others have the time they need."""
    connect, usual = Hosts._connect, hosts.CONNECT_SECONDS

    async def hasty_connect(self: Hosts, place: int, url: str, options: dict[str, Any]) -> Any:
        host = self._hosts[place]
        is_silent = host is not None and host.port == silent.port
        monkeypatch.setattr(hosts, "CONNECT_SECONDS", 0.1 if is_silent else usual)
        return await connect(self, place, url, options)

    monkeypatch.setattr(Hosts, "_connect", hasty_connect)


@asynccontextmanager
async def listening(host: SilentHost) -> AsyncIterator[None]:
    server = await asyncio.start_server(host.serve, HOST, 0)
    host.port = server.sockets[0].getsockname()[1]
    yield
    server.close()
    for writer in host.writers:
        writer.close()


@pytest.mark.usefixtures("hasty")
async def test_a_silent_first_host_is_passed_over(silent: SilentHost, database_url: str) -> None:
    url = silent.before(database_url) + "?target_session_attrs=read-write"
    database = Database(url)
    assert [tuple(row) for row in await database.fetch("SELECT 1")] == [(1,)]
    assert silent.count == 1
    # Only the first connection has paid for that.
    await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.01)") for _ in range(4)))
    assert silent.count == 1
    await database.close()


async def test_who_loses_patience_with_a_silent_host_begins_with_the_next(
    silent: SilentHost, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``/ready`` does, which waits no longer than one host is waited for."""
    monkeypatch.setattr("pillarbox.database.hosts.SILENT_SECONDS", 0.0)
    database = Database(silent.before(database_url))
    asking = asyncio.create_task(database.fetch("SELECT 1"))
    await silent.came.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [tuple(row) for row in await database.fetch("SELECT 1")] == [(1,)]
    assert silent.count == 1
    await database.close()


@pytest.mark.usefixtures("hasty")
async def test_of_each_host_it_is_said_why_not(silent: SilentHost, database_url: str) -> None:
    database = Database(silent.before(database_url) + "?target_session_attrs=standby")
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.fetch("SELECT 1")
    said = str(caught.value)
    assert f"{HOST}:{silent.port}: does not take a connection within 0.1 seconds; {HOST}:" in said
    assert "None of the hosts match" in said
    assert caught.value.temporary
    assert PASSWORD not in said
    await database.close()


@pytest.mark.parametrize(
    ("code", "temporary"), [("", True), ("53300", True), ("28000", False), ("3D000", False)]
)
async def test_a_host_that_takes_a_connection_and_refuses_is_passed_over(
    database_url: str, code: str, temporary: bool
) -> None:
    """What stands before a dead database; one that is full; one that is being made anew."""
    host = RefusingHost(code)
    async with listening(host):
        database = Database(host.before(database_url) + "?target_session_attrs=read-write")
        assert [tuple(row) for row in await database.fetch("SELECT 1")] == [(1,)]
        assert host.count == 1
        await database.close()
        twice = f"@{HOST}:{host.port},{HOST}:{host.port}/"
        alone = host.alone(database_url)
        several = alone.replace(f"@{HOST}:{host.port}/", twice)
        for url in (alone, several + "?target_session_attrs=read-write"):
            database = Database(url)
            with pytest.raises(DatabaseUnavailable) as caught:
                await database.fetch("SELECT 1")
            assert caught.value.temporary is temporary
            assert PASSWORD not in str(caught.value)
            await database.close()


@pytest.mark.usefixtures("hasty")
async def test_while_one_host_is_away_what_another_says_may_pass(
    silent: SilentHost, database_url: str
) -> None:
    host = RefusingHost("28000")
    async with listening(host):
        url = silent.before(host.alone(database_url)) + "?target_session_attrs=read-write"
        database = Database(url)
        with pytest.raises(DatabaseUnavailable, match="not you") as caught:
            await database.fetch("SELECT 1")
        assert caught.value.temporary
        await database.close()
