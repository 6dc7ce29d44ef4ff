"""Files of one message each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.sources.letters import Letters, is_letter

LETTER = b"Subject: x\r\n\r\ntext\r\n"


def test_one_file_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(LETTER)
    source = Letters(tmp_path / "letter")
    assert source.total == 1
    assert [(found.label, found.raw) for found in source] == [("letter", LETTER)]
    source.close()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\x1f\x8b\0", "packed with gzip"), (b"just words", "is not a message")],
)
def test_what_is_no_message(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.eml").write_bytes(content)
    (found,) = Letters(tmp_path / "x.eml")
    assert found.raw is None
    assert problem in found.problem


def test_a_file_that_goes_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(LETTER)
    (tmp_path / "y.eml").write_bytes(LETTER)
    source = Letters(tmp_path, [tmp_path / "x.eml", tmp_path / "y.eml"])
    assert source.total == 2
    (tmp_path / "x.eml").unlink()
    assert [(found.label, found.raw) for found in source] == [("x.eml", None), ("y.eml", LETTER)]


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
