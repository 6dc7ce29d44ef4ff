"""Which names there can be, and which are the same."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.auth.errors import InvalidName
from pillarbox.auth.names import MAX_NAME_OCTETS, normalise

NASTY = [
    "",
    " ",
    "alice ",
    " alice",
    "al ice",
    "alice\n",
    "ali\0ce",
    "\x7f",
    ".",
    "..",
    "../../etc/passwd",
    "..\\..\\windows",
    "a/b",
    "/alice",
    ".hidden",
    "-rf",
    "alice.",
    "al..ice",
    "alice@example.org",
    "alice+phone",
    "'; DROP TABLE account; --",
    'alice" OR "1"="1',
    "alice%40example.org",
    "%s%n",
    "{user}",
    "$(id)",
    "`id`",
    "host!alice",
    "*",
    "al?ce",
    "~root",
    "a\\b",
    "a:b",
    "a,b",
    "<alice>",
    "(alice)",
    "a;b",
    "a|b",
    "\u2100",  # a/c after normalisation
    "alice\uff0fx",  # a full-width slash
    "alice\uff20x",  # a full-width at sign
    "alice\uff0bx",  # a full-width plus
    "\uff0e\uff0e",  # two full-width dots
    "\u2024\u2024",  # two one-dot leaders
    "\u2025",  # a two-dot leader
    "alice\u00a0",
    "a\u200bb",
    "a\u2028b",
    "\u00ad",  # nothing, after normalisation
    "\u0301alice",  # begins with an accent that belongs to nobody
    "\u202eecila",
    "\u2066alice\u2069",
    "\udcff\udcfe",
    "\ud800",
    "\N{KEY}",
    "\u2603",
    "\u0627alice",
]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_a_name_that_cannot_be_a_local_part_or_is_dangerous_is_refused(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        normalise(name)
    message = str(caught.value)
    assert message.isprintable()  # an operator's terminal is safe from it
    assert "name" in message


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("ALICE", "alice"),
        ("a", "a"),
        ("7", "7"),
        ("a.b-c_d", "a.b-c_d"),
        ("O'Brien", "o'brien"),
        ("R&D", "r&d"),
        ("_x", "_x"),
        ("alice-", "alice-"),
        ("Zo\u00cb", "zo\u00eb"),
        ("Zoe\u0308", "zo\u00eb"),
        ("\uff21lice", "alice"),
        ("al\u00adice", "alice"),
        ("\u0391\u039b\u03a6\u0391", "\u03b1\u03bb\u03c6\u03b1"),
        ("\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"),
        ("\u7530\u4e2d", "\u7530\u4e2d"),
    ],
)
def test_names_are_one_after_saslprep_and_in_lower_case(name: str, normal: str) -> None:
    assert normalise(name) == normal


def test_the_longest_name_is_that_of_a_local_part() -> None:
    assert normalise("x" * 64) == "x" * 64
    with pytest.raises(InvalidName, match=r"at most 64 octets.*RFC 5321.*has 65"):
        normalise("x" * 65)


def test_the_limit_counts_octets_not_characters() -> None:
    assert normalise("\u00eb" * 32)
    with pytest.raises(InvalidName, match="has 66"):
        normalise("\u00eb" * 33)


def test_a_name_that_grows_by_normalisation_is_measured_afterwards() -> None:
    with pytest.raises(InvalidName):
        normalise("\ufdfa" * 21)


def test_a_plus_is_explained() -> None:
    with pytest.raises(InvalidName, match="device"):
        normalise("alice+phone")


names = st.text(max_size=70) | st.text(
    st.characters(categories=("Ll", "Lu", "Lt", "Lo", "Lm", "Nd", "Mn")), max_size=30
)


@given(names)
@example("\u0130stanbul")
@example("\u03a3\u03a3")
@example("\u1e9e")
@example("\u13a0")
@example("\u10a0")
def test_normalising_twice_changes_nothing(name: str) -> None:
    try:
        once = normalise(name)
    except InvalidName:
        return
    assert normalise(once) == once
    assert once.lower() == once


@given(names)
def test_whatever_is_accepted_is_harmless(name: str) -> None:
    try:
        once = normalise(name)
    except InvalidName:
        return
    assert 0 < len(once.encode()) <= MAX_NAME_OCTETS
    assert once[0] not in ".-~"
    assert once.isprintable()
    assert not re.search(r"[\s/\\@+%!*?\"`$|;:,<>(){}\[\]\x00-\x1f\x7f]", once)
    assert once == unicodedata.normalize("NFC", once)


@given(st.from_regex(r"[A-Za-z0-9._'&=-]{1,70}", fullmatch=True))
def test_ascii_names_are_dot_atoms_that_do_not_begin_with_a_hyphen(name: str) -> None:
    possible = (
        len(name) <= 64
        and name[0] != "-"
        and not name.startswith(".")
        and not name.endswith(".")
        and ".." not in name
    )
    try:
        assert normalise(name) == name.lower()
        accepted = True
    except InvalidName:
        accepted = False
    assert accepted == possible
