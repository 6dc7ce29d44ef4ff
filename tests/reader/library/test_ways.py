"""Mail in and out of the library in files."""

from __future__ import annotations

import io
import mailbox
import os
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.reader.errors import LibraryUnusable, NoSuchFolder, NotImportable
from pillarbox.reader.library import importing
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import (
    ARCHIVE,
    INBOX,
    SENT,
    TRASH,
    Entry,
    ExportForm,
    Flag,
    Folder,
    Imported,
    Progress,
    inbox_of,
)
from pillarbox.sources.found import Found, SourceUnusable
from pillarbox.sources.mbox import Mbox
from tests.reader.library.conftest import Place

WORK = inbox_of("work")
FROM = b"From ann@example.org Mon Nov 23 20:19:00 2026\n"
DATE = b"Date: Mon, 23 Nov 2026 20:19:00 +0000\n"
ANN = DATE + b"From: ann@example.org\nSubject: one\n\ntext\n"
BOB = b"From: bob@example.org\nSubject: two\n\n>From here\ntext\n"


def quiet(_: Progress) -> None:
    """Nobody looks."""


def mbox(tmp_path: Path, *messages: bytes) -> Path:
    path = tmp_path / "mbox"
    path.write_bytes(b"".join(FROM + message + b"\n" for message in messages))
    return path


def contents(place: Place, folder: str) -> list[bytes]:
    return sorted(text for name, text in place.files().items() if name.startswith(f"{folder}/"))


def test_an_mbox(library: MailLibrary, place: Place, tmp_path: Path) -> None:
    source = mbox(tmp_path, ANN, BOB.replace(b"\n>From", b"\n>>From"))
    reports: list[Progress] = []
    assert library.bring_in(source, ARCHIVE, reports.append) == Imported(2)
    assert contents(place, "Archive") == sorted([ANN, BOB])
    size = source.stat().st_size
    assert reports[-1] == Progress(size, size, imported=Imported(2))
    assert {row.subject for row in library.page(ARCHIVE, 0, 9).rows} == {"one", "two"}
    assert library.look() == 0, "the index knows them already"


def test_an_import_said_again_adds_nothing(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    source = mbox(tmp_path, ANN, ANN, BOB)
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(2, known=1)
    keys = [row.key for row in library.page(ARCHIVE, 0, 9).rows]
    library.move(keys[:1], SENT)
    again = library.bring_in(source, ARCHIVE, quiet)
    assert (again.added, again.known) == (0, 3)
    moved = {row.subject for row in library.page(SENT, 0, 9).rows}
    assert again.elsewhere == ((SENT, 2 if moved == {"one"} else 1),)
    library = place.open(with_index=False)
    assert library.bring_in(source, ARCHIVE, quiet) == again
    assert len(place.files()) == 2


def test_what_came_in_another_way_is_known(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    library.add(ARCHIVE, ANN.replace(b"\n", b"\r\n"))
    library.add(SENT, BOB)
    source = tmp_path / "one.eml"
    source.write_bytes(ANN.replace(b"\n", b"\r\n"))
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(0, known=1)
    source.write_bytes(ANN.replace(b"one", b"eno"))
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(1)


def test_a_maildir_with_its_flags(library: MailLibrary, place: Place, tmp_path: Path) -> None:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "old" / part).mkdir(parents=True)
    (tmp_path / "old/new/1.a").write_bytes(ANN)
    (tmp_path / "old/cur/2.b:2,FRS").write_bytes(BOB)
    (tmp_path / "old/cur/3.c:2,T").write_bytes(b"Subject: deleted\n\n")
    assert library.bring_in(tmp_path / "old", ARCHIVE, quiet) == Imported(2, deleted=1)
    assert contents(place, TRASH) == [b"Subject: deleted\n\n"]
    rows = {row.subject: row.flags for row in library.page(ARCHIVE, 0, 9).rows}
    assert rows == {"one": frozenset(), "two": frozenset({Flag.FLAGGED, Flag.REPLIED, Flag.SEEN})}


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        (b"", "S"),
        (b"Status: O\n", ""),
        (b"Status: RO\n", "S"),
        (b"Status: RO\nX-Status: AF\n", "FRS"),
        (b"X-Mozilla-Status: 0000\n", ""),
        (b"X-Mozilla-Status: 1007\n", "FPRS"),
        (b"X-Mozilla-Status: zzzz\n", ""),
        (b"X-Status: D\n", None),
        (b"X-Mozilla-Status: 0009\n", None),
    ],
)
def test_what_an_mbox_says_of_a_message(
    library: MailLibrary, tmp_path: Path, fields: bytes, flags: str | None
) -> None:
    library.bring_in(mbox(tmp_path, fields + ANN), ARCHIVE, quiet)
    rows = library.page(ARCHIVE, 0, 9).rows
    found = [row.flags for row in rows]
    assert found == ([] if flags is None else [frozenset(map(Flag, flags))])


def test_what_is_said_to_be_deleted_is_imported_into_trash(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    deleted = b"X-Mozilla-Status: 0009\n" + ANN
    source = mbox(tmp_path, deleted, BOB)
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(1, deleted=1)
    assert contents(place, TRASH) == [deleted]
    again = Imported(0, known=2, elsewhere=((TRASH, 1),))
    assert library.bring_in(source, ARCHIVE, quiet) == again
    assert contents(place, TRASH) == [deleted]


@pytest.mark.parametrize("field", [b"X-Status: D\n", b"X-Mozilla-Status: 0009\n"])
def test_a_sender_cannot_have_a_file_left_out(
    library: MailLibrary, place: Place, tmp_path: Path, field: bytes
) -> None:
    source = tmp_path / "one.eml"
    source.write_bytes(field + ANN)
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(1)
    assert contents(place, ARCHIVE) == [field + ANN]


@pytest.mark.parametrize("with_index", [True, False])
def test_what_lies_in_trash_is_fetched_by_an_import(
    library: MailLibrary, place: Place, tmp_path: Path, with_index: bool
) -> None:
    wrong = library.make_folder("Wrong")
    source = mbox(tmp_path, b"Status: O\n" + ANN, BOB)
    assert library.bring_in(source, wrong, quiet) == Imported(2)
    library.remove_folder(wrong)
    library.tidy()
    if not with_index:
        library = place.open(with_index=False)
    assert library.bring_in(source, SENT, quiet) == Imported(2)
    assert contents(place, TRASH) == []
    assert len(contents(place, SENT)) == 2
    flags = {row.subject: row.flags for row in library.page(SENT, 0, 9).rows}
    assert flags == {"one": frozenset(), "two": frozenset({Flag.SEEN})}
    place.later(days=400)
    library.tidy()
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(0, known=2, elsewhere=((SENT, 2),))


def test_what_another_program_has_removed_from_trash_is_imported_anew(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    source = mbox(tmp_path, ANN)
    library.bring_in(source, ARCHIVE, quiet)
    library.move([row.key for row in library.page(ARCHIVE, 0, 9).rows], TRASH)
    for path in (place.mail / TRASH / "cur").iterdir():
        path.unlink()
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(1)
    assert contents(place, ARCHIVE) == [ANN]


def test_a_folder_of_files(library: MailLibrary, tmp_path: Path) -> None:
    source = tmp_path / "letters"
    (source / "more").mkdir(parents=True)
    (source / "1.eml").write_bytes(ANN)
    (source / "more/2.EML").write_bytes(BOB)
    (source / "3.eml").write_bytes(b"just words, no header")
    (source / "4.eml").write_bytes(b"")
    (source / "5.eml").symlink_to("/etc/passwd")
    (source / "notes.html").write_bytes(ANN)
    done = library.bring_in(source, ARCHIVE, quiet)
    assert (done.added, done.failures) == (2, 2)
    assert [label for label, _ in done.failed] == ["3.eml", "4.eml"]


def test_what_may_have_been_mail_is_told_by_an_import_of_its_folder(
    library: MailLibrary, tmp_path: Path
) -> None:
    """It was passed over without a word, and lost with the other program."""
    source = laid(
        tmp_path,
        Inbox=bytes(3000) + one("a"),
        Sent=one("b").partition(b"\n")[2] + one("c"),
        Work=b"\1\2\3",
        Work__Old=bytes(3000),
        Empty=b"",
    )
    (source / "old.zip").write_bytes(b"PK\3\4")
    done = library.bring_in(source, ARCHIVE, quiet)
    assert in_folders(library) == {"Archive/Inbox": ["a"], "Archive/Sent": ["b", "c"]}
    assert [label for label, _ in done.failed] == [
        "old.zip",
        "Work, the message at line 1",
        "Work.sbd/Old, the message at line 1",
    ]


def test_an_mbox_behind_nuls_is_imported_by_itself(library: MailLibrary, tmp_path: Path) -> None:
    source = tmp_path / "Inbox"
    source.write_bytes(bytes(100_000) + one("a") + one("b"))
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(2)


@pytest.mark.parametrize("content", [b"", b"just words\n", b"\x1f\x8b\0\0", b"PK\3\4" * 20])
def test_what_is_no_mail(library: MailLibrary, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "file"
    source.write_bytes(content)
    with pytest.raises(NotImportable):
        library.bring_in(source, ARCHIVE, quiet)


def test_what_is_not_there(library: MailLibrary, tmp_path: Path) -> None:
    with pytest.raises(NotImportable):
        library.bring_in(tmp_path / "none", ARCHIVE, quiet)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotImportable):
        library.bring_in(tmp_path / "empty", ARCHIVE, quiet)
    with pytest.raises(NoSuchFolder):
        library.bring_in(mbox(tmp_path, ANN), Folder("none"), quiet)


# Folders of another program.


def laid(tmp_path: Path, **boxes: bytes) -> Path:
    """Folders of Thunderbird: mbox files, ``__`` for ``.sbd/``."""
    root = tmp_path / "Local Folders"
    for name, messages in boxes.items():
        path = root / name.replace("__", ".sbd/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(messages)
        path.with_name(f"{path.name}.msf").write_bytes(b"// <!-- <mdb:mork:z -->\n")
    return root


def in_folders(library: MailLibrary) -> dict[str, list[str]]:
    """Subjects, by folder."""
    subjects = {
        state.folder: sorted(row.subject for row in library.page(state.folder, 0, 99).rows)
        for state in library.folders()
        if state.folder != INBOX
    }
    return {folder: each for folder, each in subjects.items() if each}


def one(subject: str, status: str = "0001") -> bytes:
    text = f"X-Mozilla-Status: {status}\nSubject: {subject}\n\nx\n\n"
    return b"From - Mon Nov 23 20:19:00 2026\n" + text.encode()


def test_folders_of_another_program_keep_names_and_places(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    """They were named, and not read."""
    source = laid(
        tmp_path,
        Inbox=one("a") + one("b", "0000"),
        Inbox__Projects=one("c"),
        Inbox__Projects__new=one("d"),
        Trash=b"",
        Sent=one("e"),
    )
    mine = library.make_folder("Archive/inbox")
    done = library.bring_in(source, ARCHIVE, quiet)
    assert in_folders(library) == {
        "Archive/inbox": ["a", "b"],
        "Archive/inbox/Projects": ["c"],
        "Archive/inbox/Projects/new_": ["d"],
        "Archive/Sent": ["e"],
    }
    counts = {folder: len(subjects) for folder, subjects in in_folders(library).items()}
    assert replace(done, within=()) == Imported(5)
    assert dict(done.within) == counts
    unread = {row.subject for row in library.page(mine, 0, 9).rows if not row.seen}
    assert unread == {"b"}
    again = library.bring_in(source, ARCHIVE, quiet)
    assert again == Imported(0, known=5), "and none of them is elsewhere"
    library = place.open(with_index=False)
    assert library.bring_in(source, ARCHIVE, quiet) == again
    assert len(place.files()) == 5


def test_what_the_other_program_has_noted_since_makes_no_message_come_twice(
    library: MailLibrary, tmp_path: Path
) -> None:
    """A message was another one when it had been read there."""
    source = laid(tmp_path, Inbox=one("a", "0000"))
    library.bring_in(source, ARCHIVE, quiet)
    laid(tmp_path, Inbox=one("a", "0001") + one("b"))
    assert library.bring_in(source, ARCHIVE, quiet).added == 1
    assert in_folders(library) == {"Archive/Inbox": ["a", "b"]}


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(("left", "now"), [("Inbox", "Kept"), ("Kept", "Inbox")])
def test_what_was_moved_there_is_only_where_it_was_moved_to(
    library: MailLibrary,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
    left: str,
    now: str,
) -> None:
    """Until an mbox is compacted, what was moved out of it is a deleted message there."""
    monkeypatch.setattr(importing, "BATCH", batch)
    source = laid(tmp_path, **{left: one("a", "0009") + one("b"), now: one("a")})
    done = library.bring_in(source, ARCHIVE, quiet)
    folders = {f"Archive/{left}": ["b"], f"Archive/{now}": ["a"]}
    assert in_folders(library) == folders
    assert (done.added, done.known, done.deleted, done.elsewhere) == (2, 1, 0, ())
    again = library.bring_in(source, ARCHIVE, quiet)
    assert (again.added, again.known, again.deleted, again.elsewhere) == (0, 3, 0, ())
    assert in_folders(library) == folders


def test_a_box_that_cannot_be_read_keeps_the_others_from_nothing(
    library: MailLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = laid(tmp_path, Inbox=one("a"), Sent=one("b"), Sent__Old=one("c") + FROM)
    read = Mbox.__iter__

    def broken(self: Mbox) -> Iterator[Found]:
        if self._path.name == "Inbox":
            raise SourceUnusable(f"{self._path}: cannot be read: Input/output error")
        return read(self)

    monkeypatch.setattr(Mbox, "__iter__", broken)
    done = library.bring_in(source, ARCHIVE, quiet)
    assert done.added == 2
    assert done.failed == (
        ("Inbox", "cannot be read: Input/output error"),
        ("Sent.sbd/Old, the message at line 7", "is empty"),
    )


def test_a_folder_that_cannot_be_read_is_told(
    library: MailLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the import, or was passed over, and nothing said so."""
    source = laid(tmp_path, Inbox=one("a"), Closed__Old=one("b"))
    looked = os.scandir

    def scandir(path: Path) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if Path(path).name == "Closed.sbd":
            raise PermissionError(13, "Permission denied")
        return looked(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = library.bring_in(source, ARCHIVE, quiet)
    assert (done.added, done.failures) == (1, 1)
    assert done.failed == (("Closed.sbd", "cannot be read: Permission denied"),)
    (source / "Inbox").unlink()
    assert library.bring_in(source, ARCHIVE, quiet).failed == done.failed


def test_the_library_itself_is_no_mail_of_another_program(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    """Whoever named the folder that it is in got all of it a second time, with what waits in the outbox."""
    library.add(WORK, ANN)
    (place.root / "outbox").mkdir()
    (place.root / "outbox/1.eml").write_bytes(BOB)
    (tmp_path / "Inbox").write_bytes(FROM + b"Subject: three\n\nx\n")
    before = place.files()
    assert library.bring_in(tmp_path, ARCHIVE, quiet).added == 1
    assert in_folders(library) == {WORK: ["one"], "Archive/Inbox": ["three"]}
    (tmp_path / "Inbox").unlink()
    (tmp_path / "way").symlink_to(place.root)
    for source in (
        place.root,
        place.mail,
        place.mail / "Archive",
        place.root / "outbox/1.eml",
        tmp_path / "way",
        tmp_path / "way/mail/../outbox",
    ):
        with pytest.raises(NotImportable, match=r": is in the library already\.$"):
            library.bring_in(source, ARCHIVE, quiet)
    with pytest.raises(NotImportable, match="there is no"):
        library.bring_in(tmp_path, ARCHIVE, quiet)
    assert len(place.files()) == len(before) + 1


def test_a_library_whose_mail_lies_elsewhere_is_passed_over_there(
    place: Place, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "disk/mail"
    elsewhere.mkdir(parents=True)
    place.root.mkdir()
    place.mail.symlink_to(elsewhere)
    library = place.open()
    library.add(ARCHIVE, ANN)
    with pytest.raises(NotImportable, match="there is no"):
        library.bring_in(elsewhere.parent, ARCHIVE, quiet)
    with pytest.raises(NotImportable, match="is in the library already"):
        library.bring_in(elsewhere / "Archive", ARCHIVE, quiet)


def test_no_pipe_is_waited_for(library: MailLibrary, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotImportable, match="it is not a regular file"):
        library.bring_in(tmp_path / "pipe", ARCHIVE, quiet)


def test_a_folder_that_cannot_be_made_keeps_the_others_from_nothing(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    """Up to a hundred messages of the folder before it went with it, and nothing said so."""
    (place.mail / "Archive/Sent").symlink_to(tmp_path)
    source = laid(tmp_path, Inbox=one("a"), Sent=one("b"), Work=one("c"))
    done = library.bring_in(source, ARCHIVE, quiet)
    assert in_folders(library) == {"Archive/Inbox": ["a"], "Archive/Work": ["c"]}
    assert (done.added, [label for label, _ in done.failed]) == (2, ["Sent"])


@pytest.mark.parametrize("into", [WORK, TRASH])
def test_that_a_folder_can_hold_none_is_said_once_before_anything_comes_into_it(
    library: MailLibrary, tmp_path: Path, into: Folder
) -> None:
    """It was said of each box, and what lay beside them had come."""
    library.folder_of("work")
    source = laid(tmp_path, Inbox=one("a"), Sent=one("b"))
    (source / "c.eml").write_bytes(ANN)
    with pytest.raises(NotImportable, match=rf"has folders in it, and {into} holds none"):
        library.bring_in(source, into, quiet)
    assert in_folders(library) == {}
    for each in ("Inbox", "Sent"):
        (source / each).unlink()
        (source / f"{each}.msf").unlink()
    assert library.bring_in(source, into, quiet) == Imported(1)


def test_a_maildir_comes_with_its_folders(library: MailLibrary, tmp_path: Path) -> None:
    for name in ("", ".Lists.Python", "Plain"):
        for part in ("tmp", "new", "cur"):
            (tmp_path / "old" / name / part).mkdir(parents=True)
        (tmp_path / "old" / name / "cur/1.a:2,F").write_bytes(b"Subject: %b\n\n" % name.encode())
    done = library.bring_in(tmp_path / "old", ARCHIVE, quiet)
    assert in_folders(library) == {
        "Archive": [""],
        "Archive/Lists/Python": [".Lists.Python"],
        "Archive/Plain": ["Plain"],
    }
    assert dict(done.within) == {"Archive/Lists/Python": 1, "Archive/Plain": 1}
    row = library.page(Folder("Archive/Plain"), 0, 9).rows[0]
    assert row.flags == {Flag.FLAGGED}


def test_many_are_stored_some_at_a_time(
    library: MailLibrary, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    reports: list[Progress] = []
    source = mbox(tmp_path, *(b"Subject: %d\n\nx\n" % number for number in range(8)))
    assert library.bring_in(source, ARCHIVE, reports.append).added == 8
    done = [report.done for report in reports]
    assert len(done) == 3
    assert done == sorted(set(done))
    assert len(place.files()) == 8


@pytest.mark.parametrize("fails", ["disk", "source"])
def test_an_import_that_breaks_off_has_said_what_it_added(
    library: MailLibrary,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    """Thousands had come, and the page said 0."""
    monkeypatch.setattr(importing, "BATCH", 2)
    gone = b"Subject: gone\nX-Mozilla-Status: 0008\n\nx\n"
    texts = [b"Subject: %d\n\nx\n" % number for number in range(3)]
    source = mbox(tmp_path, texts[0], texts[0], texts[1], gone, texts[2])
    added = library._shelf.maildirs.add

    def full(folder: Folder, arrivals: Sequence[Arrival]) -> list[Entry]:
        if any(texts[2] == arrival.message for arrival in arrivals):
            raise LibraryUnusable("There is no room.")
        return added(folder, arrivals)

    def broken(self: Mbox) -> Iterator[Found]:
        yield from islice(read(self), 4)
        raise SourceUnusable("the disk is damaged")

    read = Mbox.__iter__
    if fails == "disk":
        monkeypatch.setattr(library._shelf.maildirs, "add", full)
    else:
        monkeypatch.setattr(Mbox, "__iter__", broken)
    reports: list[Progress] = []
    with pytest.raises(LibraryUnusable if fails == "disk" else NotImportable):
        library.bring_in(source, ARCHIVE, reports.append)
    assert reports[-1].imported == Imported(2, known=1, deleted=1)
    assert len(place.files()) == 3


def test_a_date_that_nothing_can_hold_stops_no_import(library: MailLibrary, tmp_path: Path) -> None:
    odd = [b"Thu, 1 Jan 1960 00:00:00 +0000", b"Mon, 1 Jan 99999 00:00:00 +0000", b"yesterday"]
    source = mbox(tmp_path, *(b"Date: " + date + b"\nSubject: x\n\nx\n" for date in odd))
    assert library.bring_in(source, ARCHIVE, quiet).added == 3
    for form in ExportForm:
        assert b"".join(library.export(ARCHIVE, form))


# Export


def exported(library: MailLibrary, form: ExportForm) -> bytes:
    return b"".join(library.export(ARCHIVE, form))


@pytest.fixture
def full(library: MailLibrary) -> MailLibrary:
    library.add(ARCHIVE, ANN, {Flag.SEEN})
    library.add(ARCHIVE, BOB)
    return library


def test_as_mbox(full: MailLibrary, tmp_path: Path) -> None:
    path = tmp_path / "out.mbox"
    path.write_bytes(exported(full, ExportForm.MBOX))
    with closing(mailbox.mbox(path)) as read_by_python:
        read = [message["subject"] for message in read_by_python]
    assert read == ["one", "two"]


def test_as_zip(full: MailLibrary) -> None:
    with zipfile.ZipFile(io.BytesIO(exported(full, ExportForm.ZIP))) as archive:
        names = archive.namelist()
        texts = [archive.read(name) for name in names]
    assert [text.replace(b"\r\n", b"\n") for text in texts] == [ANN, BOB]
    assert all(text.count(b"\r\n") == text.count(b"\n") for text in texts)
    assert names[0] == "00001 2026-11-23 one.eml"


@pytest.mark.parametrize("year", [1975, 2107, 2200, 9998])
def test_a_date_that_no_zip_can_hold_stops_no_export(library: MailLibrary, year: int) -> None:
    library.add(ARCHIVE, f"Date: 1 Jul {year} 00:00:00 +0000\nSubject: a\n\nx\n".encode())
    library.add(ARCHIVE, ANN)
    with zipfile.ZipFile(io.BytesIO(exported(library, ExportForm.ZIP))) as archive:
        assert len(archive.namelist()) == 2
        assert archive.testzip() is None


@pytest.mark.parametrize("subject", ["../../etc/passwd", "a/b", "c:\\x", "\u202e", "x" * 300, ""])
def test_a_name_in_a_zip_stays_where_it_is_unpacked(library: MailLibrary, subject: str) -> None:
    library.add(ARCHIVE, f"Subject: {subject}\n\nx\n".encode())
    with zipfile.ZipFile(io.BytesIO(exported(library, ExportForm.ZIP))) as archive:
        (name,) = archive.namelist()
    assert name.startswith("00001 ")
    assert name.endswith(".eml")
    assert not set(name) & set('/\\:\0"<>|?*')
    assert len(name.encode()) <= 255


def test_as_maildir(full: MailLibrary, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(exported(full, ExportForm.MAILDIR))) as archive:
        archive.extractall(tmp_path, filter="data")
    found = mailbox.Maildir(tmp_path / "Archive", create=False)
    assert {message["subject"]: message.get_flags() for message in found} == {"one": "S", "two": ""}


def test_a_folder_that_is_not_there_is_said_at_once(library: MailLibrary) -> None:
    with pytest.raises(NoSuchFolder):
        library.export(Folder("none"), ExportForm.MBOX)


def test_a_message_that_goes_meanwhile_is_passed_over(full: MailLibrary, place: Place) -> None:
    pieces = full.export(ARCHIVE, ExportForm.MBOX)
    for path in (place.mail / "Archive/cur").iterdir():
        path.unlink()
    assert b"".join(pieces) == b""


FIELDS = st.sampled_from([b"", b"X-Status: D\n", b"X-Mozilla-Status: 0008\n"])
LINES = st.lists(st.sampled_from([b"From x", b">From y", b"a: b", b"", b"text", b"."]), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(st.tuples(FIELDS, LINES), min_size=1, max_size=4),
    form=st.sampled_from(ExportForm),
)
def test_what_was_exported_can_be_imported(
    tmp_path_factory: pytest.TempPathFactory,
    bodies: list[tuple[bytes, list[bytes]]],
    form: ExportForm,
) -> None:
    tmp_path = tmp_path_factory.mktemp("ways")
    messages = {
        fields + b"Subject: %d\n\n" % number + b"\n".join(lines) + b"\n"
        for number, (fields, lines) in enumerate(bodies)
    }
    place = Place(tmp_path / "one")
    library = place.open()
    for message in messages:
        library.add(ARCHIVE, message)
    data = exported(library, form)
    place.close()
    out = tmp_path / "out"
    if form is ExportForm.MBOX:
        out.write_bytes(data)
    elif form is ExportForm.ZIP:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(out)
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(out, filter="data")
        out /= "Archive"
    other = Place(tmp_path / "two")
    done = other.open().bring_in(out, SENT, quiet)
    other.close()
    assert done.added + done.deleted == len(messages)
    assert not done.deleted or form is ExportForm.MBOX
    assert {*contents(other, SENT), *contents(other, TRASH)} == messages
