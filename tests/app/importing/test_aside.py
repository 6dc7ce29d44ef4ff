from pathlib import Path

import pytest

from pillarbox.app.importing.aside import ReadAside
from pillarbox.sources.found import SourceUnusable
from tests.sources.made import Put


def test_a_child_reads_the_same(maildir: Path, put: Put) -> None:
    put("new/1.a", b"a" * 300_000)
    put("new/2.b", b"")
    put("new/3.c", b"c")
    (maildir / ".Sent" / "cur").mkdir(parents=True)
    source = ReadAside(str(maildir))
    assert source.total == 3
    assert len(source.notes) == 1
    a, b, c = source
    source.close()
    assert (a.raw, b.problem, c.raw) == (b"a" * 300_000, "is empty", b"c")


def test_a_source_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="no such Maildir"):
        ReadAside(str(tmp_path / "none"))


def test_the_child_ends_when_nobody_wants_more(maildir: Path, put: Put) -> None:
    for number in range(4):
        put(f"new/{number}.a", b"x" * 1_000_000)
    source = ReadAside(str(maildir))
    next(iter(source))
    source.close()
    source.close()
    assert source.exit_code == 0


def test_a_child_that_dies_is_noticed(maildir: Path, put: Put) -> None:
    for number in range(4):
        put(f"new/{number}.a", b"x" * 1_000_000)
    source = ReadAside(str(maildir))
    messages = iter(source)
    next(messages)
    source.kill()
    with pytest.raises(SourceUnusable, match="has died"):
        list(messages)
    source.close()
