"""What Pillarbox has not marked for deletion is never unlinked, whatever happened to the index."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import look_at_store, open_store
from pillarbox.store.embedded.bodies import BodyFiles, stage
from pillarbox.store.embedded.schema import MIGRATIONS, connect
from pillarbox.store.embedded.transaction import Transaction, last_body
from pillarbox.testing.store_contract import seen_next

from .actor import letter

SMALL, LARGE, LATER = letter("small", 5), letter("large", 20_000), letter("later", 30_000)
ALICE = [Recipient("alice")]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A store whose index is older than the last of its bodies (number 3)."""
    folder = tmp_path / "store"
    store = open_store(folder, shards=1)
    for message in (SMALL, LARGE):
        assert await store.deliver(message, ALICE) == [None]
    await store.close()
    shutil.copy(index_of(folder), tmp_path / "older.db")
    store = open_store(folder)
    assert await store.deliver(LATER, ALICE) == [None]
    await store.close()
    return folder


def index_of(folder: Path) -> Path:
    return folder / "shard-00" / "index.db"


def missing(folder: Path) -> None:
    index_of(folder).unlink()


def empty(folder: Path) -> None:
    os.truncate(index_of(folder), 0)


def without_tables(folder: Path) -> None:
    index_of(folder).unlink()
    with closing(sqlite3.connect(index_of(folder))) as sql:
        sql.execute("PRAGMA journal_mode = WAL")


def older(folder: Path) -> None:
    shutil.copy(folder.with_name("older.db"), index_of(folder))


def older_in_its_place(folder: Path) -> None:
    """As a restore does that moves the file into its place."""
    folder.with_name("older.db").rename(index_of(folder))


def on_disk(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """All files, but those that SQLite keeps beside an index that is read."""
    return {
        path: (path.stat().st_nlink, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def contents(folder: Path) -> set[bytes]:
    return {data for _, data in on_disk(folder).values()}


LOST = [missing, empty, without_tables]
Harm = Callable[[Path], None]


@pytest.mark.parametrize("harm", LOST)
def test_a_lost_index_is_refused_and_not_made_anew(folder: Path, harm: Harm) -> None:
    harm(folder)
    before = on_disk(folder)
    with pytest.raises(StoreUnavailable, match=r"index\.db is (missing|empty).*restore") as caught:
        open_store(folder)
    assert not caught.value.temporary
    assert "maildrop check --repair" in str(caught.value)
    assert on_disk(folder) == before


@pytest.mark.parametrize("harm", LOST)
async def test_an_index_lost_with_small_messages_only_is_refused_as_well(
    tmp_path: Path, harm: Harm
) -> None:
    store = open_store(tmp_path / "store", shards=1)
    await store.deliver(SMALL, ALICE)
    await store.close()
    harm(tmp_path / "store")
    with pytest.raises(StoreUnavailable, match=r"index\.db is (missing|empty)"):
        open_store(tmp_path / "store")


async def test_the_log_beside_an_empty_index_is_kept(folder: Path) -> None:
    """SQLite removes it when it opens the index; there is mail in it."""
    empty(folder)
    log = folder / "shard-00" / "index.db-wal"
    log.write_bytes(b"mail")
    with pytest.raises(StoreUnavailable):
        open_store(folder)
    store = look_at_store(folder)
    assert await store.check()
    assert log.read_bytes() == b"mail"
    await store.check(repair=True)
    assert (folder / "shard-00" / "lost" / "index.db-wal").read_bytes() == b"mail"
    await store.close()


@pytest.mark.parametrize("harm", [*LOST, older])
async def test_looking_changes_nothing(folder: Path, harm: Harm) -> None:
    harm(folder)
    bodies = BodyFiles(folder / "shard-00")
    stage(folder / "staging", b"x", sharers=1).path.chmod(0o600)
    before = on_disk(folder)
    store = look_at_store(folder)
    assert await store.check()
    if harm is older:
        assert (await store.status("alice")).count == 2
        assert len(await store.listing("alice")) == 2
    else:
        with pytest.raises(StoreUnavailable, match=r"index\.db is (missing|empty)|no such table"):
            await store.status("alice")
    await store.close()
    assert on_disk(folder) == before
    assert sorted(bodies.numbers()) == [2, 3]


async def test_looking_at_a_sound_store_changes_nothing(folder: Path) -> None:
    before = on_disk(folder)
    store = look_at_store(folder)
    assert await store.check() == []
    assert await store.users() == ["alice"]
    assert not (await store.status("alice")).views[0].locked
    await store.close()
    assert on_disk(folder) == before


async def test_looking_where_no_store_is_makes_none(tmp_path: Path) -> None:
    store = look_at_store(tmp_path)
    assert await store.users() == []
    assert (await store.status("alice")).count == 0
    assert await store.listing("alice") == []
    assert await store.check() == []
    await store.close()
    assert on_disk(tmp_path) == {}


@pytest.mark.parametrize("harm", LOST)
async def test_repair_of_a_lost_index_sets_all_bodies_aside(folder: Path, harm: Harm) -> None:
    harm(folder)
    store = look_at_store(folder)
    (finding,) = await store.check()
    assert not finding.repaired
    assert str(index_of(folder)) in finding.problem
    (finding,) = await store.check(repair=True)
    assert finding.repaired
    assert str(folder / "shard-00" / "lost") in finding.problem
    assert (folder / "shard-00" / "lost" / "2").read_bytes() == LARGE.data
    assert (folder / "shard-00" / "lost" / "3").read_bytes() == LATER.data
    await store.close()
    store = open_store(folder)
    assert await store.deliver(LARGE, ALICE) == [None]
    assert await seen_next(store, "alice") == [LARGE.data]
    assert await store.check() == []
    await store.close()


async def test_an_older_index_costs_no_body(folder: Path) -> None:
    newest = index_of(folder).read_bytes()
    older(folder)
    store = open_store(folder)
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]
    await store.close()
    assert LATER.data in contents(folder)
    index_of(folder).write_bytes(newest)  # the right one is found after all
    store = open_store(folder)
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data, LATER.data]
    assert await store.check() == []
    await store.close()


async def test_new_mail_takes_no_unknown_body_s_place(folder: Path) -> None:
    older(folder)
    for _ in range(2):
        store = open_store(folder)
        assert await store.deliver(LARGE, ALICE) == [None]
        await store.close()
    store = open_store(folder)
    maildrop = await store.open(Identity("alice"))
    await maildrop.commit([1, 2, 3, 4])
    (finding,) = await store.check()
    path = BodyFiles(folder / "shard-00").path(3)
    assert str(path) in finding.problem
    (finding,) = await store.check(repair=True)
    lost = folder / "shard-00" / "lost" / "3"
    assert finding.problem.endswith(f"it has been moved to {lost}")
    assert lost.read_bytes() == LATER.data
    assert await store.check() == []
    await store.close()


async def test_a_body_file_that_turns_up_in_the_way_is_set_aside(folder: Path) -> None:
    store = open_store(folder)
    path = BodyFiles(folder / "shard-00").path(4)
    path.write_bytes(b"mail")
    assert await store.deliver(LARGE, ALICE) == [None]
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data, LATER.data, LARGE.data]
    assert (folder / "shard-00" / "lost" / "4").read_bytes() == b"mail"
    await store.close()


def test_a_delivery_that_cannot_be_linked_unlinks_no_unknown_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = BodyFiles(folder / "shard-00")
    staged = stage(folder / "staging", b"x", sharers=1)
    bodies.path(9).write_bytes(b"mail")

    def fail(*_: object) -> None:
        raise OSError("no room for a link")

    monkeypatch.setattr("pillarbox.store.embedded.bodies.set_aside", fail)
    with closing(connect(index_of(folder))) as sql:
        sql.execute("BEGIN")
        transaction = Transaction(sql, bodies)
        with pytest.raises(OSError, match="no room"):
            transaction.link(staged, 9)
        transaction.roll_back(OSError())
    staged.done()
    assert bodies.path(9).read_bytes() == b"mail"


def test_a_link_that_could_not_be_undone_is_undone_later_and_its_number_not_given_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another process could put mail there before the file is unlinked."""
    bodies = BodyFiles(folder / "shard-00")
    staged = stage(folder / "staging", b"x", sharers=1)
    leavings: set[int] = set()

    def fail(*_: object) -> None:
        raise OSError("no unlinking now")

    with closing(connect(index_of(folder))) as sql:
        sql.execute("BEGIN")
        transaction = Transaction(sql, bodies, leavings)
        transaction.link(staged, 4)
        with monkeypatch.context() as patched:
            patched.setattr(BodyFiles, "unlink", fail)
            transaction.roll_back(OSError())
        sql.execute("BEGIN")
        assert Transaction(sql, bodies, leavings).commit() == [4]
        assert last_body(sql) == 4
    staged.done()
    assert not leavings
    open_store(folder)
    assert sorted(bodies.numbers()) == [2, 3]


async def test_nothing_in_lost_is_overwritten(folder: Path) -> None:
    for mark in (b"first", b"second", b"third"):
        store = open_store(folder)
        BodyFiles(folder / "shard-00").path(1).write_bytes(mark)
        (finding,) = await store.check(repair=True)
        assert finding.repaired
        await store.close()
    lost = folder / "shard-00" / "lost"
    assert {path.read_bytes() for path in lost.iterdir()} == {b"first", b"second", b"third"}


async def test_an_unlisted_body_is_set_aside(folder: Path) -> None:
    with closing(sqlite3.connect(index_of(folder))) as sql, sql:
        sql.execute("DELETE FROM messages")
        sql.execute("UPDATE maildrops SET messages = 0, octets = 0")
        sql.execute("UPDATE views SET messages = 0, octets = 0")
    store = open_store(folder)
    findings = await store.check(repair=True)
    assert len(findings) == 3
    assert all("it has been moved to" in finding.problem for finding in findings)
    lost = folder / "shard-00" / "lost"
    assert {path.read_bytes() for path in lost.iterdir()} == {SMALL.data, LARGE.data, LATER.data}
    assert await store.check() == []
    await store.close()


def test_a_strange_file_among_the_staged_stays(folder: Path) -> None:
    strange = folder / "staging" / "letter.eml"
    strange.write_bytes(b"mail")
    (folder / "staging" / "folder").mkdir()
    open_store(folder)
    assert strange.read_bytes() == b"mail"


async def test_a_dead_delivery_keeps_its_proof_while_a_shard_cannot_be_swept(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "store"
    open_store(folder, shards=2)
    path = folder / "staging" / "1-0123456789abcdef"
    path.write_bytes(b"x")
    bodies = [BodyFiles(folder / f"shard-{number:02d}") for number in range(2)]
    for files in bodies:
        files.path(1).parent.mkdir()
        files.path(1).hardlink_to(path)
    index = folder / "shard-01" / "index.db"
    whole = index.read_bytes()
    index.write_bytes(b"not an index" * 1000)
    open_store(folder)
    assert [list(files.numbers()) for files in bodies] == [[], [1]]
    assert path.exists()
    index.write_bytes(whole)
    open_store(folder)
    assert [list(files.numbers()) for files in bodies] == [[], []]
    assert not path.exists()


async def test_repair_clears_away_a_dead_delivery(folder: Path) -> None:
    path = folder / "staging" / "1-0123456789abcdef"
    path.write_bytes(b"x")
    link = BodyFiles(folder / "shard-00").path(4)
    link.hardlink_to(path)
    store = look_at_store(folder)
    assert len(await store.check()) == 2
    assert all(finding.repaired for finding in await store.check(repair=True))
    assert not path.exists()
    assert not link.exists()
    assert await store.check() == []
    await store.close()


def test_a_lost_description_beside_mail_is_refused(folder: Path) -> None:
    description = folder / "store.json"
    told = description.read_text()
    description.unlink()
    for call in (open_store, look_at_store):
        with pytest.raises(StoreUnavailable, match=r"store\.json: it is missing") as caught:
            call(folder)
        assert not caught.value.temporary
    assert not description.exists()
    assert told.strip().replace("1}", "N}") in str(caught.value)


async def test_a_store_whose_making_was_cut_short_is_finished(tmp_path: Path) -> None:
    open_store(tmp_path, shards=1)
    (tmp_path / "store.json").unlink()
    store = open_store(tmp_path)
    assert await store.deliver(SMALL, ALICE) == [None]
    await store.close()


def as_first_version(folder: Path) -> None:
    """The index as the first version wrote it: without checksums."""
    as_second_version(folder)
    with closing(sqlite3.connect(index_of(folder))) as sql, sql:
        sql.execute("ALTER TABLE bodies DROP COLUMN checksum")
        sql.execute("PRAGMA user_version = 1")


def as_second_version(folder: Path) -> None:
    """The index as the second version wrote it: with one view a maildrop, and nothing hidden."""
    with closing(sqlite3.connect(index_of(folder))) as sql, sql:
        sql.execute("DROP TRIGGER views_are_heeded")
        for column in ("created_at", "seen_at", "since", "absent", "taken"):
            sql.execute(f"ALTER TABLE views DROP COLUMN {column}")
        for table in ("hidden", "arrivals", "brought", "identity", "taken_off"):
            sql.execute(f"DROP TABLE {table}")
        sql.execute("PRAGMA user_version = 2")


async def test_an_index_of_the_first_version_is_looked_at_and_brought_up_to_date(
    folder: Path,
) -> None:
    as_first_version(folder)
    before = on_disk(folder)
    store = look_at_store(folder)
    assert await store.check() == []
    await store.close()
    assert on_disk(folder) == before
    store = open_store(folder)
    assert await store.deliver(SMALL, ALICE) == [None]
    assert await store.check() == []
    assert len(await seen_next(store, "alice")) == 4
    await store.close()
    with closing(sqlite3.connect(index_of(folder))) as sql:
        assert sql.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        known = sql.execute("SELECT checksum IS NOT NULL FROM bodies ORDER BY id").fetchall()
    assert known == [(0,), (0,), (0,), (1,)]


async def test_an_index_without_devices_is_looked_at_and_brought_up_to_date(folder: Path) -> None:
    as_second_version(folder)
    before = on_disk(folder)
    store = look_at_store(folder)
    (view,) = (await store.status("alice")).views
    assert (view.count, view.holds) == (3, True)
    assert len(await store.listing("alice")) == 3
    assert {waiting.held_by for waiting in await store.waiting("alice")} == {("default",)}
    assert await store.check() == []
    await store.close()
    assert on_disk(folder) == before


async def test_a_view_from_before_there_were_devices_holds_mail_back(folder: Path) -> None:
    """Nobody knows whether it was used: it is taken for one that was."""
    as_second_version(folder)
    store = open_store(folder)
    await store.add_view("alice", "phone")
    phone = await store.open(Identity("alice", "phone"))
    await phone.commit([1, 2, 3])
    await phone.release()
    (default, _) = (await store.status("alice")).views
    assert (default.count, default.holds, default.created_at) == (3, True, None)
    assert default.seen_at is not None
    assert await store.check() == []
    await store.close()


@pytest.mark.parametrize("harm", [missing, older_in_its_place])
async def test_no_mail_is_taken_into_an_index_that_was_taken_away(folder: Path, harm: Harm) -> None:
    """The file without a name would vanish, and all that was acknowledged with it."""
    store = open_store(folder)
    store.hold()
    assert await store.deliver(SMALL, ALICE) == [None]
    maildrop = await store.open(Identity("alice"))
    harm(folder)
    (outcome,) = await store.deliver(SMALL, ALICE)
    assert isinstance(outcome, StoreUnavailable)
    assert outcome.temporary
    assert str(index_of(folder)) in str(outcome)
    with pytest.raises(StoreUnavailable):
        await maildrop.commit([1])
    with pytest.raises(StoreUnavailable):
        await store.probe()
    await store.close()
