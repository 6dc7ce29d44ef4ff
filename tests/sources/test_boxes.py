"""What lies in a folder of another program."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from pillarbox.sources import boxes, mbox
from pillarbox.sources.boxes import Box, boxes_in, identity_of
from pillarbox.sources.found import Found, SourceUnusable

LETTER = b"Subject: x\r\n\r\ntext\r\n"
MBOX = b"From ann@example.org Mon Nov 23 20:19:00 2026\n" + LETTER


def lay(folder: Path, *files: str) -> None:
    """Files by their names: those of a Maildir and ``.eml`` hold a message, others are an mbox."""
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            LETTER if path.suffix.lower() == ".eml" or path.parent.name in {"cur", "new"} else MBOX
        )


def found(folder: Path) -> dict[str, int]:
    """How many messages each has."""
    boxes = boxes_in(folder)
    assert [box.name for box in boxes] == sorted(box.name for box in boxes)
    names = ["/".join(box.name) for box in boxes]
    return {
        name: sum(each.raw is not None for each in opened(box))
        for name, box in zip(names, boxes, strict=True)
    }


def opened(box: Box) -> list[Found]:
    with closing(box.open()) as source:
        return list(source)


def test_a_profile_of_thunderbird(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "Inbox",
        "Sent",
        "Projects",
        "Projects.sbd/2026",
        "Projects.sbd/2026.sbd/Über uns",
        "Only.sbd/In it",
    )
    (tmp_path / "Inbox.msf").write_bytes(b'// <!-- <mdb:mork:z v="1.4"/> -->\n')
    (tmp_path / "Trash").write_bytes(b"")
    (tmp_path / "msgFilterRules.dat").write_bytes(b'version="9"\n')
    assert found(tmp_path) == dict.fromkeys(
        [
            "Inbox",
            "Only/In it",
            "Projects",
            "Projects/2026",
            "Projects/2026/Über uns",
            "Sent",
        ],
        1,
    )


def test_maildirs_of_thunderbird(tmp_path: Path) -> None:
    lay(tmp_path, "Inbox/cur/1.eml", "Inbox/cur/2.eml", "Inbox.sbd/Old/cur/3.eml")
    for name in ("Inbox", "Inbox.sbd/Old"):
        (tmp_path / name / "tmp").mkdir()
    assert found(tmp_path) == {"Inbox": 2, "Inbox/Old": 1}


def test_folders_of_apple_mail(tmp_path: Path) -> None:
    lay(tmp_path, "Inbox.mbox/mbox", "Work.mbox/mbox", "Work.mbox/Old.mbox/mbox", "Single.mbox")
    (tmp_path / "Inbox.mbox/table_of_contents").write_bytes(b"\0\1")
    assert found(tmp_path) == dict.fromkeys(["Inbox", "Single", "Work", "Work/Old"], 1)


def test_a_maildir_and_its_folders(tmp_path: Path) -> None:
    lay(tmp_path, "cur/1:2,S", "new/2", ".Sent/cur/3", ".Sent/new/4", "Plain/cur/5", "Plain/new/6")
    lay(tmp_path, ".Projekte.&ANw-ber &- uns/cur/7", ".Projekte.&ANw-ber &- uns/new/8")
    lay(tmp_path, ".odd.&AN-x/cur/9", ".odd.&AN-x/new/10")
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1\n")
    assert found(tmp_path) == {
        "": 2,
        "Plain": 2,
        "Projekte/Über & uns": 2,
        "Sent": 2,
        "odd/&AN-x": 2,
    }


def test_letters_belong_to_what_was_named(tmp_path: Path) -> None:
    lay(tmp_path, "b.eml", "a/2.eml", "a/1.EML", "a/old")
    (tmp_path / "without a suffix").write_bytes(LETTER)
    first, second = boxes_in(tmp_path)
    labels = ["a/1.EML", "a/2.eml", "b.eml", "without a suffix"]
    assert [each.label for each in opened(first)] == labels
    assert (first.name, second.name) == ((), ("a", "old"))


def test_no_link_is_followed_and_no_pipe_is_read(tmp_path: Path) -> None:
    lay(tmp_path, "in/b.eml", "kept/cur/1", "kept/new/2", "old")
    folder = tmp_path / "in"
    os.mkfifo(folder / "pipe.eml")
    for name in ("kept", "old"):
        (folder / name).symlink_to(tmp_path / name)
    (folder / "link.eml").symlink_to(folder / "b.eml")
    (folder / "loop").symlink_to(folder)
    assert found(folder) == {"": 1}


def why_not(folder: Path) -> list[str]:
    """Of those boxes in *folder* that cannot be opened."""
    reasons: list[str] = []
    for box in boxes_in(folder):
        try:
            box.open().close()
        except SourceUnusable as error:
            reasons.append(str(error).removeprefix(f"{folder}/"))
    return reasons


def test_what_cannot_be_looked_into_is_a_box_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was passed over, and nobody knew."""
    lay(tmp_path, "one", "closed/two")
    looked = os.scandir

    def scandir(path: Path) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return looked(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [box.name for box in boxes_in(tmp_path)] == [(), ("one",)]
    assert why_not(tmp_path) == ["closed: cannot be read: Permission denied"]
    with pytest.raises(SourceUnusable, match="cannot be read: Permission denied"):
        boxes_in(tmp_path / "closed")


def test_a_folder_that_nothing_can_be_asked_about_keeps_the_others_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether ``cur`` is in it: that ended the import. A path that is too long is answered as one that may not be entered."""
    source, name = tmp_path / "old", "x" * 200
    lay(source, "one", "zone")
    monkeypatch.chdir(source)
    for _ in range(25):
        Path(name).mkdir()
        os.chdir(name)
    monkeypatch.undo()
    (reason,) = why_not(source)
    assert reason.endswith("cannot be read: File name too long")
    names = ["/".join(box.name) for box in boxes_in(source)]
    assert names == ["", "one", "zone"]


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, "one", "closed", "closed.eml")
    opened = os.open

    def refuse(path: Path | str, flags: int, *, dir_fd: int | None = None) -> int:
        if Path(path).name.startswith("closed"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    assert why_not(tmp_path) == [
        "closed: cannot be read: Permission denied",
        "closed.eml: cannot be read: Permission denied",
    ]


def test_what_is_deeper_than_anybody_looks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, "one", "deep/two", "deep/er/three")
    monkeypatch.setattr(boxes, "MAX_DEPTH", 1)
    assert why_not(tmp_path) == ["deep/er: lies too deep: import it by itself"]
    assert [box.name for box in boxes_in(tmp_path)] == [(), ("deep", "two"), ("one",)]


def test_another_disk_is_told_and_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, "one", "mounted/two")
    ask = Path.stat

    def on_another(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = list(ask(path, follow_symlinks=follow_symlinks))
        found[stat.ST_DEV] += path == tmp_path
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", on_another)
    assert why_not(tmp_path) == ["mounted: is on another disk: import it by itself"]
    assert [box.name for box in boxes_in(tmp_path)] == [(), ("one",)]


def test_folders_that_are_not_wanted_are_passed_over(tmp_path: Path) -> None:
    lay(tmp_path, "one", "mine/two", "other/mine/three")
    (tmp_path / "way").symlink_to(tmp_path / "mine")
    mine = identity_of(tmp_path / "way")
    assert mine
    assert [box.name for box in boxes_in(tmp_path, {mine})] == [
        ("one",),
        ("other", "mine", "three"),
    ]
    assert identity_of(tmp_path / "none") is None


def test_a_folder_without_any(tmp_path: Path) -> None:
    (tmp_path / "Inbox").write_bytes(b"")
    (tmp_path / "Inbox.msf").write_bytes(b"// <!-- <mdb:mork:z -->\n")
    with pytest.raises(SourceUnusable, match=r"no \.eml file"):
        boxes_in(tmp_path)


# What another program keeps may be damaged, or no mail.

INDEX = b'// <!-- <mdb:mork:z v="1.4"/> -->\n'
NO_MAIL = (
    "is no mail that can be imported: neither an mbox nor an .eml file; unpack an archive first"
)


def with_index(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    (folder / f"{name}.msf").write_bytes(INDEX)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("old.zip", b"PK\3\4" * 20, NO_MAIL),
        ("old.gz", b"\x1f\x8b\0\0", "is packed with gzip; unpack it first"),
        ("1.emlx", b"1234\nFrom: ann@example.org\n", NO_MAIL),
        ("notes.txt", b"TODO: import my mail\n\nSubject: none\n", NO_MAIL),
        ("text", b"From here on it is a text.\n", NO_MAIL),
        ("hole", bytes(5000), NO_MAIL),
    ],
)
def test_what_is_not_known_to_be_no_mail_is_told(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    """It was passed over without a word."""
    lay(tmp_path, "Inbox", "below/Sent")
    (tmp_path / "below" / name).write_bytes(content)
    assert why_not(tmp_path) == [f"below/{name}: {why}"]


@pytest.mark.parametrize(
    "name",
    [
        *("Inbox.msf", "msgFilterRules.dat", "filterlog.html", "folderTree.json", ".hidden"),
        *("global-messages-db.sqlite", "dovecot.index.cache", "Info.plist", "subscriptions"),
        *("Folders.db", "Inbox.cmeta", "Inbox.ibex.index"),
    ],
)
@pytest.mark.parametrize("content", [INDEX, b"\0\1\2", b"Subject: x\n\ny\n"])
def test_what_lies_beside_mail_is_not_told(tmp_path: Path, name: str, content: bytes) -> None:
    lay(tmp_path, "Inbox")
    (tmp_path / name).write_bytes(content)
    assert found(tmp_path) == {"Inbox": 1}
    assert why_not(tmp_path) == []


def test_a_box_that_begins_with_nuls_is_one(tmp_path: Path) -> None:
    """So a crash leaves it."""
    (tmp_path / "Inbox").write_bytes(bytes(5000) + MBOX)
    assert found(tmp_path) == {"Inbox": 1}


def test_of_a_box_whose_first_line_is_gone_all_messages_are_there(tmp_path: Path) -> None:
    with_index(tmp_path, "Inbox", LETTER + b"\r\n" + MBOX)
    with_index(tmp_path, ".odd.dat", bytes(3000) + LETTER)
    assert found(tmp_path) == {".odd.dat": 1, "Inbox": 2}
    assert [each.raw for each in opened(boxes_in(tmp_path)[0])] == [LETTER]


def test_of_a_box_whose_beginning_is_gone_that_is_told_and_the_rest_taken(tmp_path: Path) -> None:
    with_index(tmp_path, "Inbox", bytes(3000) + b"of a text\n\n" + MBOX)
    (box,) = boxes_in(tmp_path)
    rest, whole = opened(box)
    assert (rest.label, rest.raw) == ("the message at line 1", None)
    assert rest.problem == "is not a message: it does not begin with a header"
    assert (whole.label, whole.raw) == ("the message at line 3", LETTER)
    assert rest.units + whole.units == box.octets


def test_a_box_of_which_nothing_is_left_is_told(tmp_path: Path) -> None:
    with_index(tmp_path, "Inbox", bytes(70_000))
    (box,) = boxes_in(tmp_path)
    assert [(each.raw, each.problem) for each in opened(box)] == [(None, "is nothing but NULs")]


def test_no_end_is_looked_for_of_a_disk_without_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox, "_MOST_NULS", 100_000)
    (tmp_path / "disk").write_bytes(bytes(300_000) + MBOX)
    assert why_not(tmp_path) == [f"disk: {NO_MAIL}"]
