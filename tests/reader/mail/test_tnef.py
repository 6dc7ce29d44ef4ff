"""The files in a winmail.dat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.layout import TNEF
from pillarbox.reader.mail.letter import read_letter, read_part
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.mail.tnef import MAX_FILES, read_tnef
from tests.reader.mail.corpus import PDF, PLAIN, attachment, multipart, whole
from tests.reader.mail.winmail import attached, attribute, winmail

FILES = winmail(
    attached(b"LETTER~1.PDF", "Brief an Jörg.pdf", PDF, "application/pdf"),
    attached(b"../A.TXT", "../a.txt", b"text"),
)
MESSAGE = whole(
    multipart("mixed", PLAIN, attachment("filename=winmail.dat", FILES, "application/ms-tnef"))
)


def test_the_files() -> None:
    first, second = read_tnef(FILES)
    assert (first.name, first.type, first.content) == ("Brief an Jörg.pdf", "application/pdf", PDF)
    assert (second.name, second.type, second.content) == (
        "../a.txt",
        "application/octet-stream",
        b"text",
    )


def test_they_are_attached_to_the_message() -> None:
    found = read_letter(MESSAGE)
    assert [part.name for part in found.parts] == ["Brief an Jörg.pdf", "a.txt"]
    assert [read_part(MESSAGE, part.number)[1] for part in found.parts] == [PDF, b"text"]
    assert [part.octets for part in found.parts] == [len(PDF), 4]
    assert found.notes == ()
    assert summarise(MESSAGE).attachments == ("winmail.dat",)


def test_one_in_which_nothing_is_found_stays_a_file() -> None:
    data = whole(
        multipart(
            "mixed", PLAIN, attachment("filename=winmail.dat", b"junk", "application/ms-tnef")
        )
    )
    found = read_letter(data)
    assert [part.name for part in found.parts] == ["winmail.dat"]
    assert found.notes == (TNEF,)


def test_there_is_no_such_file() -> None:
    for number in ("2-3", "2-0", "2-", "2-x", "1-1"):
        with pytest.raises(KeyError):
            read_part(MESSAGE, number)


@given(st.integers(0, len(FILES)))
def test_one_that_is_cut(end: int) -> None:
    assert len(read_tnef(FILES[:end])) <= 2


@given(st.binary(max_size=200), st.integers(6, len(FILES)))
def test_one_that_is_damaged(noise: bytes, at: int) -> None:
    assert len(read_tnef(FILES[:at] + noise + FILES[at + len(noise) :])) <= MAX_FILES


def test_only_so_many() -> None:
    many = winmail(*[attached(b"a", "a", b"x")] * (MAX_FILES + 5))
    assert len(read_tnef(many)) == MAX_FILES


@given(st.binary(max_size=300))
def test_any_properties(content: bytes) -> None:
    new = attribute(2, 0x00069002, b"")
    assert len(read_tnef(winmail(new, attribute(2, 0x00069005, content)))) <= 1
