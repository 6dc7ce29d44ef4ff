"""The accounts file: how it is made, and what is said when it cannot be used."""

import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.auth import accounts_file
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.accounts_schema import SCHEMA_VERSION
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.wal_index import WalIndex, borrow
from tests.auth.conftest import cheap_passwords
from tests.auth.test_wal_index import is_connected
from tests.fetch.descriptors import open_below

root = os.geteuid() == 0


@pytest.fixture
def file(path: Path) -> Iterator[AccountsFile]:
    file = AccountsFile(path)
    yield file
    file.close()


def test_nothing_is_made_before_the_first_use(path: Path, file: AccountsFile) -> None:
    assert not path.parent.exists()
    assert file.read("SELECT name FROM account") == []
    assert path.exists()


def test_only_the_owner_can_read_it_and_its_companions(path: Path, file: AccountsFile) -> None:
    old = os.umask(0)
    try:
        with file.writing() as connection:
            connection.execute("UPDATE counter SET last_generation = 1")
    finally:
        os.umask(old)
    made = sorted(path.parent.iterdir())
    assert [item.name for item in made] == ["accounts.db", "accounts.db-shm", "accounts.db-wal"]
    assert {stat.S_IMODE(item.stat().st_mode) for item in made} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(not root, reason="only root can give files away")
def test_made_by_root_it_belongs_to_the_owner_of_its_folder(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 4711, 4712)
    file = AccountsFile(path)
    with file.writing() as connection:
        connection.execute("UPDATE counter SET last_generation = 1")
    for item in path.parent.iterdir():
        assert (item.stat().st_uid, item.stat().st_gid) == (4711, 4712)
    file.close()


def test_it_survives_a_power_cut(file: AccountsFile) -> None:
    file.read("SELECT 1")
    with file.writing() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_copy_restored_without_wal_gets_it_back(path: Path, file: AccountsFile) -> None:
    file.read("SELECT 1")
    file.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    with file.writing() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_error_in_a_change_undoes_all_of_it(file: AccountsFile) -> None:
    def break_off() -> None:
        with file.writing() as connection:
            connection.execute("UPDATE counter SET last_generation = 99")
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert file.read("SELECT last_generation FROM counter") == [(0,)]
    with file.writing() as connection:
        connection.execute("UPDATE counter SET last_generation = 1")
    assert file.read("SELECT last_generation FROM counter") == [(1,)]


def test_a_reader_cannot_write(file: AccountsFile) -> None:
    with pytest.raises(AccountsUnavailable, match="readonly"):
        file.read("DELETE FROM account")


class Statements:
    """What a connection of SQLite's has run."""

    def __init__(self, file: AccountsFile) -> None:
        file.read("SELECT 1")
        assert file._reader is not None
        self.run: list[str] = []
        file._reader.set_trace_callback(self.run.append)


FIND = "SELECT last_generation FROM counter WHERE last_generation >= ?"


def set_elsewhere(path: Path, generation: int) -> None:
    """Change the file in another process, as a command does."""
    subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys\nfrom pathlib import Path\n"
                "from pillarbox.auth.accounts_file import AccountsFile\n"
                "file = AccountsFile(Path(sys.argv[1]))\n"
                "with file.writing() as sql:\n"
                "    sql.execute('UPDATE counter SET last_generation = ?', (int(sys.argv[2]),))\n"
                "file.close()\n"
            ),
            str(path),
            str(generation),
        ],
        check=True,
    )


def test_what_was_found_is_remembered(file: AccountsFile) -> None:
    statements = Statements(file)
    assert [list(file.find(FIND, (0,))) for _ in range(3)] == [[(0,)]] * 3
    assert list(file.find(FIND, (1,))) == []
    assert list(file.find(FIND, (1,))) == []  # that there is none, too
    assert len(statements.run) == 2


def test_what_others_commit_is_found_at_once(path: Path, file: AccountsFile) -> None:
    for generation in range(1, 4):
        file.find(FIND, (0,))
        set_elsewhere(path, generation)
        assert list(file.find(FIND, (0,))) == [(generation,)]


def test_what_this_process_commits_is_found_at_once(path: Path, file: AccountsFile) -> None:
    other = AccountsFile(path)
    for generation in range(1, 20):
        file.find(FIND, (0,))
        with (other if generation % 2 else file).writing() as connection:
            connection.execute("UPDATE counter SET last_generation = ?", (generation,))
            assert list(file.find(FIND, (0,))) == [(generation - 1,)]  # not committed yet
        assert list(file.find(FIND, (0,))) == [(generation,)]
        if generation == 10:
            other.close()


def test_a_file_put_in_its_place_is_read_after_a_reload(path: Path, file: AccountsFile) -> None:
    file.find(FIND, (0,))
    file.close()
    for companion in path.parent.iterdir():
        companion.unlink()
    set_elsewhere(path, 7)
    assert list(file.find(FIND, (0,))) == [(7,)]


def test_through_a_link_changes_are_seen(tmp_path: Path, path: Path) -> None:
    """The file was moved to another disk, and a link leads there; beside the link lies what was
    left of a crash, which says that nothing changes.
    """
    before = AccountsFile(path)
    before.read("SELECT 1")
    link = tmp_path / "accounts.db"
    link.symlink_to(path)
    link.with_name("accounts.db-shm").write_bytes(
        path.with_name("accounts.db-shm").read_bytes(),
    )
    before.close()
    file = AccountsFile(link)
    for generation in range(1, 4):
        file.find(FIND, (0,))
        set_elsewhere(path, generation)
        assert list(file.find(FIND, (0,))) == [(generation,)]
    file.close()


def test_without_a_log_what_lies_there_is_not_believed(
    path: Path, file: AccountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system on which SQLite can have no WAL, and an index that was copied to it."""
    file.read("SELECT 1")
    index = path.with_name("accounts.db-shm").read_bytes()
    file.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    path.with_name("accounts.db-shm").write_bytes(index)
    locked_by_files = f"{path.as_uri()}?mode=rw&vfs=unix-dotfile"  # which has no shared memory
    monkeypatch.setattr(
        accounts_file,
        "_connect",
        lambda *_: sqlite3.connect(locked_by_files, uri=True, isolation_level=None),
    )
    for generation in range(1, 4):
        file.find(FIND, (0,))
        with closing(sqlite3.connect(locked_by_files, uri=True)) as connection, connection:
            connection.execute("UPDATE counter SET last_generation = ?", (generation,))
        assert list(file.find(FIND, (0,))) == [(generation,)]


@pytest.mark.skipif(sys.platform != "linux", reason="the layout of struct flock is Linux's")
def test_one_that_is_closed_takes_no_lock_of_one_that_is_being_opened(
    path: Path, file: AccountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = AccountsFile(path)
    other.read("SELECT 1")

    def last_moment(database: Path) -> WalIndex | None:
        other.close()
        return borrow(database)

    monkeypatch.setattr(accounts_file, "borrow", last_moment)
    file.read("SELECT 1")
    assert is_connected(path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_one_that_is_dropped_without_being_closed_leaves_no_descriptor_open(path: Path) -> None:
    AccountsFile(path).read("SELECT 1")  # makes it, too
    gc.collect()
    before = open_below(path.parent)
    for _ in range(5):
        file = AccountsFile(path)
        file.find(FIND, (0,))
        with file.writing():
            pass
        del file
    assert open_below(path.parent) == before


def test_the_memory_is_bounded(file: AccountsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_file, "REMEMBERED", 5)
    file.read("SELECT 1")
    for number in range(50):
        file.find(FIND, (-number,))
        assert len(file._found) <= 5


def test_without_a_wal_index_it_reads_each_time(
    path: Path, file: AccountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_file, "borrow", lambda _path: None)
    statements = Statements(file)
    assert file.version() is None
    assert [list(file.find(FIND, (0,))) for _ in range(2)] == [[(0,)]] * 2
    assert len(statements.run) == 2
    set_elsewhere(path, 3)
    assert list(file.find(FIND, (0,))) == [(3,)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # pytest's own threads
def test_a_child_sees_what_its_parent_changes(path: Path, file: AccountsFile) -> None:
    file.find(FIND, (0,))
    there, here = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        right = list(file.find(FIND, (0,))) == [(0,)]
        os.write(here[1], b"x")
        os.read(there[0], 1)
        right = right and list(file.find(FIND, (0,))) == [(4,)]
        os._exit(0 if right else 1)
    os.read(here[0], 1)
    with file.writing() as connection:
        connection.execute("UPDATE counter SET last_generation = 4")
    os.write(there[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for end in (*there, *here):
        os.close(end)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 40, b"", b"x"])
def test_another_file_is_not_touched_and_named(
    path: Path, file: AccountsFile, content: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(AccountsUnavailable, match="restore it from a backup") as read:
        file.read("SELECT 1")
    with pytest.raises(AccountsUnavailable, match="restore it from a backup") as changed:
        file.change(lambda change: change.rows("SELECT 1"))
    assert str(path) in str(read.value)
    assert str(path) in str(changed.value)
    assert path.read_bytes() == content


def test_another_database_is_not_touched_and_named(path: Path, file: AccountsFile) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE account (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(AccountsUnavailable, match="not an accounts file"):
        file.read("SELECT x FROM account")
    assert path.read_bytes() == before


def test_a_file_of_a_newer_pillarbox_is_refused(path: Path, file: AccountsFile) -> None:
    file.read("SELECT 1")
    file.close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(AccountsUnavailable, match="newer one"):
        file.read("SELECT 1")


def test_a_damaged_file_is_named_with_a_remedy(path: Path) -> None:
    accounts = Accounts(path, passwords=cheap_passwords())
    accounts.add("alice", "secret")
    accounts.close()
    with path.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(AccountsUnavailable, match=r"accounts\.db.*restore it from a backup"):
        accounts.find("alice")
    accounts.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    file = AccountsFile(tmp_path / "store" / "accounts.db")
    with pytest.raises(AccountsUnavailable, match="store"):
        file.read("SELECT 1")


def test_a_folder_in_its_place_is_named(path: Path, file: AccountsFile) -> None:
    path.mkdir(parents=True)
    with pytest.raises(
        AccountsUnavailable, match=r"accounts\.db cannot be read .*open to the user"
    ):
        file.read("SELECT 1")


def test_a_writer_that_waits_too_long_is_told_why(
    path: Path, file: AccountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_file, "WRITE_WAIT_SECONDS", 0)
    file.read("SELECT 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(AccountsUnavailable, match=r"locked.*another program holds it"):
        file.change(lambda change: change.rows("SELECT 1"))
    other.execute("ROLLBACK")
    with file.writing():
        pass
    other.close()


def test_strange_characters_in_the_path_are_only_characters(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=ro#%41&\u00eb" / "accounts.db"
    file = AccountsFile(path)
    with file.writing():
        pass
    file.close()
    assert [item.name for item in path.parent.iterdir()] == ["accounts.db"]


def test_the_loser_of_the_race_to_make_it_uses_the_winners(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loser, winner = AccountsFile(path), AccountsFile(path)
    write_schema = accounts_file._write_schema

    def be_overtaken(draft: Path) -> None:
        monkeypatch.setattr(accounts_file, "_write_schema", write_schema)
        with winner.writing() as connection:
            connection.execute("UPDATE counter SET last_generation = 5")
        write_schema(draft)

    monkeypatch.setattr(accounts_file, "_write_schema", be_overtaken)
    assert loser.read("SELECT last_generation FROM counter") == [(5,)]
    loser.close()
    winner.close()
    assert [item.name for item in path.parent.iterdir()] == ["accounts.db"]


def test_a_crash_while_making_leaves_no_half_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(draft: Path) -> None:
        raise OSError(28, "No space left on device", str(draft))

    monkeypatch.setattr(accounts_file, "_write_schema", crash)
    file = AccountsFile(path)
    with pytest.raises(AccountsUnavailable, match="No space left"):
        file.read("SELECT 1")
    assert list(path.parent.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # pytest's own threads
def test_no_connection_crosses_a_fork(file: AccountsFile) -> None:
    file.read("SELECT 1")
    with file.writing():
        pass
    child = os.fork()
    if child == 0:
        os._exit(0 if file._reader is None and file._writer is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert file.read("SELECT 1") == [(1,)]


class LockThatTells:
    """A lock that sets an event just before somebody waits for it."""

    def __init__(self, lock: threading.Lock, event: threading.Event) -> None:
        self._lock, self._event = lock, event

    def acquire(self) -> bool:
        self._event.set()
        return self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


# From 3.12 on Python warns of what is tested here: threads beside a fork.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_waits_for_a_change_in_another_thread(
    file: AccountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, forking = threading.Event(), threading.Event()

    def change_slowly() -> None:
        with file.writing() as connection:
            begun.set()
            assert forking.wait(30)
            connection.execute("UPDATE counter SET last_generation = 3")

    slow = threading.Thread(target=change_slowly)
    slow.start()
    assert begun.wait(30)
    lock = file._writing
    monkeypatch.setattr(file, "_writing", LockThatTells(lock, forking))
    child = os.fork()
    if child == 0:
        right = file.read("SELECT last_generation FROM counter") == [(3,)]
        os._exit(0 if right else 1)
    slow.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_killed_writer_leaves_the_last_whole_state(path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from pillarbox.auth.accounts_file import AccountsFile
file = AccountsFile(Path(sys.argv[1]))
with file.writing() as connection:
    connection.execute("UPDATE counter SET last_generation = 1")
with file.writing() as connection:
    connection.execute("UPDATE counter SET last_generation = 2")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    file = AccountsFile(path)
    assert file.read("SELECT last_generation FROM counter") == [(1,)]
    file.close()
