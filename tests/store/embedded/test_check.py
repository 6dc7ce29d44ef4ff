"""``maildrop check``: each fault is found, named and mended, and no whole body is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.embedded.bodies import stage
from pillarbox.testing.store_contract import seen_next

from .actor import letter

SMALL, LARGE, OTHER = letter("small", 5), letter("large", 20_000), letter("other", 7)
WHOLE = [SMALL.data, LARGE.data, OTHER.data]


def sql(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "shard-00" / "index.db")) as connection, connection:
        connection.execute(statement)


def large_file(folder: Path) -> Path:
    return folder / "shard-00" / "bodies" / "0000" / "2"


def lost_file(folder: Path) -> None:
    large_file(folder).unlink()


def cut_file(folder: Path) -> None:
    large_file(folder).write_bytes(LARGE.data[:100])


def lost_row(folder: Path) -> None:
    sql(folder, "DELETE FROM bodies WHERE id = 1")


def cut_row(folder: Path) -> None:
    sql(folder, "UPDATE bodies SET data = x'0d0a' WHERE id = 1")


def wrong_maildrop_counter(folder: Path) -> None:
    sql(folder, "UPDATE maildrops SET messages = 7")


def wrong_view_counter(folder: Path) -> None:
    sql(folder, "UPDATE views SET octets = octets + 1")


def number_to_be_used_again(folder: Path) -> None:
    sql(folder, "UPDATE maildrops SET next_seq = 2")


def lost_view(folder: Path) -> None:
    sql(folder, "DELETE FROM views WHERE id = 1")


def too_many_references(folder: Path) -> None:
    sql(folder, "UPDATE bodies SET refs = 9 WHERE id = 1")


def too_few_references(folder: Path) -> None:
    sql(folder, "UPDATE bodies SET refs = 0")


def unlisted_body(folder: Path) -> None:
    sql(folder, "INSERT INTO bodies (refs, stored, international, data) VALUES (1, 1, 0, x'00')")


def unlisted_body_file(folder: Path) -> None:
    sql(folder, "INSERT INTO bodies (refs, stored, international) VALUES (1, 1, 0)")
    large_file(folder).with_name("5").write_bytes(b"x")


def orphan_file(folder: Path) -> None:
    large_file(folder).with_name("1").write_bytes(b"x")


def abandoned_staging(folder: Path) -> None:
    (folder / "staging" / "1-0123456789abcdef").write_bytes(b"x")


Fault = Callable[[Path], None]
BY_USER: list[tuple[Fault, str, list[bytes]]] = [
    (lost_file, "bodies/0000/2 is missing", [SMALL.data, OTHER.data]),
    (cut_file, "has 100 bytes", [SMALL.data, OTHER.data]),
    (lost_row, "its body is not in the index", [LARGE.data, OTHER.data]),
    (cut_row, "has 2 bytes", [LARGE.data, OTHER.data]),
    (wrong_maildrop_counter, "counters say 7 messages", WHOLE),
    (wrong_view_counter, "counters say 3 messages", WHOLE),
    (number_to_be_used_again, "next number 2", WHOLE),
    (lost_view, "no view default", WHOLE),
]
OF_THE_STORE: list[tuple[Fault, str, list[bytes]]] = [
    (too_many_references, "body 1 says that 9 messages have it, 1 list it", WHOLE),
    (too_few_references, "says that 0 messages have it", WHOLE),
    (unlisted_body, "body 5 says that 1 messages have it, 0 list it", WHOLE),
    (unlisted_body_file, "body 5 says", WHOLE),
    (orphan_file, "bodies/0000/1 belongs to no message", WHOLE),
]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    store = open_store(folder, shards=1)
    for message in (SMALL, LARGE, OTHER):
        await store.deliver(message, [Recipient("alice")])
    await store.deliver(SMALL, [Recipient("bob")])
    await store.close()
    return folder


async def found_and_mended(
    store: EmbeddedStore, user: str | None, words: str, left: list[bytes]
) -> None:
    for repair in (False, False, True):
        findings = await store.check(user, repair=repair)
        assert any(words in finding.problem for finding in findings), findings
        assert all(finding.repaired is repair for finding in findings)
    assert await store.check(repair=True) == []
    assert await seen_next(store, "alice") == left
    assert await seen_next(store, "bob") == [SMALL.data]
    assert await store.deliver(OTHER, [Recipient("alice")]) == [None]
    maildrop = await store.open(Identity("alice"))
    await maildrop.commit(range(1, maildrop.count + 1))
    assert await store.check() == []


@pytest.mark.parametrize(("fault", "words", "left"), BY_USER + OF_THE_STORE)
async def test_fault_is_found_and_mended(
    folder: Path, fault: Fault, words: str, left: list[bytes]
) -> None:
    store = open_store(folder)
    fault(folder)
    await found_and_mended(store, None, words, left)
    await store.close()


@pytest.mark.parametrize(("fault", "words", "left"), BY_USER)
async def test_fault_is_found_when_its_user_is_checked(
    folder: Path, fault: Fault, words: str, left: list[bytes]
) -> None:
    store = open_store(folder)
    fault(folder)
    if fault is not wrong_view_counter and fault is not number_to_be_used_again:
        others = [finding.user for finding in await store.check("bob")]
        assert "alice" not in others
    found = [finding.user for finding in await store.check("alice")]
    assert set(found) == {"alice"}
    await store.check("bob", repair=True)
    await found_and_mended(store, "alice", words, left)
    await store.close()


async def test_what_is_left_of_a_damaged_body_is_kept(folder: Path) -> None:
    store = open_store(folder)
    cut_file(folder)
    cut_row(folder)
    await store.check(repair=True)
    lost = folder / "shard-00" / "lost"
    assert (lost / "2").read_bytes() == LARGE.data[:100]
    assert (lost / "1").read_bytes() == b"\r\n"
    await store.close()


async def test_a_body_shared_by_many_is_taken_off_each_list(folder: Path) -> None:
    store = open_store(folder)
    users = ["carol", "dave", "erin"]
    await store.deliver(LARGE, [Recipient(user) for user in users])
    large_file(folder).with_name("5").unlink()
    findings = await store.check(repair=True)
    assert sorted(str(finding.user) for finding in findings) == users
    assert await store.check() == []
    await store.close()


async def test_a_strange_file_is_reported_and_left_alone(folder: Path) -> None:
    store = open_store(folder)
    strange = large_file(folder).with_name("letter.txt")
    strange.write_bytes(b"x")
    (finding,) = await store.check(repair=True)
    assert str(strange) in finding.problem
    assert not finding.repaired
    assert strange.exists()
    await store.close()


async def test_a_delivery_under_way_is_no_fault(folder: Path) -> None:
    store = open_store(folder)
    staged = stage(folder / "staging", b"x", sharers=1)
    assert await store.check(repair=True) == []
    assert staged.path.exists()
    staged.done()
    assert not staged.path.exists()
    abandoned_staging(folder)
    (finding,) = await store.check()
    assert "1-0123456789abcdef was left behind" in finding.problem
    (finding,) = await store.check(repair=True)
    assert finding.repaired
    assert await store.check() == []
    await store.close()
