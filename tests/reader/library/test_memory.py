"""What can be taken back, and for how long."""

from __future__ import annotations

import pytest

from pillarbox.reader.library import memory
from pillarbox.reader.library.maildirs import Refiled
from pillarbox.reader.library.memory import Done, Memory
from pillarbox.reader.model import ARCHIVE, TRASH, Change, Entry, Verb


def done(change_id: str, messages: int = 1) -> Done:
    step = Refiled(Entry(ARCHIVE, "base"), Entry(TRASH, "base"))
    return Done(Change(change_id, Verb.DELETED, (), TRASH), (step,) * messages)


def test_the_last_change_is_kept_however_large() -> None:
    kept = Memory()
    kept.keep(done("small"))
    kept.keep(done("huge", memory.MAX_MESSAGES + 1))
    assert kept.take("small") is None
    assert kept.take("huge") is not None
    assert kept.take("huge") is None


def test_the_oldest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_CHANGES", 2)
    kept = Memory()
    for name in ("first", "second", "third"):
        kept.keep(done(name))
    assert [kept.take(name) is not None for name in ("first", "second", "third")] == [
        False,
        True,
        True,
    ]
