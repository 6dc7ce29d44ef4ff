"""SASLprep, against RFC 4013."""

import stringprep
from unicodedata import ucd_3_2_0

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.sasl.prep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # SOFT HYPHEN mapped to nothing
        ("user", "user"),  # no transformation
        ("USER", "USER"),  # case preserved, will not match #2
        ("\u00aa", "a"),  # output is NFKC, input in ISO 8859-1
        ("\u2168", "IX"),  # output is NFKC, will match #1
    ],
)
def test_the_examples_of_section_3(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


def test_the_prohibited_character_of_section_3() -> None:
    with pytest.raises(ValueError, match=r"U\+0007 is a control character"):
        saslprep("\u0007")


def test_the_bidirectional_check_of_section_3() -> None:
    with pytest.raises(ValueError, match="right-to-left"):
        saslprep("\u0627\u0031")


@pytest.mark.parametrize("text", ["\u0627\u0031\u0628", "\u05e9\u05dc\u05d5\u05dd", "\u0627"])
def test_right_to_left_text_between_right_to_left_ends_is_allowed(text: str) -> None:
    assert saslprep(text) == ucd_3_2_0.normalize("NFKC", text)


def test_left_to_right_inside_right_to_left_is_refused() -> None:
    with pytest.raises(ValueError, match="mixed"):
        saslprep("\u0627a\u0628")


@pytest.mark.parametrize("space", ["\u00a0", "\u1680", "\u200b", "\u2003", "\u202f", "\u3000"])
def test_other_spaces_become_the_space(space: str) -> None:
    assert saslprep(f"a{space}b") == "a b"


def test_spaces_inside_and_at_the_ends_are_kept() -> None:
    assert saslprep(" a  b ") == " a  b "


@pytest.mark.parametrize(
    "char",
    [
        "\x00",
        "\r",
        "\x7f",
        "\x80",
        "\u2028",
        "\ue000",
        "\ufffe",
        chr(0xD800),
        chr(0xDC80),
        "\ufffd",
        "\u2ff0",
        "\u202e",
        "\U000e0001",
    ],
)
def test_prohibited_output_is_refused_wherever_it_stands(char: str) -> None:
    for text in (char, f"a{char}", f"{char}a", f"a{char}a"):
        with pytest.raises(ValueError, match=f"U\\+{ord(char):04X}"):
            saslprep(text)
        with pytest.raises(ValueError, match=f"U\\+{ord(char):04X}"):
            saslprep(text, unassigned=True)


def test_unassigned_code_points_are_for_queries_only() -> None:
    key = "\N{KEY}"  # Unicode 6.0
    assert saslprep(key, unassigned=True) == key
    with pytest.raises(ValueError, match="U\\+1F511 is newer"):
        saslprep(key)


def test_composed_and_decomposed_are_one() -> None:
    assert saslprep("Zoe\u0308") == saslprep("Zo\u00eb") == "Zo\u00eb"


def test_nothing_is_nothing() -> None:
    assert saslprep("") == ""
    assert saslprep("\u00ad") == ""


@given(st.text())
@example("\u037a")  # becomes a space and an accent
@example("\u1e9b\u0323")
@example("\ufb2c\u05b0")
def test_preparing_twice_changes_nothing(text: str) -> None:
    for unassigned in (False, True):
        try:
            once = saslprep(text, unassigned=unassigned)
        except ValueError:
            continue
        assert saslprep(once, unassigned=unassigned) == once


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_itself(text: str) -> None:
    assert saslprep(text) == text


@given(st.text())
def test_what_comes_out_holds_nothing_prohibited(text: str) -> None:
    try:
        prepared = saslprep(text)
    except ValueError:
        return
    assert prepared == ucd_3_2_0.normalize("NFKC", prepared)
    assert not any(
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_a1(char)
        for char in prepared
    )
