"""The index's file: made, made anew, replaced, and in trouble."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.library.index.arrival import Arrival, arrival
from pillarbox.reader.library.index.building import build
from pillarbox.reader.library.index.file import READERS
from pillarbox.reader.library.index.sqlite import SqliteIndex
from tests.reader.library.index.mail import ARRIVED, HOME, TRASH, WORK, entry, key_of, summary


def filled(path: Path, count: int = 3) -> None:
    with SqliteIndex(path, key_of) as index:
        index.put((entry(f"{number}"), summary("text"), ARRIVED) for number in range(count))


def built(path: Path, count: int) -> None:
    some = [
        arrival(key_of(f"{number}"), entry(f"{number}"), summary("text"), ARRIVED)
        for number in range(count)
    ]
    build(path, [some], {WORK: b"stamp"}, key_of)


def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    with SqliteIndex(tmp_path / "index.db", key_of) as index:
        index.put([(entry("a"), summary(), ARRIVED)])
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    filled(path)
    with SqliteIndex(path, key_of) as index:
        assert not index.made_anew
        assert index.counts() == {WORK: (3, 3)}
    assert [one.name for one in tmp_path.iterdir()] == ["index.db"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"this is no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:100] + bytes(50_000)),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: run(path, "PRAGMA user_version = 999999"),
        lambda path: run(path, "PRAGMA application_id = 5"),
        lambda path: run(path, "DROP TABLE folders"),
    ],
    ids=["noise", "cut off", "zeros", "empty", "missing", "version", "another's", "no table"],
)
def test_what_cannot_be_used_is_made_anew(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "index.db"
    filled(path)
    damage(path)
    with SqliteIndex(path, key_of) as index:
        assert index.made_anew
        assert index.counts() == {}
        index.put([(entry("a"), summary(), ARRIVED)])
        assert index.counts() == {WORK: (1, 1)}


def run(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()


def test_where_there_can_be_none_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LibraryUnusable, match="The mail itself is not concerned"):
        SqliteIndex(tmp_path / "missing" / "index.db", key_of)


def look_at_all(index: SqliteIndex, count: int) -> None:
    for number in range(count):
        index.find(key_of(f"{number}"))


def test_damage_that_is_met_later_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    filled(path, 3000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 2))
    with SqliteIndex(path, key_of) as index:
        assert not index.made_anew
        with pytest.raises(LibraryUnusable, match="Remove that file"):
            look_at_all(index, 3000)


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    with SqliteIndex(tmp_path / "index.db", key_of) as index:
        broken = arrival(key_of("b"), entry("b"), summary(), ARRIVED)._replace(
            octets=2**70  # more than SQLite has numbers for
        )
        with pytest.raises(OverflowError):
            index.put_prepared([arrival(key_of("a"), entry("a"), summary(), ARRIVED), broken])
        assert index.counts() == {}
        index.put([(entry("a"), summary(), ARRIVED)])
        assert index.counts() == {WORK: (1, 1)}


def test_another_takes_its_place_while_it_is_read(tmp_path: Path) -> None:
    path, new = tmp_path / "index.db", tmp_path / "index.db.new"
    filled(path, 3)
    built(new, 500)
    stop = threading.Event()
    seen: set[tuple[int, int]] = set()
    with SqliteIndex(path, key_of) as index:

        def look() -> None:
            while not stop.is_set():
                page = index.page([WORK], 0, 5)
                seen.add((page.total, len(page.rows)))

        threads = [threading.Thread(target=look) for _ in range(2 * READERS)]
        for thread in threads:
            thread.start()
        index.replace(new)
        stop.set()
        for thread in threads:
            thread.join()
        assert seen <= {(3, 3), (500, 5)}
        assert index.page([WORK], 0, 1).total == 500
        assert index.stamps() == {WORK: b"stamp"}
        index.put([(entry("more", HOME), summary(), ARRIVED)])
    assert not new.exists()
    with SqliteIndex(path, key_of) as index:
        assert index.counts() == {WORK: (500, 500), HOME: (1, 1)}


def test_one_built_at_once_is_as_one_that_grew(tmp_path: Path) -> None:
    mail = [
        (
            entry(f"{number}", (WORK, HOME, TRASH)[number % 3], "S" if number % 2 else ""),
            summary(
                f"word{number % 7} text",
                message_id=f"{number}@x",
                references=(f"{number * 7 % 40}@x",) if number % 3 else (),
                subject=f"Re: topic {number % 9}",
                days_ago=200 - number,
            ),
            ARRIVED,
        )
        for number in range(150)
    ]
    prepared = [arrival(key_of(place.base), place, about, when) for place, about, when in mail]
    build(tmp_path / "b.db", [prepared[:70], prepared[70:]], {}, key_of)
    with (
        SqliteIndex(tmp_path / "a.db", key_of) as grown,
        SqliteIndex(tmp_path / "b.db", key_of) as at_once,
    ):
        for one in mail:
            grown.put([one])
        assert not at_once.made_anew
        assert grown.counts() == at_once.counts()
        for folders in ([WORK], [HOME], [WORK, HOME], [TRASH]):
            assert grown.page(folders, 0, 200) == at_once.page(folders, 0, 200)
        for typed in ("text", "word3", "is:unread", "subject:topic"):
            found = grown.search(typed, 0, 200, within=())
            assert found == at_once.search(typed, 0, 200, within=())
        assert grown.correspondents("a", 9) == at_once.correspondents("a", 9)


def test_building_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[list[Arrival]]:
        yield [arrival(key_of("a"), entry("a"), summary(), ARRIVED)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "new.db", failing(), {}, key_of)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_much_that_is_gone_is_worn(tmp_path: Path) -> None:
    with SqliteIndex(tmp_path / "index.db", key_of) as index:
        index.put((entry(f"{number}"), summary(), ARRIVED) for number in range(4000))
        index.drop([key_of(f"{number}") for number in range(999)])
        assert not index.worn
        index.drop([key_of("999"), key_of("1000")])
        assert index.worn
