from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.reader.outbox.server import HostileServer
from tests.reader.outbox.world import World, plain


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    """One without TLS, to which the account "work" sends."""
    async with HostileServer() as server:
        yield server


@pytest.fixture
async def world(tmp_path: Path, server: HostileServer) -> AsyncIterator[World]:
    """An outbox at work."""
    world = World(tmp_path)
    world.submissions["work"] = plain(server.port)
    async with world:
        yield world
