"""A store of an older Pillarbox is looked at as it is, and moved when its server has brought it up to date."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.contracts.errors import MaildropLocked, StoreUnavailable
from pillarbox.model import Identity
from pillarbox.store.embedded import look_at_store, open_store
from pillarbox.store.embedded.schema import connect
from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract import seen_next
from pillarbox.testing.store_contract.material import ALICE, delete, letter, put
from pillarbox.testing.store_contract.moving_material import move


@pytest.fixture
async def older(tmp_path: Path) -> Path:
    """One from before maildrops could be moved, with two messages."""
    store = open_store(tmp_path, shards=1)
    await put(store, ALICE, letter("one"), letter("two"))
    await store.close()
    with closing(connect(tmp_path / "shard-00" / "index.db")) as sql:
        sql.execute("DROP TABLE arrivals")
        sql.execute("DROP TABLE brought")
        sql.execute("DROP TABLE identity")
        sql.execute("DROP TABLE taken_off")
        sql.execute("PRAGMA user_version = 4")
    return tmp_path


async def test_it_is_not_moved_before_it_has_an_identity(older: Path) -> None:
    """Its origin would be another one from its server's next start on, and nothing be mirrored."""
    source, target = look_at_store(older), MemoryStore()
    with pytest.raises(StoreUnavailable, match="start its server once with this Pillarbox"):
        await move(source, target)
    assert list(await target.users()) == []
    export = await source.export(ALICE, lock=False)
    assert export is not None
    assert (await target.take_over(export, only_look=True)).messages == 2
    assert [view.locked for view in (await source.status(ALICE)).views] == [False]
    await source.close()
    with closing(connect(older / "shard-00" / "index.db")) as sql:
        assert sql.execute("PRAGMA user_version").fetchone() == (4,)


async def test_from_its_servers_start_on_it_is_the_same_one(older: Path) -> None:
    target = MemoryStore()
    await open_store(older).close()
    for messages, removed in ((2, 0), (0, 2)):
        source = look_at_store(older)
        moved = await move(source, target)
        assert (moved.messages, moved.removed, moved.used) == (messages, removed, False)
        await source.close()
        server = open_store(older)
        await delete(server, ALICE, [1, 2] if messages else [])
        await server.close()
    assert await seen_next(target, ALICE) == []


async def test_a_server_beside_the_move_locks_and_is_locked_out(older: Path) -> None:
    server, source = open_store(older), look_at_store(older)
    session = await server.open(Identity(ALICE))
    with pytest.raises(MaildropLocked):
        await source.export(ALICE)
    await session.release()
    export = await source.export(ALICE)
    assert export is not None
    with pytest.raises(MaildropLocked):
        await server.open(Identity(ALICE))
    await export.release()
    await (await server.open(Identity(ALICE))).release()
    for store in (server, source):
        await store.close()
