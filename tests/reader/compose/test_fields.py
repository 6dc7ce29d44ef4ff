"""Header fields, read back by the standard library and by the reader itself."""

from __future__ import annotations

import email.policy
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.fields import address_list, identifiers, parameter, unstructured

texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200).map(
    str.strip
)


def parsed(field: str) -> email.message.EmailMessage:
    return BytesParser(policy=email.policy.default).parsebytes(field.encode() + b"\r\n")


def file_name(field: str) -> str:
    """Of a Content-Disposition. ``get_filename`` takes a name's own quotes off: of two quotes nothing would be left."""
    found: str = parsed(field)["content-disposition"].params["filename"]
    return found


def check_lines(field: str) -> None:
    assert field.endswith("\r\n")
    lines = field[:-2].split("\r\n")
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert "\r" not in field.replace("\r\n", "")
    for line in lines:
        assert "=?" not in line or len(line) <= 76


@given(texts)
def test_a_subject_comes_back(text: str) -> None:
    field = unstructured("Subject", text)
    check_lines(field)
    assert field.isascii()
    assert parsed(field)["subject"] == text


@given(st.text(max_size=50))
def test_nothing_in_a_subject_ends_the_field(text: str) -> None:
    field = unstructured("Subject", f"{text}\r\nBcc: eve@example.org\n\nbody")
    check_lines(field)
    assert list(parsed(field)) == ["Subject"]


@pytest.mark.parametrize("text", ["=?utf-8?q?faked?=", "x" * 3_000, "a  b   c", "日本語" * 60])
def test_awkward_subjects_come_back(text: str) -> None:
    field = unstructured("Subject", text)
    check_lines(field)
    assert parsed(field)["subject"] == text


NAMES = [
    "",
    "Ada",
    "Lovelace, Ada",
    'Ada "the" L.',
    "back\\slash",
    "Jörg Müller",
    "山田 太郎",
    "=?x",
    "a  b",
    "J. @ Home",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back(name: str) -> None:
    field = address_list("To", [(name, "a@example.org"), (name, "b@example.org")])
    check_lines(field)
    found = parsed(field)["to"].addresses
    assert [(one.display_name, one.addr_spec) for one in found] == [
        (name, "a@example.org"),
        (name, "b@example.org"),
    ]


@given(st.lists(st.tuples(st.text(max_size=40), st.just("a@example.org")), min_size=1, max_size=5))
def test_no_name_makes_another_recipient(given_: list[tuple[str, str]]) -> None:
    field = address_list("To", given_)
    check_lines(field)
    assert [one.addr_spec for one in parsed(field)["to"].addresses] == ["a@example.org"] * len(
        given_
    )


def test_identifiers_stand_in_brackets_and_are_folded() -> None:
    ids = [f"{number:040}@example.org" for number in range(20)]
    field = identifiers("References", ids)
    check_lines(field)
    assert parsed(field)["references"].split() == [f"<{one}>" for one in ids]


@pytest.mark.parametrize(
    "name",
    [
        "report.pdf",
        "my report.pdf",
        'say "hi".txt',
        '""',
        '"quoted"',
        "<tagged>",
        "100%.txt",
        "Übersicht.pdf",
        "日本語" * 20 + ".txt",
        "x" * 180,
    ],
)
def test_a_file_name_comes_back(name: str) -> None:
    field = f"Content-Disposition: attachment{parameter('filename', name)}\r\n"
    check_lines(field)
    assert field.isascii()
    assert file_name(field) == name


@given(texts.filter(bool))
def test_any_file_name_comes_back(name: str) -> None:
    field = f"Content-Disposition: attachment{parameter('filename', name)}\r\n"
    check_lines(field)
    assert file_name(field) == name
