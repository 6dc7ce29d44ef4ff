"""The disk against the index: whatever happens to files, a look finds it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pillarbox.reader.library import survey as surveys
from pillarbox.reader.library.index.preparing import ALONE, BATCH
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.library.library import Looked
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.survey import SETTLED, DiskSurvey, open_index
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import Folder, Progress

WORK, ARCHIVE, TRASH = Folder("Inbox/work"), Folder("Archive"), Folder("Trash")
FOLDERS = (WORK, ARCHIVE, TRASH)


@dataclass(frozen=True)
class Mailbox:
    root: Path
    index: SqliteIndex
    survey: DiskSurvey

    def path(self, folder: Folder, name: str) -> Path:
        return self.root / "mail" / folder / name

    def put(self, folder: Folder, name: str, text: str = "text") -> Path:
        """As another program does; *name* with ``new/`` or ``cur/``."""
        path = self.path(folder, name)
        path.write_text(f"Subject: {text}\nFrom: a@example.org\nMessage-ID: <{text}@x>\n\n{text}\n")
        return path

    def on_disk(self) -> dict[Folder, set[str]]:
        return {
            folder: {
                f"{part.name}/{path.name}"
                for part in (self.path(folder, "new"), self.path(folder, "cur"))
                if part.exists()
                for path in part.iterdir()
            }
            for folder in FOLDERS
        }

    def known(self) -> dict[Folder, set[str]]:
        return {
            folder: {
                f"new/{entry.base}"
                if entry.new
                else f"cur/{entry.base}:2,{''.join(sorted(entry.flags))}{entry.extra}"
                for _, entry in self.index.entries(folder).values()
            }
            for folder in FOLDERS
        }

    def let_time_pass(self) -> None:
        """So that what was changed is not within the same tick any more."""
        for folder in FOLDERS:
            for part in ("new", "cur"):
                path = self.path(folder, part)
                if path.exists():
                    found = path.stat()
                    past = found.st_mtime_ns - int(2 * SETTLED * 1e9)
                    os.utime(path, ns=(past, past))


def mailbox_in(root: Path) -> Mailbox:
    for folder in FOLDERS:
        for part in ("tmp", "new", "cur"):
            (root / "mail" / folder / part).mkdir(parents=True, exist_ok=True)
    index, survey, _ = open_index(root, Maildirs(Tree(root / "mail")))
    return Mailbox(root, index, survey)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    mailbox = mailbox_in(tmp_path)
    yield mailbox
    mailbox.index.close()


def test_what_other_programs_do(mailbox: Mailbox) -> None:
    look = mailbox.survey.look
    assert look(FOLDERS) == Looked(0, frozenset())
    came = mailbox.put(WORK, "new/1000000001.a", "first")
    stays = mailbox.put(WORK, "cur/1000000002.b:2,S", "second")
    assert look(FOLDERS) == Looked(2, frozenset({WORK}))
    assert look(FOLDERS) == Looked(0, frozenset())
    # Read, by another program.
    seen = mailbox.path(WORK, "cur/1000000001.a:2,Sab")
    came.rename(seen)
    assert look(FOLDERS) == Looked(0, frozenset({WORK}))
    assert mailbox.known() == mailbox.on_disk()
    # Moved, with other flags.
    seen.rename(mailbox.path(ARCHIVE, "cur/1000000001.a:2,FS"))
    assert look(FOLDERS) == Looked(0, frozenset({WORK, ARCHIVE}))
    assert mailbox.known() == mailbox.on_disk()
    # Removed.
    stays.unlink()
    assert look(FOLDERS) == Looked(0, frozenset({WORK}))
    assert mailbox.known() == mailbox.on_disk()


def test_a_message_keeps_its_number_when_it_is_moved(mailbox: Mailbox) -> None:
    path = mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    mailbox.survey.look(FOLDERS)
    before = mailbox.index.find(key_of("1000000001.a"))
    path.rename(mailbox.path(ARCHIVE, "cur/1000000001.a:2,"))
    path.touch()  # another one, empty, of that name
    path.unlink()
    mailbox.survey.look(FOLDERS)
    after = mailbox.index.find(key_of("1000000001.a"))
    assert before is not None
    assert after is not None
    assert (after.thread, after.folder) == (before.thread, ARCHIVE)


def test_a_copy_made_by_hand_gets_a_name_of_its_own(mailbox: Mailbox) -> None:
    mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    mailbox.survey.look(FOLDERS)
    mailbox.put(ARCHIVE, "cur/1000000001.a:2,", "first")
    assert mailbox.survey.look(FOLDERS) == Looked(1, frozenset({ARCHIVE}))
    mailbox.survey.look(FOLDERS)
    assert mailbox.known() == mailbox.on_disk()
    assert [len(names) for names in mailbox.on_disk().values()] == [1, 1, 0]
    assert len(mailbox.index.with_message_id("first@x")) == 2


def test_a_copy_in_a_mailbox_that_is_not_known(mailbox: Mailbox) -> None:
    mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    mailbox.put(ARCHIVE, "cur/1000000001.a:2,", "first")
    mailbox.survey.reindex(lambda _: None)
    mailbox.survey.look(FOLDERS)
    assert mailbox.known() == mailbox.on_disk()
    assert len(mailbox.index.with_message_id("first@x")) == 2


def test_a_folder_that_is_removed(mailbox: Mailbox) -> None:
    mailbox.put(ARCHIVE, "cur/1000000001.a:2,", "first")
    mailbox.survey.look(FOLDERS)
    mailbox.path(ARCHIVE, "").rename(mailbox.root / "elsewhere")
    assert mailbox.survey.look(FOLDERS) == Looked(0, frozenset({ARCHIVE}))
    assert mailbox.index.counts() == {}


def test_nothing_is_read_when_nothing_has_changed(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    mailbox.let_time_pass()
    mailbox.survey.look(FOLDERS)
    compared: list[Folder] = []
    files = SqliteIndex.files

    def noted(self: SqliteIndex, folder: Folder) -> dict[str, str]:
        compared.append(folder)
        return files(self, folder)

    monkeypatch.setattr(SqliteIndex, "files", noted)
    assert mailbox.survey.look(FOLDERS) == Looked(0, frozenset())
    assert compared == []
    mailbox.put(ARCHIVE, "cur/1000000002.b:2,", "second")
    assert mailbox.survey.look(FOLDERS) == Looked(1, frozenset({ARCHIVE}))
    assert compared == [ARCHIVE]
    # As long as the clock may not have ticked, it looks again.
    mailbox.survey.look(FOLDERS)
    assert compared == [ARCHIVE, ARCHIVE]


def test_what_happens_within_a_tick_of_the_clock_is_seen(mailbox: Mailbox) -> None:
    cur = mailbox.path(WORK, "cur")
    mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    now = time.time_ns()
    os.utime(cur, ns=(now, now))
    mailbox.survey.look(FOLDERS)
    mailbox.put(WORK, "cur/1000000002.b:2,", "second")
    os.utime(cur, ns=(now, now))
    assert mailbox.survey.look(FOLDERS).arrived == 1


def test_a_file_that_cannot_be_read_is_listed(mailbox: Mailbox) -> None:
    path = mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    path.unlink()
    path.symlink_to(mailbox.root)  # not mail: passed over
    mailbox.path(WORK, "cur/1000000002.b:2,").write_bytes(b"\xff\x00" * 1000)
    mailbox.path(WORK, "cur/1000000003.c:2,").write_bytes(b"")
    assert mailbox.survey.look(FOLDERS).arrived == 2
    assert mailbox.index.page([WORK], 0, 10).total == 2


def test_many_messages_are_understood_beside(mailbox: Mailbox) -> None:
    many = ALONE + BATCH + 7
    for number in range(many):
        mailbox.put(WORK, f"cur/{1_000_000_000 + number}.a:2,", f"number {number}")
    assert mailbox.survey.look(FOLDERS).arrived == many
    grown = mailbox.index.page([WORK], 0, many)
    told: list[Progress] = []
    mailbox.survey.reindex(told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[0] == Progress(0, many)
    assert told[-1] == Progress(many, many)
    assert not mailbox.survey.wants_reindex
    # In the order of arrival: the mail has no dates.
    rows = mailbox.index.page([WORK], 0, many).rows
    assert [row.subject for row in rows] == [f"number {many - 1 - one}" for one in range(many)]
    assert rows == grown.rows
    assert mailbox.known() == mailbox.on_disk()


def test_an_index_that_is_new_says_so(tmp_path: Path) -> None:
    mailbox = mailbox_in(tmp_path)
    assert mailbox.survey.wants_reindex
    mailbox.put(WORK, "cur/1000000001.a:2,")
    mailbox.survey.reindex(lambda _: None)
    assert not mailbox.survey.wants_reindex
    mailbox.index.close()
    mailbox = mailbox_in(tmp_path)
    assert not mailbox.survey.wants_reindex
    assert mailbox.index.page([WORK], 0, 1).total == 1
    mailbox.index.close()


def test_what_changes_while_it_is_made_anew_is_found_by_the_next_look(mailbox: Mailbox) -> None:
    path = mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    mailbox.survey.look(FOLDERS)
    mailbox.let_time_pass()

    def meanwhile(progress: Progress) -> None:
        if progress.done == 0:
            path.rename(mailbox.path(ARCHIVE, "cur/1000000001.a:2,S"))
            mailbox.put(WORK, "new/1000000002.b", "second")

    mailbox.survey.reindex(meanwhile)
    mailbox.survey.look(FOLDERS)
    assert mailbox.known() == mailbox.on_disk()


def test_while_the_first_one_is_made_a_look_does_not_do_it_twice(mailbox: Mailbox) -> None:
    mailbox.put(WORK, "cur/1000000001.a:2,", "first")
    looked: list[Looked] = []

    def meanwhile(_: Progress) -> None:
        looked.append(mailbox.survey.look(FOLDERS))

    mailbox.survey.reindex(meanwhile)
    assert set(looked) == {Looked(0, frozenset())}
    mailbox.put(WORK, "cur/1000000002.b:2,", "second")
    mailbox.survey.reindex(meanwhile)  # a later one: mail is read meanwhile
    assert Looked(1, frozenset({WORK})) in looked


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("count", [3, ALONE + 50])
def test_interrupted_it_leaves_the_old_one(
    mailbox: Mailbox, error: type[BaseException], count: int
) -> None:
    for number in range(count):
        mailbox.put(WORK, f"cur/{1_000_000_000 + number}.a:2,")
    mailbox.survey.look(FOLDERS)
    mailbox.put(WORK, "new/1000000002.b", "second")

    def report(progress: Progress) -> None:
        if progress.done:
            raise error

    with pytest.raises(error):
        mailbox.survey.reindex(report)
    assert mailbox.index.counts() == {WORK: (count, count)}
    assert not (mailbox.root / surveys.BESIDE).exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.library.tree import Tree

def report(progress):
    if progress.done >= int(sys.argv[2]):
        print(*(child.name for child in Path("/proc").glob("[0-9]*") if parent(child) == os.getpid()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

def parent(process):
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

if __name__ == "__main__":
    root = Path(sys.argv[1])
    index, survey, close = open_index(root, Maildirs(Tree(root / "mail")))
    survey.reindex(report)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.parametrize("done", [0, BATCH, ALONE])
def test_killed_it_leaves_the_old_one_and_no_process(tmp_path: Path, done: int) -> None:
    mailbox = mailbox_in(tmp_path)
    many = ALONE + BATCH
    for number in range(many):
        mailbox.put(WORK, f"cur/{1_000_000_000 + number}.a:2,")
    mailbox.put(ARCHIVE, "cur/1000000000.b:2,")
    mailbox.survey.look([ARCHIVE])
    mailbox.index.close()
    script = tmp_path / "reindex.py"
    script.write_text(KILLED)
    ended = subprocess.run(
        [sys.executable, script, tmp_path, str(done)], stdout=subprocess.PIPE, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    for pid in ended.stdout.split():
        wait_for_the_end(int(pid))
    mailbox = mailbox_in(tmp_path)
    assert not mailbox.index.made_anew
    assert mailbox.index.counts() == {ARCHIVE: (1, 1)}
    mailbox.survey.reindex(lambda _: None)
    assert mailbox.known() == mailbox.on_disk()
    assert not (tmp_path / surveys.BESIDE).exists()
    mailbox.index.close()


def wait_for_the_end(pid: int) -> None:
    """Of a process that is not ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    select.select([descriptor], [], [])
    os.close(descriptor)


NAMES = tuple(f"100000000{number}.x" for number in range(6))
INFO = ("", "S", "FS", "Sab")


class Interference(RuleBasedStateMachine):
    """Other programs, and looks at all folders or some of them."""

    make: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = mailbox_in(self.make())

    def teardown(self) -> None:
        self.mailbox.index.close()

    def files(self) -> list[Path]:
        found = self.mailbox.on_disk()
        return sorted(self.mailbox.path(folder, name) for folder in found for name in found[folder])

    @rule(name=st.sampled_from(NAMES), folder=st.sampled_from(FOLDERS), info=st.sampled_from(INFO))
    def came(self, name: str, folder: Folder, info: str) -> None:
        if not any(path.name.startswith(name) for path in self.files()):
            self.mailbox.put(folder, f"cur/{name}:2,{info}", name)

    @rule(name=st.sampled_from(NAMES))
    def came_new(self, name: str) -> None:
        if not any(path.name.startswith(name) for path in self.files()):
            self.mailbox.put(WORK, f"new/{name}", name)

    @precondition(lambda self: self.files())
    @rule(data=st.data(), folder=st.sampled_from(FOLDERS), info=st.sampled_from(INFO))
    def moved(self, data: st.DataObject, folder: Folder, info: str) -> None:
        path = data.draw(st.sampled_from(self.files()))
        path.rename(self.mailbox.path(folder, f"cur/{path.name.partition(':')[0]}:2,{info}"))

    @precondition(lambda self: self.files())
    @rule(data=st.data(), folder=st.sampled_from(FOLDERS))
    def copied(self, data: st.DataObject, folder: Folder) -> None:
        path = data.draw(st.sampled_from(self.files()))
        copy = self.mailbox.path(folder, f"cur/{path.name.partition(':')[0]}:2,")
        if not any(copy.parent.glob(f"{path.name.partition(':')[0]}*")):
            copy.write_bytes(path.read_bytes())

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def removed(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.files())).unlink()

    @rule(folders=st.sets(st.sampled_from(FOLDERS)))
    def looked(self, folders: set[Folder]) -> None:
        self.mailbox.survey.look(folders)

    @rule()
    def time_passed(self) -> None:
        self.mailbox.let_time_pass()

    @rule()
    def made_anew(self) -> None:
        self.mailbox.survey.reindex(lambda _: None)

    @invariant()
    def a_look_finds_everything(self) -> None:
        count = sum(map(len, self.mailbox.on_disk().values()))
        self.mailbox.survey.look(FOLDERS)
        self.mailbox.survey.look(FOLDERS)  # a copy got another name
        assert self.mailbox.known() == self.mailbox.on_disk()
        assert sum(map(len, self.mailbox.on_disk().values())) == count


def test_whatever_other_programs_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Here(Interference):
        make = staticmethod(lambda: tmp_path_factory.mktemp("library"))

    run_state_machine_as_test(
        Here, settings=settings(max_examples=15, stateful_step_count=15, deadline=None)
    )
