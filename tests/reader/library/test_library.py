"""What the contract of a library says of changes, their undoing, folders, and keeping up with the disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from pillarbox.reader.errors import (
    BadFolderName,
    LibraryUnusable,
    NoSuchFolder,
    NoSuchMessage,
)
from pillarbox.reader.library.index.file import Database
from pillarbox.reader.library.index.past import Past
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.library.index.writing import Writing
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.names import key_of, new_base
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.model import (
    ARCHIVE,
    INBOX,
    SENT,
    TRASH,
    Emptied,
    Entry,
    Flag,
    Folder,
    FolderState,
    MessageKey,
    Progress,
    Rule,
    Verb,
    inbox_of,
)
from pillarbox.reader.news import MailChanged
from pillarbox.reader.preferences import Preferences
from tests.reader.library.conftest import Place

WORK, HOME = inbox_of("work"), inbox_of("home")
NOBODY = MessageKey("x" * 22)


def letter(subject: str) -> bytes:
    return f"From: Ann <ann@example.org>\nSubject: {subject}\n\ntext\n".encode()


def three(library: MailLibrary, folder: Folder = WORK) -> list[MessageKey]:
    return [library.add(folder, letter(name)) for name in ("one", "two", "three")]


def where(library: MailLibrary, *keys: MessageKey) -> list[str]:
    return [library.find(key).folder for key in keys]


def in_trash(library: MailLibrary) -> int:
    return sum(state.total for state in library.folders() if state.folder == TRASH)


def test_what_is_missing_is_made_for_the_owner_only(library: MailLibrary, place: Place) -> None:
    assert [state.folder for state in library.folders()] == [HOME, WORK, SENT, ARCHIVE, TRASH]
    for path in (place.root, *place.root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) in {0o700, 0o600}, path


def test_one_reader_at_a_time(library: MailLibrary, place: Place) -> None:
    other = Place(place.root)
    with pytest.raises(LibraryUnusable, match="is open in process"):
        other.open()
    place.close()
    other.open()
    other.close()


def test_the_sidebar(library: MailLibrary) -> None:
    three(library)
    library.add(WORK, letter("seen"), {Flag.SEEN})
    library.make_folder("b/c")
    library.make_folder("A")
    states = library.folders()
    assert states[1] == FolderState(WORK, "work", 4, 3, "work")
    assert [state.folder for state in states[5:]] == ["A", "b/c"]
    assert states[-1].title == "c"


def test_moving_and_taking_it_back(library: MailLibrary, place: Place) -> None:
    keys = three(library)
    before = place.files()
    change = library.archive([*keys[:2], NOBODY, keys[0]])
    assert (change.verb, change.keys, change.to) == (Verb.ARCHIVED, tuple(keys[:2]), ARCHIVE)
    assert where(library, *keys) == [ARCHIVE, ARCHIVE, WORK]
    undone = library.undo(change.id)
    assert undone is not None
    assert set(undone.keys) == set(keys[:2])
    assert undone.to == WORK
    assert place.files() == before
    assert library.undo(change.id) is None, "only once"
    again = library.undo(undone.id)
    assert again is not None, "the undoing can be undone"
    assert where(library, *keys) == [ARCHIVE, ARCHIVE, WORK]


def test_marking_and_taking_it_back(library: MailLibrary) -> None:
    one, two, _ = three(library)
    library.mark([one], Flag.FLAGGED)
    change = library.mark([one, two], Flag.FLAGGED)
    assert change.keys == (two,), "those that have changed"
    assert library.find(two).flags == {Flag.FLAGGED}
    library.undo(change.id)
    assert library.find(one).flags == {Flag.FLAGGED}
    assert library.find(two).flags == frozenset()
    library.mark([one], Flag.FLAGGED, on=False)
    assert library.find(one).flags == frozenset()


def test_what_the_index_does_not_know_yet_is_marked_all_the_same(
    library: MailLibrary, place: Place
) -> None:
    one, two, _ = three(library)
    again = place.open(with_index=False)
    change = again.mark([one, NOBODY], Flag.REPLIED)
    assert change.keys == (one,)
    again.look()
    assert Flag.REPLIED in again.find(one).flags
    assert Flag.REPLIED not in again.find(two).flags


def test_who_was_moved_since_stays_and_who_was_read_goes_back(library: MailLibrary) -> None:
    """An undo was refused when the message had been read since."""
    one, two, three_ = three(library)
    change = library.delete([one, two, three_])
    library.move([one], ARCHIVE)
    library.mark([two], Flag.SEEN)
    undone = library.undo(change.id)
    assert undone is not None
    assert (undone.keys, undone.left) == ((two, three_), 1)
    assert where(library, one, two, three_) == [ARCHIVE, WORK, WORK]
    assert library.find(two).flags == {Flag.SEEN}
    again = library.undo(undone.id)
    assert again is not None
    assert (again.keys, again.left) == ((two, three_), 0)
    assert where(library, one, two, three_) == [ARCHIVE, TRASH, TRASH]
    assert library.find(two).flags == {Flag.SEEN}


def test_a_mark_is_taken_back_wherever_the_message_is_unless_it_was_marked_otherwise(
    library: MailLibrary,
) -> None:
    one, two, three_ = three(library)
    change = library.mark([one, two, three_], Flag.FLAGGED)
    library.mark([one], Flag.FLAGGED, on=False)
    library.move([two], ARCHIVE)
    library.mark([two], Flag.SEEN)
    library.delete([three_])
    library.erase([three_])
    undone = library.undo(change.id)
    assert undone is not None
    assert (undone.keys, undone.left) == ((two,), 2)
    assert where(library, one, two) == [WORK, ARCHIVE]
    assert library.find(two).flags == {Flag.SEEN}


def test_what_a_rule_has_moved_and_marked_goes_back_though_it_was_read(
    library: MailLibrary,
) -> None:
    one, *_ = three(library)
    change = library.apply(Rule("", subject="", move_to=ARCHIVE, flag=True), WORK)
    library.mark([one], Flag.SEEN)
    library.undo(change.id)
    assert where(library, one) == [WORK]
    assert library.find(one).flags == {Flag.SEEN}


def test_a_folder_that_is_gone_takes_nothing_back(library: MailLibrary) -> None:
    folder = library.make_folder("A")
    (key, *_) = three(library, folder)
    change = library.archive([key])
    library.remove_folder(folder)
    assert library.undo(change.id) is None
    assert where(library, key) == [ARCHIVE]


def test_an_undo_that_the_disk_refuses_can_be_said_again(
    library: MailLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, *_ = three(library)
    change = library.archive([key])

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(LibraryUnusable, match="check its disk"):
        library.undo(change.id)
    monkeypatch.undo()
    assert library.undo(change.id) is not None
    assert where(library, key) == [WORK]


@pytest.mark.parametrize("moved", [True, False])
def test_an_undo_that_was_refused_halfway_is_said_for_all_when_it_is_done(
    library: MailLibrary, monkeypatch: pytest.MonkeyPatch, *, moved: bool
) -> None:
    """What had gone back at the first try was said to have been moved, marked or removed since."""
    one, two, three_ = keys = three(library)
    change = library.archive(keys) if moved else library.mark(keys, Flag.FLAGGED)
    library.delete([three_])
    rename = os.rename
    renamed: list[str] = []

    def refuse_the_second(source: str, target: str) -> None:
        if renamed:
            raise OSError(5, "Input/output error")
        renamed.append(target)
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse_the_second)
        with pytest.raises(LibraryUnusable):
            library.undo(change.id)
    undone = library.undo(change.id)
    assert undone is not None
    back, left = ({one, two}, 1) if moved else (set(keys), 0)
    assert (set(undone.keys), undone.left) == (back, left)
    assert where(library, *keys) == [WORK, WORK, TRASH]
    again = library.undo(undone.id)
    assert again is not None
    assert (set(again.keys), again.left) == (back, 0)
    assert where(library, one, two) == [ARCHIVE if moved else WORK] * 2
    assert all((Flag.FLAGGED in library.find(key).flags) is not moved for key in keys)


def test_without_an_account_all_inboxes_are_empty(place: Place) -> None:
    library = place.open()
    assert library.page(INBOX, 0, 10).total == 0
    assert library.search("text", 0, 10, within=INBOX).total == 0


def test_an_undo_is_forgotten_after_so_many(library: MailLibrary) -> None:
    key, *_ = three(library)
    first = library.mark([key], Flag.FLAGGED)
    for number in range(100):
        library.mark([key], Flag.SEEN, on=number % 2 == 0)
    assert library.undo(first.id) is None


def test_deleting_what_is_in_trash_changes_nothing(library: MailLibrary) -> None:
    key, *_ = three(library)
    library.delete([key])
    assert library.delete([key]).keys == ()
    assert where(library, key) == [TRASH]


def test_only_what_is_in_trash_is_erased(library: MailLibrary, place: Place) -> None:
    one, two, _ = three(library)
    library.delete([one])
    assert library.erase([one, two, NOBODY]) == 1
    assert len(place.files()) == 2
    with pytest.raises(NoSuchMessage):
        library.read(one)
    library.delete([two])
    assert library.empty_trash(library.moment) == Emptied(removed=1, left=0)
    assert in_trash(library) == 0


def test_emptying_trash_spares_what_no_list_has_shown_yet(
    library: MailLibrary, place: Place
) -> None:
    """The question counted what the index knew, and all that was on disk went."""
    one, *_ = three(library)
    library.delete([one])
    assert in_trash(library) == 1
    moment = library.moment
    (place.mail / "Trash/cur/1790000000.M1.other:2,S").write_bytes(letter("another program's"))
    assert library.empty_trash(moment) == Emptied(removed=1, left=1)
    library.look()
    assert in_trash(library) == 1
    assert library.empty_trash(moment) == Emptied(removed=0, left=1)
    assert library.empty_trash(library.moment) == Emptied(removed=1, left=0)


@pytest.mark.parametrize("asked_first", ["entries", "since"])
def test_what_is_deleted_while_trash_is_being_emptied_can_be_undone(
    library: MailLibrary, asked_first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another tab's: it was told "Deleted", with Undo, and the message was gone for good."""
    one, two, three_ = three(library)
    library.delete([one])
    moment = library.moment
    library.delete([two])
    done = []
    ask = getattr(SqliteIndex, asked_first)

    def and_then_another_is_deleted(self: SqliteIndex, *args: object) -> object:
        found = ask(self, *args)
        done.append(library.delete([three_]))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(SqliteIndex, asked_first, and_then_another_is_deleted)
        assert library.empty_trash(moment) == Emptied(removed=1, left=2)
    (deleted,) = done
    assert library.undo(deleted.id)
    assert where(library, two, three_) == [TRASH, WORK]


def test_what_a_list_shows_is_known_to_have_come(
    library: MailLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment after it could be listed, it was taken for what had been there before."""
    moment = library.moment
    note = Past.note
    seen: list[tuple[list[MessageKey], object, bool]] = []

    def and_before_somebody_looks(self: Past) -> None:
        rows = library.page(WORK, 0, 9).rows
        seen.append(([row.key for row in rows], library.since(moment), library.moment == moment))
        note(self)

    monkeypatch.setattr(Past, "note", and_before_somebody_looks)
    key = library.add(WORK, letter("new"))
    assert seen == [([key], {key: None}, True)]
    assert library.moment > moment


def test_what_could_not_be_noted_has_not_come(
    library: MailLibrary, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = library.moment
    place.deliver("work", "1790000000.M1.host", letter("new"))

    def refuse(self: Writing) -> NoReturn:
        raise LibraryUnusable("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Writing, "finish", refuse)
        with pytest.raises(LibraryUnusable):
            library.look()
    assert library.since(moment) == {}
    assert library.look() == 1
    assert library.since(moment) == {key_of("1790000000.M1.host"): None}


def test_nothing_is_deleted_between_what_has_expired_and_its_removal(
    library: MailLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken out of Trash and deleted again just then would have gone at once."""
    erase, held = Shelf.erase, []

    def erase_if_others_wait(self: Shelf, entries: Sequence[Entry]) -> int:
        with ThreadPoolExecutor(1) as other:
            held.append(not other.submit(self.changing.acquire, blocking=False).result())
        return erase(self, entries)

    monkeypatch.setattr(Shelf, "erase", erase_if_others_wait)
    library.tidy()
    assert held == [True]


def test_trash_is_not_emptied_when_nobody_knows_what_was_in_it(library: MailLibrary) -> None:
    one, *_ = three(library)
    library.delete([one])
    moment = library.moment
    library.reindex(lambda _: None)
    assert library.empty_trash(moment) is None
    assert library.empty_trash(1) is None
    assert where(library, one) == [TRASH]


def test_trash_is_not_emptied_by_an_index_that_has_just_come(
    library: MailLibrary, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows what no list had shown, and the moments of the one before it were not forgotten yet."""
    moment = library.moment
    (place.mail / "Trash/cur/1790000000.M1.other:2,S").write_bytes(letter("another program's"))
    replace, found = Database.replace, []

    def and_then_trash_is_emptied(self: Database, new: Path) -> None:
        replace(self, new)
        found.append(library.empty_trash(moment))

    monkeypatch.setattr(Database, "replace", and_then_trash_is_emptied)
    library.reindex(lambda _: None)
    assert found == [None]
    assert in_trash(library) == 1


def test_erasing_spares_what_another_program_has_taken_out(
    library: MailLibrary, place: Place
) -> None:
    key, *_ = three(library)
    library.delete([key])
    (path,) = (place.mail / "Trash/cur").iterdir()
    path.rename(place.mail / "Archive/cur" / path.name)
    assert library.erase([key]) == 0
    library.look()
    assert where(library, key) == [ARCHIVE]


@pytest.mark.parametrize("to", ["none", INBOX, "../x", ""])
def test_moving_to_what_is_no_folder(library: MailLibrary, to: str) -> None:
    key, *_ = three(library)
    with pytest.raises(NoSuchFolder):
        library.move([key], Folder(to))
    assert where(library, key) == [WORK]


def test_adding_again_under_one_name_adds_nothing(library: MailLibrary, place: Place) -> None:
    """Wherever the message is by now, and whatever the index knows."""
    base = new_base()
    key = library.add(SENT, b"a: b\r\n\r\nx\r\n", {Flag.SEEN}, base=base)
    assert key == key_of(base)
    assert library.read(key) == b"a: b\n\nx\n"
    library.archive([key])
    assert library.add(SENT, b"a: b\r\n\r\nx\r\n", {Flag.SEEN}, base=base) == key
    library = place.open(with_index=False)
    assert library.add(SENT, b"a: b\r\n\r\nx\r\n", {Flag.SEEN}, base=base) == key
    assert len(place.files()) == 1
    assert where(library, key) == [ARCHIVE]


def test_news(library: MailLibrary, place: Place) -> None:
    key = library.add(WORK, letter("x"))
    library.archive([key])
    library.archive([key])
    assert place.told.items[-2:] == [
        MailChanged(frozenset({WORK}), 1),
        MailChanged(frozenset({WORK, ARCHIVE})),
    ]


def test_all_inboxes_are_one_list(library: MailLibrary) -> None:
    keys = {library.add(WORK, letter("a")), library.add(HOME, letter("b"))}
    library.add(ARCHIVE, letter("c"))
    assert {row.key for row in library.page(INBOX, 0, 10).rows} == keys
    assert {row.key for row in library.search("text", 0, 10, within=INBOX).rows} == keys
    with pytest.raises(NoSuchFolder):
        library.page(Folder("none"), 0, 10)
    with pytest.raises(NoSuchFolder):
        library.search("text", 0, 10, within=Folder("none"))


def test_a_search_in_a_folder_is_one_in_those_below_too(library: MailLibrary) -> None:
    keys = {library.add(library.make_folder(path), letter("a")) for path in ("P/q", "P")}
    assert {row.key for row in library.search("text", 0, 9, within=Folder("P")).rows} == keys


def test_a_thread_has_nothing_of_trash(library: MailLibrary) -> None:
    heads = [b"Message-ID: <1@x>\n", b"Message-ID: <2@x>\nReferences: <1@x>\n"]
    one, two = (library.add(WORK, head + letter("same")) for head in heads)
    library.delete([one])
    assert [row.key for row in library.thread(two)] == [two]
    assert {row.key for row in library.thread(one)} == {one, two}


def test_a_folder_is_renamed_with_all_in_it(library: MailLibrary, place: Place) -> None:
    folder, inner = library.make_folder("P"), library.make_folder("P/2026")
    keys = [library.add(folder, letter("a")), library.add(inner, letter("b"))]
    library.rules.save([Rule("", sender="x", move_to=inner)])
    change = library.archive(keys)
    assert library.rename_folder(folder, "Q") == "Q"
    library.undo(change.id)
    assert where(library, *keys) == ["Q", "Q/2026"]
    assert library.rules.all()[0].move_to == "Q/2026"
    assert place.open().folders()[-1].folder == "Q/2026"
    assert where(place.open(), *keys) == ["Q", "Q/2026"]


@pytest.mark.parametrize("folder", [SENT, ARCHIVE, TRASH, WORK])
def test_what_is_always_there(library: MailLibrary, folder: Folder) -> None:
    with pytest.raises(BadFolderName):
        library.rename_folder(folder, "other")
    with pytest.raises(BadFolderName):
        library.remove_folder(folder)


def test_a_removed_folders_mail_is_in_trash_and_comes_back(library: MailLibrary) -> None:
    folder, inner = library.make_folder("P"), library.make_folder("P/2026")
    keys = [library.add(folder, letter("a")), library.add(inner, letter("b"))]
    change = library.remove_folder(folder)
    assert where(library, *keys) == [TRASH, TRASH]
    assert folder not in [state.folder for state in library.folders()]
    library.undo(change.id)
    assert where(library, *keys) == [folder, inner]


def test_removing_an_empty_folder_can_be_undone(library: MailLibrary) -> None:
    folder = library.make_folder("P")
    change = library.remove_folder(folder)
    assert library.undo(change.id) is not None
    assert folder in [state.folder for state in library.folders()]


def test_mail_that_came_is_known_after_a_look(library: MailLibrary, place: Place) -> None:
    place.deliver("work", "1.a", letter("hello"))
    assert library.look([WORK]) == 1
    (row,) = library.page(WORK, 0, 10).rows
    assert row.subject == "hello"
    assert library.look() == 0
    assert set(place.files()) == {"Inbox/work/cur/1.a:2,"}


def test_what_other_programs_do_is_known_after_a_look(library: MailLibrary, place: Place) -> None:
    one, two, gone = three(library)
    for path in (place.mail / "Inbox/work/cur").iterdir():
        key = key_of(path.name.partition(":")[0])
        if key == one:
            path.rename(path.with_name(f"{path.name}R"))
        elif key == two:
            path.rename(place.mail / "Archive/cur" / path.name)
        else:
            path.unlink()
    assert library.read(two), "it is found before the look, too"
    library.look()
    assert library.find(one).flags == {Flag.REPLIED}
    assert where(library, two) == [ARCHIVE]
    with pytest.raises(NoSuchMessage):
        library.find(gone)


@pytest.mark.parametrize("account", ["", "..", ".x", "a/b", "a\0"])
def test_names_that_no_account_has(library: MailLibrary, account: str) -> None:
    with pytest.raises(BadFolderName):
        library.folder_of(account)


def test_reindexing(library: MailLibrary, place: Place) -> None:
    keys = three(library)
    library = place.open(with_index=False)
    library.reindex(lambda _: None)
    assert where(library, *keys) == [WORK] * 3


# Trash


def test_trash_goes_after_so_many_days(library: MailLibrary, place: Place) -> None:
    one, two, _ = three(library)
    library.delete([one])
    library.tidy()
    place.later(days=20)
    library.delete([two])
    library.tidy()
    place.later(days=9)
    library.tidy()
    place.later(hours=23)
    library = place.open()
    library.tidy()
    assert in_trash(library) == 2
    place.later(hours=1)
    library.tidy()
    assert in_trash(library) == 1
    assert where(library, two) == [TRASH]


def test_who_comes_back_to_trash_stays_for_all_the_days(library: MailLibrary, place: Place) -> None:
    key, *_ = three(library)
    library.delete([key])
    library.tidy()
    place.later(days=29)
    library.archive([key])
    library.delete([key])
    library.tidy()
    place.later(days=29)
    library.tidy()
    assert in_trash(library) == 1


def test_trash_that_nobody_knows_of_is_there_from_now_on(
    library: MailLibrary, place: Place
) -> None:
    key, *_ = three(library)
    library.delete([key])
    library.tidy()
    place.later(days=40)
    place.close()
    (place.root / "trash.json").write_text('{"since": nonsense')
    library = place.open()
    library.tidy()
    assert in_trash(library) == 1
    assert (place.root / "trash.json.damaged-1").exists()
    month_and_a_day_later(library, place)
    assert in_trash(library) == 0


def test_trash_may_stay_for_ever(library: MailLibrary, place: Place) -> None:
    place.settings.trash_days = 0
    key, *_ = three(library)
    library.delete([key])
    library.tidy()
    place.later(days=4000)
    library.tidy()
    assert in_trash(library) == 1


@pytest.mark.parametrize("settings", ['{"trash_days": 4000}', '{"trash_days": 0', None])
def test_damaged_settings_do_not_empty_a_trash_that_was_never_to_be_emptied(
    library: MailLibrary, place: Place, settings: str | None
) -> None:
    place.settings.trash_days = 0
    key, *_ = three(library)
    library.delete([key])
    library.tidy()
    place.later(days=400)
    if settings is not None:
        (place.root / "settings.json").write_text(settings)
    known = (place.root / "trash.json").exists()
    place.settings = Preferences(place.root / "settings.json", expected=known).settings
    library = place.open()
    library.tidy()
    assert in_trash(library) == 1


def test_a_clock_that_was_ahead_takes_nothing_early(library: MailLibrary, place: Place) -> None:
    key, *_ = three(library)
    library.delete([key])
    place.later(days=365)
    library.tidy()
    place.later(days=-365)
    library.tidy()
    month_and_a_day_later(library, place)
    assert in_trash(library) == 0


@pytest.mark.parametrize("restarts", [False, True])
def test_an_hour_with_a_wrong_year_empties_no_trash(
    library: MailLibrary, place: Place, restarts: bool
) -> None:
    long_ago, now, *_ = three(library)
    library.delete([long_ago])
    library.tidy()
    place.later(days=29)
    library.delete([now])
    library.tidy()
    right = place.time
    place.time = right.replace(year=2099)
    for _ in range(3):
        if restarts:
            library = place.open()
        library.tidy()
        assert where(library, now) == [TRASH]
        place.later(minutes=30)
    place.time = right + timedelta(hours=2)
    library.tidy()
    place.later(days=1)
    library.tidy()
    assert where(library, now) == [TRASH]
    month_and_a_day_later(library, place)
    assert in_trash(library) == 0


def month_and_a_day_later(library: MailLibrary, place: Place) -> None:
    """What has been in Trash before that is not any more: two looks agree."""
    for days in (30, 1):
        place.later(days=days)
        library.tidy()


def test_the_first_reading_says_how_far_it_is_and_ends_with_news_of_everything(
    library: MailLibrary, place: Place
) -> None:
    three(library)
    files = len(list((place.mail / WORK).glob("*/*")))
    library = place.open(with_index=False)
    place.told.items.clear()
    shown: list[Progress | None] = []
    library.reindex(lambda _: shown.append(library.reading_in))
    assert shown == [Progress(0, files), Progress(files, files)]
    assert library.reading_in is None
    first, *_, last = place.told.items
    assert first == MailChanged(frozenset())
    assert isinstance(last, MailChanged)
    assert last.folders >= {WORK, ARCHIVE}
    assert library.page(WORK, 0, 10).total == files


def test_a_first_reading_that_fails_does_not_go_on_for_ever(
    place: Place, library: MailLibrary
) -> None:
    library = place.open(with_index=False)

    def full(_: Progress) -> None:
        assert library.reading_in is not None
        raise OSError("no room")

    with pytest.raises(Exception, match="no room"):
        library.reindex(full)
    assert library.reading_in is None


def test_a_later_reindexing_hides_nothing(library: MailLibrary) -> None:
    library.reindex(lambda _: None)
    shown = []
    library.reindex(lambda _: shown.append(library.reading_in))
    assert set(shown) == {None}


def test_a_clock_that_is_not_set_yet_takes_nothing_early(
    library: MailLibrary, place: Place
) -> None:
    known, new, _ = three(library)
    library.delete([known])
    library.tidy()
    today, place.time = place.time, datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    library.delete([new])
    library.tidy()
    place.time = today + timedelta(days=1)
    library.tidy()
    assert in_trash(library) == 2
    place.later(days=28)
    library.tidy()
    place.later(days=1)
    library.tidy()
    assert where(library, new) == [TRASH]
    assert in_trash(library) == 1


def test_what_is_always_there_is_made_again_by_the_look_that_misses_it(
    library: MailLibrary, place: Place
) -> None:
    place.accounts = ["work", ".no/account"]
    (key, *_) = three(library)
    (place.mail / "Inbox/home/cur/kept").write_bytes(b"x")
    for folder in (SENT, ARCHIVE, TRASH):
        shutil.rmtree(place.mail / folder)
    place.told.items.clear()
    library.look()
    (told,) = (item for item in place.told.items if isinstance(item, MailChanged))
    assert {SENT, ARCHIVE, TRASH} <= told.folders
    library.archive([key])
    assert library.find(key).folder == ARCHIVE
    shutil.rmtree(place.mail / "Inbox")
    library.look()
    folders = [state.folder for state in library.folders()]
    assert folders == [WORK, SENT, ARCHIVE, TRASH], "that of an account that is gone is not"


def test_nothing_is_made_again_where_the_whole_library_is_away(
    library: MailLibrary, place: Place
) -> None:
    place.mail.rename(place.root / "elsewhere")
    place.mail.mkdir()  # the place where a disk was mounted
    library.look()
    assert list(place.mail.iterdir()) == []


def test_while_it_cannot_be_read_since_when_mail_is_in_trash_none_of_it_goes(place: Place) -> None:
    (place.root / "trash.json").mkdir(parents=True)
    library = place.open()
    key = library.add(ARCHIVE, letter("x"))
    for _ in range(2):
        library.delete([key])
        library.tidy()
        place.later(days=400)
        library.tidy()
        assert library.find(key).folder == TRASH
        library.move([key], ARCHIVE)
    assert "not emptied by itself" in library.trash_problem
    assert list((place.root / "trash.json").iterdir()) == []
