"""What is known of how messages were a while ago."""

from __future__ import annotations

import pytest

from pillarbox.reader.library.index import past
from pillarbox.reader.library.index.past import Past, State, Was
from pillarbox.reader.model import ARCHIVE, TRASH, Flag, Folder, MessageKey

ONE, TWO = MessageKey("one"), MessageKey("two")
THERE = State(ARCHIVE, frozenset())


def note(kept: Past, *changes: Was) -> None:
    kept.announce(changes)
    kept.note()


def test_what_counts_is_how_it_was_first() -> None:
    kept = Past()
    begin = kept.now
    note(kept, Was(ONE, THERE), Was(TWO, None))
    between = kept.now
    note(kept, Was(ONE, State(TRASH, frozenset({Flag.SEEN}))), Was(TWO, THERE))
    assert kept.since(begin) == {ONE: THERE, TWO: None}
    assert kept.since(between) == {ONE: State(TRASH, frozenset({Flag.SEEN})), TWO: THERE}
    assert kept.since(kept.now) == {}


def test_what_is_being_committed_is_after_every_moment() -> None:
    kept = Past()
    note(kept, Was(TWO, None))
    begin = kept.now
    kept.announce([Was(ONE, THERE)])
    assert kept.now == begin
    assert kept.since(begin) == {ONE: THERE}
    kept.announce([])
    assert kept.since(begin) == {}


def test_what_is_forgotten_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MAX_CHANGES", 2)
    kept = Past()
    begin = kept.now
    note(kept, Was(ONE, None))
    later = kept.now
    note(kept, Was(ONE, THERE), Was(TWO, None))
    assert kept.since(begin) is None
    assert kept.since(later) == {ONE: THERE, TWO: None}
    assert kept.since(kept.now + 1) is None
    now = kept.now
    kept.forget()
    assert kept.since(now) is None
    assert Past().since(now) is None


def test_a_folder_is_called_what_it_is_called_now() -> None:
    kept = Past()
    begin = kept.now
    note(kept, Was(ONE, State(Folder("A"), frozenset())), Was(TWO, THERE))
    kept.folder_renamed(Folder("A"), Folder("B"))
    assert kept.since(begin) == {ONE: State(Folder("B"), frozenset()), TWO: THERE}
