"""``maildrop check`` on bodies: changed octets are noticed, remains are kept, losses are told."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, body_faults, look_at_store, open_store
from pillarbox.testing.store_contract import seen_next

from .actor import letter

SMALL, LARGE = letter("small", 5), letter("large", 20_000)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    store = open_store(folder, shards=1)
    for message in (SMALL, LARGE):
        await store.deliver(message, [Recipient("alice"), Recipient("bob")])
    await store.close()
    return folder


def large_file(folder: Path) -> Path:
    return folder / "shard-00" / "bodies" / "0000" / "2"


def change_file(folder: Path) -> None:
    data = bytearray(large_file(folder).read_bytes())
    data[70_000] ^= 1
    large_file(folder).write_bytes(data)


def change_row(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "shard-00" / "index.db")) as sql, sql:
        sql.execute("UPDATE bodies SET data = replace(data, 's', 'S') WHERE id = 1")
        sql.execute("UPDATE bodies SET data = CAST(data AS BLOB) WHERE id = 1")


async def unique_id(store: EmbeddedStore, number: int) -> str:
    return (await store.listing("alice"))[number - 1].unique_id


@pytest.mark.parametrize(("change", "number"), [(change_row, 1), (change_file, 2)])
@pytest.mark.parametrize("repair", [False, True])
async def test_changed_octets_are_noticed_and_the_message_is_kept(
    folder: Path, change: Callable[[Path], None], number: int, repair: bool
) -> None:
    change(folder)
    store = look_at_store(folder)
    for user, users in ((None, ["alice", "bob"]), ("alice", ["alice"])):
        findings = await store.check(user, repair=repair)
        assert sorted(str(finding.user) for finding in findings) == users
        assert all("has other octets than were delivered" in f.problem for f in findings)
        assert not any(finding.repaired for finding in findings)
    (finding,) = await store.check("alice", repair=repair)
    assert f"message {await unique_id(store, number)} of" in finding.problem
    maildrop = await store.open(Identity("alice"))
    assert maildrop.count == 2
    await maildrop.body(number)
    await store.close()


async def test_a_body_file_that_cannot_be_read_is_a_finding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> tuple[int, int]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(body_faults, "_summed", fail)
    store = look_at_store(folder)
    (finding,) = await store.check("alice", repair=True)
    assert f"{large_file(folder)} cannot be read" in finding.problem
    assert not finding.repaired
    assert large_file(folder).exists()
    await store.close()


async def test_repair_of_a_truncated_body_keeps_what_is_left_and_says_what_was_lost(
    folder: Path,
) -> None:
    large_file(folder).write_bytes(LARGE.data[:100])
    store = look_at_store(folder)
    lost_id = await unique_id(store, 2)
    findings = await store.check(repair=True)
    kept = folder / "shard-00" / "lost" / "2"
    assert [finding.user for finding in findings] == ["alice", "bob"]
    assert findings[0].problem == (
        f"message {lost_id} of {LARGE.octets} octets: its body file {large_file(folder)} has "
        f"100 bytes, not {len(LARGE.data)}; the message has been taken off the list; "
        f"what is left of it is in {kept}"
    )
    assert findings[1].problem.endswith(f"what is left of it is in {kept}")
    assert kept.read_bytes() == LARGE.data[:100]
    assert [path.name for path in kept.parent.iterdir()] == ["2"]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert await store.check() == []
    assert await seen_next(store, "alice") == [SMALL.data]
    await store.close()


async def test_repair_of_a_body_in_the_index_keeps_what_is_left(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "shard-00" / "index.db")) as sql, sql:
        sql.execute("UPDATE bodies SET data = x'0d0a' WHERE id = 1")
    store = look_at_store(folder)
    (finding,) = await store.check("alice", repair=True)
    kept = folder / "shard-00" / "lost" / "1"
    assert finding.problem.endswith(f"what is left of it is in {kept}")
    assert kept.read_bytes() == b"\r\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_repair_says_when_nothing_is_left(folder: Path) -> None:
    large_file(folder).unlink()
    store = look_at_store(folder)
    findings = await store.check(repair=True)
    assert all(f.problem.endswith("nothing is left of it") for f in findings)
    assert len(findings) == 2
    await store.close()
