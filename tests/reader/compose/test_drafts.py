"""Drafts on disk: what is kept, for how long, and who may change it."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose import draft_file
from pillarbox.reader.compose.attached import MAX_OCTETS, safe_type
from pillarbox.reader.compose.draft_file import MAX_TEXT
from pillarbox.reader.compose.drafts import (
    DISCARDED_DAYS,
    UNTOUCHED_DAYS,
    KeptDrafts,
    open_drafts,
)
from pillarbox.reader.errors import DraftChanged, LibraryUnusable, NoSuchDraft, NotSendable
from pillarbox.reader.incoming import Received
from pillarbox.reader.model import Draft, File, MessageKey, Parcel
from pillarbox.reader.news import DraftSaved, DraftsChanged, Item
from tests.reader.compose.outboxes import HeldOutbox


class Place:
    """Drafts in a folder, that can be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "drafts"
        self.outbox = HeldOutbox()
        self.news: list[Item] = []
        self.now = datetime(2026, 11, 3, 10, 42, tzinfo=UTC)

    def open(self) -> KeptDrafts:
        return open_drafts(
            self.folder, outbox=self.outbox, tell=self.news.append, clock=lambda: self.now
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def written(drafts: KeptDrafts, text: str = "typed") -> Draft:
    return drafts.save(replace(drafts.new(Draft("")), text=text))


def parcel(draft: Draft) -> Parcel:
    return Parcel(b"", "work", "me@x", ("you@x",), "", draft=draft.id)


def test_a_draft_is_there_after_a_restart(place: Place) -> None:
    drafts = place.open()
    made = drafts.new(Draft("", to="ada@x", references=("a@x",), answers=MessageKey("k")))
    saved = drafts.save(replace(made, text="Hello\n"))
    file = drafts.attach(made.id, "../a\tb.txt", "Text/Plain; charset=x", [b"one", b"two"])
    again = place.open()
    assert again.all() == [replace(saved, files=(file,), changed=place.now)]
    assert again.path(made.id, file.id).read_bytes() == b"onetwo"
    assert file == File(file.id, "a_b.txt", "text/plain", 6)


def test_two_tabs_do_not_overwrite_each_other(place: Place) -> None:
    drafts = place.open()
    made = drafts.new(Draft(""))
    drafts.save(replace(made, text="one"))
    with pytest.raises(DraftChanged, match="another tab"):
        drafts.save(replace(made, text="two"))
    assert drafts.find(made.id).text == "one"


def test_saving_and_attaching_do_not_disturb_each_other(place: Place) -> None:
    drafts = place.open()
    made = drafts.new(Draft(""))
    file = drafts.attach(made.id, "a", "", [b"a"])
    saved = drafts.save(replace(made, text="x"))
    assert saved.files == (file,)
    drafts.detach(made.id, file.id)
    drafts.detach(made.id, file.id)
    assert drafts.save(saved).files == ()
    assert list((place.folder / made.id / "files").iterdir()) == []
    with pytest.raises(NoSuchDraft):
        drafts.path(made.id, file.id)


def test_what_is_too_large_is_refused_and_leaves_nothing(place: Place) -> None:
    drafts = place.open()
    made = drafts.new(Draft(""))
    half = b"x" * (MAX_OCTETS // 2)
    drafts.attach(made.id, "a", "", [half])
    with pytest.raises(NotSendable, match="50 MB"):
        drafts.attach(made.id, "b", "", [half, b"y"])
    assert [file.name for file in drafts.find(made.id).files] == ["a"]
    assert len(list((place.folder / made.id / "files").iterdir())) == 1
    with pytest.raises(NotSendable, match="Attach it as a file"):
        drafts.save(replace(made, text="x" * (MAX_TEXT + 1)))


def test_a_file_that_was_sent_is_taken_whole_or_not_at_all(place: Place) -> None:
    drafts = place.open()
    draft = written(drafts)
    content = bytes(range(256)) * 10_000
    file = drafts.attach(draft.id, "a.bin", "", Received(io.BytesIO(content)))
    assert file.octets == len(content)
    assert drafts.path(draft.id, file.id).read_bytes() == content
    with pytest.raises(NotSendable):
        drafts.attach(draft.id, "b.bin", "", Received(io.BytesIO(bytes(MAX_OCTETS))))
    assert drafts.find(draft.id).files == (file,)
    assert [path.name for path in drafts.path(draft.id, file.id).parent.iterdir()] == [file.id]


def test_a_draft_in_the_outbox_is_not_listed_and_cannot_be_changed(place: Place) -> None:
    drafts = place.open()
    made = written(drafts)
    key = place.outbox.put(parcel(made), hold_seconds=0)
    assert drafts.all() == []
    for change in (
        lambda: drafts.find(made.id),
        lambda: drafts.save(made),
        lambda: drafts.attach(made.id, "a", "", []),
        lambda: drafts.detach(made.id, "a"),
    ):
        with pytest.raises(NoSuchDraft):
            change()
    place.outbox.take_out(key)
    assert drafts.all() == [made]


def test_what_has_left_is_gone_for_good(place: Place) -> None:
    drafts = place.open()
    made = written(drafts)
    drafts.attach(made.id, "a", "", [b"a"])
    key = place.outbox.put(parcel(made), hold_seconds=0)
    drafts.discard(made.id)  # the outbox says so that it has left, before it forgets it
    drafts.discard(made.id)
    place.outbox.take_out(key)
    assert not (place.folder / made.id).exists()
    with pytest.raises(NoSuchDraft):
        drafts.restore(made.id)
    assert place.open().all() == []


def test_what_was_being_removed_when_it_was_killed_is_removed(place: Place) -> None:
    made = written(place.open())
    (place.folder / made.id / draft_file.NAME).unlink()
    assert place.open().all() == []
    assert not (place.folder / made.id).exists()


def test_a_discarded_draft_can_be_brought_back_for_some_days(place: Place) -> None:
    drafts = place.open()
    made = written(drafts, "keep")
    drafts.attach(made.id, "a", "", [b"a"])
    before = drafts.find(made.id)
    drafts.discard(made.id)
    drafts.discard(made.id)
    assert drafts.all() == []
    assert place.open().restore(made.id) == before
    drafts = place.open()
    drafts.discard(made.id)
    place.now += timedelta(days=DISCARDED_DAYS, seconds=1)
    with pytest.raises(NoSuchDraft, match="too long ago"):
        place.open().restore(made.id)


@pytest.mark.parametrize("name", ["..", ".", "", "discarded", "../drafts", "nowhere"])
def test_no_other_folder_can_be_brought_back(place: Place, name: str) -> None:
    with pytest.raises(NoSuchDraft):
        place.open().restore(name)


def test_what_nobody_has_typed_in_is_no_draft_yet_and_goes_by_itself(place: Place) -> None:
    drafts = place.open()
    made = drafts.new(Draft("", subject="Re: Tea"))
    assert drafts.all() == []
    assert place.news == []
    assert drafts.find(made.id) == made
    assert place.open().find(made.id) == made
    kept = written(drafts)
    place.now += timedelta(days=UNTOUCHED_DAYS, seconds=1)
    drafts = place.open()
    with pytest.raises(NoSuchDraft):
        drafts.find(made.id)
    assert drafts.all() == [kept]
    assert drafts.restore(made.id).subject == "Re: Tea"  # a page was still open


def test_pages_are_told_that_drafts_come_and_go(place: Place) -> None:
    drafts = place.open()
    made = written(drafts)
    drafts.save(replace(drafts.find(made.id), text="More"))
    drafts.discard(made.id)
    assert place.news == [
        DraftsChanged(),
        DraftSaved(made.id, 2),
        DraftSaved(made.id, 3),
        DraftsChanged(),
    ]


def test_a_damaged_draft_is_left_alone_and_others_are_listed(place: Place) -> None:
    drafts = place.open()
    bad, good = written(drafts), written(drafts)
    file = place.folder / bad.id / draft_file.NAME
    file.write_bytes(b"{")
    again = place.open()
    assert again.all() == [good]
    assert again.damaged() == [file.parent]
    assert file.read_bytes() == b"{"


def test_a_draft_that_cannot_be_read_keeps_no_other_away(place: Place) -> None:
    drafts = place.open()
    bad, good = written(drafts), written(drafts)
    file = place.folder / bad.id / draft_file.NAME
    file.unlink()
    file.mkdir()
    again = place.open()
    assert again.all() == [good]
    assert again.damaged() == [file.parent]
    file.rmdir()
    place.open()
    assert again.damaged() == [], "it was removed"


@pytest.mark.parametrize("octets", [b"", b"[]", b"{}", b"\xff", b'{"form": 99}', b'{"form":1}'])
def test_what_is_no_draft_is_said_to_be_none(octets: bytes) -> None:
    with pytest.raises(draft_file.Damaged):
        draft_file.from_octets(octets)


drafts_ = st.builds(
    Draft,
    st.text(),
    to=st.text(),
    subject=st.text(),
    text=st.text(st.characters(exclude_categories=[])),
    quote=st.text(),
    unquoted=st.booleans(),
    references=st.lists(st.text()).map(tuple),
    answers=st.none() | st.text(min_size=1).map(MessageKey),
    files=st.lists(st.builds(File, st.text(), st.text(), st.text(), st.integers())).map(tuple),
    changed=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(drafts_)
def test_a_file_holds_all_of_a_draft(draft: Draft) -> None:
    assert draft_file.from_octets(draft_file.to_octets(draft)) == draft


@pytest.mark.parametrize(
    ("given_", "safe"),
    [
        ("image/PNG", "image/png"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("", "application/octet-stream"),
        ("a/b\r\nX: y", "application/octet-stream"),
        ("text", "application/octet-stream"),
    ],
)
def test_types(given_: str, safe: str) -> None:
    assert safe_type(given_) == safe


def test_files_that_come_side_by_side_are_no_more_than_one_by_one(place: Place) -> None:
    drafts = place.open()
    draft = written(drafts)
    half = MAX_OCTETS // 2 + 1

    def meanwhile() -> Iterator[bytes]:
        yield bytes(half)
        drafts.attach(draft.id, "first.bin", "", [bytes(half)])

    with pytest.raises(NotSendable):
        drafts.attach(draft.id, "second.bin", "", meanwhile())
    (kept,) = drafts.find(draft.id).files
    assert kept.name == "first.bin"
    assert [path.name for path in (place.folder / draft.id / "files").iterdir()] == [kept.id]


def test_a_save_whose_answer_was_lost_can_be_said_again(place: Place) -> None:
    drafts = place.open()
    first = drafts.new(Draft(""))
    typed = replace(first, text="typed")
    saved = drafts.save(typed)
    assert drafts.save(typed) == saved
    with pytest.raises(DraftChanged):
        drafts.save(replace(typed, text="typed elsewhere"))


def unreadable(folder: Path) -> Path:
    """Put something else in the place of *folder*; where it is now."""
    away = folder.rename(folder.with_name("away"))
    folder.write_bytes(b"")
    return away


def put_right(folder: Path, away: Path) -> None:
    folder.unlink()
    away.rename(folder)


def test_what_leaves_while_the_drafts_cannot_be_read_is_not_offered_again(place: Place) -> None:
    """The outbox was told that its draft is gone, and forgot the message."""
    draft = written(place.open())
    sent = place.outbox.put(parcel(draft), hold_seconds=0)
    away = unreadable(place.folder)
    drafts = place.open()
    assert drafts.problem
    with pytest.raises(LibraryUnusable, match="Your drafts cannot be read"):
        drafts.discard(draft.id)
    put_right(place.folder, away)
    drafts = place.open()
    drafts.discard(draft.id)
    place.outbox.take_out(sent)
    assert place.open().all() == []


def test_a_damaged_draft_whose_message_has_left_goes_with_it(place: Place) -> None:
    """A copy of it from a backup would be offered as something not sent yet."""
    draft, other = written(place.open()), written(place.open())
    sent = place.outbox.put(parcel(draft), hold_seconds=0)
    for each in (draft, other):
        (place.folder / each.id / draft_file.NAME).write_bytes(b"{")
    drafts = place.open()
    drafts.discard(other.id)  # which has not been sent: it is left alone
    drafts.discard(draft.id)
    drafts.discard(draft.id)
    place.outbox.take_out(sent)
    assert drafts.damaged() == [place.folder / other.id]


def test_while_the_outbox_cannot_be_read_nothing_that_may_wait_in_it_is_changed(
    place: Place,
) -> None:
    """It was listed, edited, and removed when the old text had left."""
    draft = written(place.open())
    offer = place.open().new(Draft(""))
    place.outbox.put(parcel(draft), hold_seconds=0)
    waiting, place.outbox = place.outbox, HeldOutbox()
    place.outbox.problem = "The outbox cannot be read."
    place.now += timedelta(days=UNTOUCHED_DAYS + 1)
    drafts = place.open()
    assert drafts.find(draft.id) == draft, "it can be read"
    assert drafts.kept(offer.id), "whatever its age"
    for change in (
        lambda: drafts.save(replace(draft, text="other")),
        lambda: drafts.attach(draft.id, "a", "", [b"a"]),
        lambda: drafts.detach(draft.id, "a"),
        lambda: drafts.discard(draft.id),
    ):
        with pytest.raises(
            LibraryUnusable, match=r"may have been sent.* The outbox cannot be read"
        ):
            change()
    new = written(drafts)
    assert drafts.save(replace(new, text="more")).text == "more", "it has not been sent"
    place.outbox = waiting
    assert place.open().kept(draft.id) == draft


def test_a_draft_that_the_disk_did_not_let_go_goes_the_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its message has left: it must not be found again by the next start."""
    drafts = place.open()
    draft = written(drafts)
    place.outbox.put(parcel(draft), hold_seconds=0)

    def refused(_: Path, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", refused)
        with pytest.raises(LibraryUnusable, match="check its disk"):
            drafts.discard(draft.id)
    drafts.discard(draft.id)
    assert place.open().kept(draft.id) is None
