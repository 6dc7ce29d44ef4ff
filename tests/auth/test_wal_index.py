"""Seeing that a SQLite file has changed: never too late, and without harm to SQLite's own locks."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.auth.wal_index import borrow, opening

_DEAD_MAN_SWITCH = 128
"""The octet of the WAL index on which each SQLite process holds a lock as long as it is connected
(https://sqlite.org/walformat.html, "WAL Locks"): who finds nobody there takes the index for a leftover."""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
    return connection


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def sql(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(database)) as connection:
        yield connection


def elsewhere(database: Path, statements: str) -> None:
    """Run SQL in another process."""
    subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sqlite3, sys\n"
                "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                "c.executescript(sys.argv[2])\n"
            ),
            str(database),
            statements,
        ],
        check=True,
    )


def is_connected(database: Path) -> bool:
    """Whether another process finds that somebody is connected."""
    script = (
        "import fcntl, struct, sys\n"
        "file = open(sys.argv[1], 'r+b')\n"
        f"flock = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, {_DEAD_MAN_SWITCH}, 1, 0)\n"
        "found = struct.unpack('hhqqi4x', fcntl.fcntl(file, fcntl.F_GETLK, flock))\n"
        "sys.exit(0 if found[0] == fcntl.F_UNLCK else 7)\n"
    )
    command = [sys.executable, "-c", script, f"{database}-shm"]
    return subprocess.run(command, check=False).returncode == 7


def test_the_version_stays_while_nothing_changes(database: Path, sql: sqlite3.Connection) -> None:
    index = borrow(database)
    assert index is not None
    before = index.version()
    assert before is not None
    sql.execute("SELECT * FROM t").fetchall()
    elsewhere(database, "SELECT * FROM t")
    assert index.version() == before
    index.give_back()


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE u (y)",
        "PRAGMA user_version = 7",
        "BEGIN; INSERT INTO t VALUES (2); COMMIT",
    ],
)
def test_every_commit_of_any_process_changes_it(
    database: Path, sql: sqlite3.Connection, change: str
) -> None:
    index = borrow(database)
    assert index is not None
    seen = {index.version()}
    sql.executescript(change.replace("u (y)", "v (y)").replace("7", "8"))
    seen.add(index.version())
    elsewhere(database, change)
    seen.add(index.version())
    assert len(seen) == 3
    index.give_back()


def test_it_never_comes_back(database: Path, sql: sqlite3.Connection) -> None:
    """Neither by a change and its opposite, nor when the log begins anew."""
    index = borrow(database)
    assert index is not None
    seen = {index.version()}
    for _ in range(20):
        for statement in ("INSERT INTO t VALUES (1)", "DELETE FROM t"):
            sql.execute(statement)
            version = index.version()
            assert version not in seen
            seen.add(version)
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seen.add(index.version())
    index.give_back()


def test_it_does_not_come_back_when_the_index_is_made_anew(database: Path) -> None:
    """Each index without a log begins with the same header."""
    seen: set[bytes | None] = set()
    for _ in range(3):
        with closing(connect(database)) as sql:
            sql.execute("SELECT * FROM t").fetchall()
            index = borrow(database)
            assert index is not None
            version = index.version()
            assert version not in seen | {None}
            seen.add(version)
        index.give_back()
        elsewhere(database, "INSERT INTO t VALUES (1)")


def test_beside_a_link_lies_nothing_of_sqlite(
    tmp_path: Path, database: Path, sql: sqlite3.Connection
) -> None:
    """An accounts file that was moved to another disk, with a link in its place, and what a crash
    had left there: SQLite keeps its index where the file is.
    """
    link = tmp_path / "link.db"
    link.symlink_to(database)
    Path(f"{link}-shm").write_bytes(Path(f"{database}-shm").read_bytes())
    index = borrow(link)
    assert index is not None
    before = index.version()
    sql.execute("INSERT INTO t VALUES (1)")
    assert index.version() != before
    index.give_back()


def test_a_link_in_a_circle_has_no_index(tmp_path: Path) -> None:
    (tmp_path / "c.db").symlink_to(tmp_path / "c.db")
    assert borrow(tmp_path / "c.db") is None


@pytest.mark.skipif(sys.platform != "linux", reason="the layout of struct flock is Linux's")
def test_who_is_about_to_borrow_keeps_the_locks_of_sqlite(
    database: Path, sql: sqlite3.Connection
) -> None:
    """A second connection is there, but not yet known of, when the index of the first goes."""
    first = borrow(database)
    assert first is not None
    with closing(sqlite3.connect(database)) as second:
        with opening():
            second.execute("SELECT * FROM t").fetchall()
            sql.close()
            first.give_back()
            index = borrow(database)
        assert index is not None
        assert is_connected(database)
    index.give_back()


def test_what_is_not_committed_changes_nothing(database: Path, sql: sqlite3.Connection) -> None:
    index = borrow(database)
    assert index is not None
    before = index.version()
    sql.execute("BEGIN IMMEDIATE")
    sql.execute("INSERT INTO t VALUES (1)")
    assert index.version() == before
    sql.execute("ROLLBACK")
    assert index.version() == before
    index.give_back()


def test_two_copies_that_differ_are_a_commit_under_way(
    database: Path, sql: sqlite3.Connection
) -> None:
    index = borrow(database)
    assert index is not None
    before = index.version()
    with Path(f"{database}-shm").open("r+b", buffering=0) as shm:  # closed last of all: see below
        header = shm.read(96)
        shm.seek(48 + 8)
        shm.write(bytes([header[48 + 8] ^ 1]))
        assert index.version() is None
        shm.seek(48 + 8)
        shm.write(header[48 + 8 : 48 + 9])
        assert index.version() == before
    index.give_back()
    sql.close()


def test_an_index_of_another_format_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.db-shm").write_bytes(bytes(32768))
    index = borrow(tmp_path / "b.db")
    assert index is not None
    assert index.version() is None
    index.give_back()


def test_what_cannot_be_had_is_none(tmp_path: Path) -> None:
    assert borrow(tmp_path / "missing.db") is None
    (tmp_path / "short.db-shm").write_bytes(b"")
    assert borrow(tmp_path / "short.db") is None


@pytest.mark.skipif(sys.platform != "linux", reason="the layout of struct flock is Linux's")
def test_giving_it_back_takes_no_lock_of_sqlite_away(
    database: Path, sql: sqlite3.Connection
) -> None:
    """Who is connected still counts as connected after another user of the index has gone."""
    first, second = borrow(database), borrow(database)
    assert first is not None
    assert first is second
    assert is_connected(database)
    first.give_back()
    assert is_connected(database)
    sql.close()
    first.give_back()


def test_two_files_are_told_apart(tmp_path: Path, sql: sqlite3.Connection, database: Path) -> None:
    with closing(connect(tmp_path / "other.db")) as other:
        ours, theirs = borrow(database), borrow(tmp_path / "other.db")
        assert ours is not None
        assert theirs is not None
        before = ours.version(), theirs.version()
        other.execute("INSERT INTO t VALUES (1)")
        assert (ours.version() == before[0], theirs.version() == before[1]) == (True, False)
        sql.execute("INSERT INTO t VALUES (1)")
        assert ours.version() != before[0]
        ours.give_back()
        theirs.give_back()
