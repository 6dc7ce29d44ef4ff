"""Files of one message each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pillarbox.sources.found import SourceUnusable
from pillarbox.sources.letters import Letters, is_letter

LETTER = b"Subject: x\r\n\r\ntext\r\n"


def test_one_file_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(LETTER)
    source = Letters(tmp_path / "letter")
    assert source.total == 1
    assert [(found.label, found.raw) for found in source] == [("letter", LETTER)]
    source.close()


def test_a_folder_by_name_and_what_is_below(tmp_path: Path) -> None:
    for name in ("b.eml", "a/2.eml", "a/1.EML", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(LETTER)
    os.mkfifo(tmp_path / "pipe.eml")
    (tmp_path / "link.eml").symlink_to(tmp_path / "b.eml")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [found.label for found in Letters(tmp_path)] == ["a/1.EML", "a/2.eml", "b.eml"]


def test_an_mbox_and_a_maildir_in_a_folder_are_told_and_not_read(tmp_path: Path) -> None:
    line = b"From ann@example.org Mon Nov 23 20:19:00 2026\n"
    for name, content in {
        "b.eml": LETTER,
        "Inbox": line + LETTER,
        "old.eml": b"\n" + line + LETTER,
        "note": b"From here on it is a text.\n",
        "kept/cur/1": LETTER,
        "kept/new/2": LETTER,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "linked").symlink_to(tmp_path / "kept")
    assert [(found.label, found.problem) for found in Letters(tmp_path)] == [
        ("Inbox", "is an mbox: import it by its own path"),
        ("b.eml", ""),
        ("kept", "is a Maildir: import it by its own path"),
        ("old.eml", "is an mbox: import it by its own path"),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\x1f\x8b\0", "packed with gzip"), (b"just words", "is not a message")],
)
def test_what_is_no_message(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.eml").write_bytes(content)
    (found,) = Letters(tmp_path)
    assert found.raw is None
    assert problem in found.problem


def test_a_file_that_goes_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(LETTER)
    (tmp_path / "y.eml").write_bytes(LETTER)
    source = Letters(tmp_path)
    (tmp_path / "x.eml").unlink()
    assert [found.raw for found in source] == [None, LETTER]


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match=r"no \.eml file"):
        Letters(tmp_path)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"Subject: x\n", True),
        (b"\n\nX-Odd_Field:\n", True),
        (b"Received : from x\n", True),
        (b"From ann Mon Nov 23 20:19:00 2026\n", False),
        (b": x\n", False),
        (b"two words: x\n", False),
        (b"", False),
    ],
)
def test_how_a_message_begins(head: bytes, is_one: bool) -> None:
    assert is_letter(head) is is_one
