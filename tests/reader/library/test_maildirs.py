from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pillarbox.reader.errors import LibraryUnusable, NoSuchFolder, NoSuchMessage
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import Entry, Flag, Folder

A, B, C = Folder("A"), Folder("B"), Folder("C/d")
SEEN = frozenset({Flag.SEEN})


@pytest.fixture
def maildirs(tmp_path: Path) -> Maildirs:
    tree = Tree(tmp_path / "mail")
    for folder in (A, B, C):
        tree.make(folder)
    return Maildirs(tree)


def put(maildirs: Maildirs, folder: Folder, *names: str) -> None:
    """As another program does."""
    for name in names:
        (maildirs.tree.root / folder / name).write_bytes(name.encode())


def all_files(maildirs: Maildirs) -> dict[str, bytes]:
    root = maildirs.tree.root
    paths = [path for path in root.rglob("*") if path.is_file()]
    return {os.fspath(path.relative_to(root)): path.read_bytes() for path in paths}


def test_what_is_added_is_there_with_unix_line_ends(maildirs: Maildirs) -> None:
    (entry,) = maildirs.add(A, [Arrival(b"Subject: x\r\n\r\na\rb\r\n", SEEN, "1.base")])
    assert entry == Entry(A, "1.base", SEEN)
    assert maildirs.read(entry) == b"Subject: x\n\na\rb\n"
    assert list(maildirs.scan(A)) == [entry]
    assert all_files(maildirs) == {"A/cur/1.base:2,S": b"Subject: x\n\na\rb\n"}


def test_many_at_once(maildirs: Maildirs) -> None:
    entries = maildirs.add(A, [Arrival(b"%d" % number) for number in range(20)])
    assert [maildirs.read(entry) for entry in entries] == [b"%d" % number for number in range(20)]
    assert set(maildirs.scan(A)) == set(entries)


def test_adding_to_a_folder_that_is_not_there(maildirs: Maildirs) -> None:
    with pytest.raises(NoSuchFolder):
        maildirs.add(Folder("none"), [Arrival(b"x")])


def test_a_scan_sees_what_other_programs_have_put_there(maildirs: Maildirs) -> None:
    put(maildirs, A, "new/1", "cur/2:2,FS", "cur/3:2,Sab", "tmp/4", "cur/.hidden")
    (maildirs.tree.root / "A/cur/5:2,").mkdir()
    (maildirs.tree.root / "A/cur/6:2,").symlink_to("/etc/passwd")
    os.mkfifo(maildirs.tree.root / "A/new/7")
    assert set(maildirs.scan(A)) == {
        Entry(A, "1", new=True),
        Entry(A, "2", frozenset({Flag.FLAGGED, Flag.SEEN})),
        Entry(A, "3", SEEN, extra="ab"),
    }


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("cur/1", "cur/1:2,"),
        ("cur/1:2,SF", "cur/1:2,FS"),
        ("cur/1:2,SS", "cur/1:2,S"),
        ("cur/1:1,x", "cur/1:2,"),
        ("new/1:2,S", "cur/1:2,S"),
    ],
)
def test_odd_names_become_what_they_mean(maildirs: Maildirs, name: str, becomes: str) -> None:
    put(maildirs, A, name)
    (entry,) = maildirs.scan(A)
    assert maildirs.read(entry) == name.encode()
    assert all_files(maildirs) == {f"A/{becomes}": name.encode()}


def test_a_name_that_is_no_text_gets_another(maildirs: Maildirs) -> None:
    path = os.path.join(os.fsencode(maildirs.tree.root), b"A/cur/caf\xe9:2,S")  # noqa: PTH118
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"x")
    (entry,) = maildirs.scan(A)
    assert entry.base.isprintable()
    assert entry.flags == SEEN
    assert maildirs.read(entry) == b"x"


@pytest.mark.parametrize(
    "name", ["new/" + "x" * 254, "cur/" + "é" * 120 + ":2,S", "cur/1:2," + "z" * 99]
)
def test_a_name_that_leaves_no_room_for_flags_gets_another(maildirs: Maildirs, name: str) -> None:
    put(maildirs, A, name)
    (entry,) = maildirs.scan(A)
    everything = frozenset(Flag)
    (done,) = maildirs.refile([entry], lambda e: replace(e, flags=everything, new=False))
    assert done is not None
    assert maildirs.read(done.after) == name.encode()
    assert len(all_files(maildirs)) == 1


def test_two_files_of_one_base_name_are_two_messages(maildirs: Maildirs) -> None:
    put(maildirs, A, "new/1", "cur/1:2,", "cur/1:2,S")
    entries = list(maildirs.scan(A))
    assert len({entry.base for entry in entries}) == 3
    assert {maildirs.read(entry) for entry in entries} == {b"new/1", b"cur/1:2,", b"cur/1:2,S"}
    assert set(maildirs.scan(A)) == set(entries), "and stay so"


def moved(to: Folder) -> Callable[[Entry], Entry]:
    return lambda entry: replace(entry, folder=to, new=False)


def test_a_move_keeps_name_flags_and_unknown_letters(maildirs: Maildirs) -> None:
    put(maildirs, A, "cur/1:2,FSab", "new/2")
    done = maildirs.refile(maildirs.scan(A), moved(C))
    assert {each.after for each in done if each} == set(maildirs.scan(C))
    assert all_files(maildirs) == {"C/d/cur/1:2,FSab": b"cur/1:2,FSab", "C/d/cur/2:2,": b"new/2"}


def test_flags(maildirs: Maildirs) -> None:
    put(maildirs, A, "cur/1:2,F", "new/2")
    maildirs.refile(maildirs.scan(A), lambda e: replace(e, flags=e.flags | SEEN, new=False))
    assert set(all_files(maildirs)) == {"A/cur/1:2,FS", "A/cur/2:2,S"}


def test_nothing_is_overwritten(maildirs: Maildirs) -> None:
    put(maildirs, A, "cur/1:2,", "cur/2:2,")
    put(maildirs, B, "cur/1:2,", "new/2")
    (maildirs.tree.root / "B/cur/1:2,").write_bytes(b"other")
    done = maildirs.refile(list(maildirs.scan(A)), moved(B))
    assert sorted(all_files(maildirs).values()) == [b"cur/1:2,", b"cur/2:2,", b"new/2", b"other"]
    for each in done:
        assert each is not None
        assert each.after.base != each.before.base
        assert maildirs.read(each.after) == f"cur/{each.before.base}:2,".encode()


def test_who_was_renamed_meanwhile_is_found(maildirs: Maildirs) -> None:
    put(maildirs, A, "new/1", "cur/2:2,", "cur/3:2,S")
    thought = {entry.base: entry for entry in maildirs.scan(A)}
    root = maildirs.tree.root
    (root / "A/new/1").rename(root / "A/cur/1:2,F")
    (root / "A/cur/2:2,").rename(root / "C/d/cur/2:2,S")
    (root / "A/cur/3:2,S").unlink()
    assert maildirs.read(thought["1"]) == b"new/1"
    assert maildirs.read(thought["2"]) == b"cur/2:2,"
    with pytest.raises(NoSuchMessage):
        maildirs.read(thought["3"])
    first, second, third = maildirs.refile([thought[base] for base in "123"], moved(B))
    flagged = Entry(A, "1", frozenset({Flag.FLAGGED}))
    assert first == (flagged, replace(flagged, folder=B))
    assert second == (Entry(C, "2", SEEN), Entry(B, "2", SEEN))
    assert third is None
    assert set(all_files(maildirs)) == {"B/cur/1:2,F", "B/cur/2:2,S"}


def test_a_folder_that_is_gone_takes_nothing(maildirs: Maildirs) -> None:
    put(maildirs, A, "cur/1:2,")
    with pytest.raises(NoSuchFolder):
        maildirs.refile(list(maildirs.scan(A)), moved(Folder("none")))
    assert set(all_files(maildirs)) == {"A/cur/1:2,"}


def test_erasing(maildirs: Maildirs) -> None:
    put(maildirs, A, "cur/1:2,", "cur/2:2,", "cur/3:2,", "cur/4:2,")
    thought = sorted(maildirs.scan(A), key=lambda entry: entry.base)
    root = maildirs.tree.root
    (root / "A/cur/2:2,").rename(root / "A/cur/2:2,S")
    (root / "A/cur/3:2,").rename(root / "B/cur/3:2,")
    gone = maildirs.erase(thought[:3])
    assert gone == thought[:2], "what has been moved out is not erased"
    assert set(all_files(maildirs)) == {"B/cur/3:2,", "A/cur/4:2,"}


def test_what_writers_that_died_have_left(maildirs: Maildirs) -> None:
    put(maildirs, A, "tmp/old", "tmp/young", "cur/1:2,")
    long_ago = time.time() - 37 * 3600
    os.utime(maildirs.tree.root / "A/tmp/old", (long_ago, long_ago))
    os.utime(maildirs.tree.root / "A/cur/1:2,", (long_ago, long_ago))
    maildirs.sweep()
    assert set(all_files(maildirs)) == {"A/tmp/young", "A/cur/1:2,"}


def test_a_disk_that_is_full_takes_nothing_in_part(
    maildirs: Maildirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LibraryUnusable, match="make room"):
        maildirs.add(A, [Arrival(b"one"), Arrival(b"two")])
    monkeypatch.undo()
    assert all_files(maildirs) == {}


def test_a_disk_that_refuses_is_said_in_a_sentence(
    maildirs: Maildirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(maildirs, A, "cur/1:2,")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "cur")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(LibraryUnusable, match="make room on its disk"):
        maildirs.refile(list(maildirs.scan(A)), moved(B))
    monkeypatch.undo()
    assert set(all_files(maildirs)) == {"A/cur/1:2,"}
