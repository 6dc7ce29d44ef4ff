"""Octets to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.charsets import codec, decode, decode_short

JAPANESE = "日本語のメール"


@pytest.mark.parametrize(
    ("text", "written", "label"),
    [
        ("naïve", "utf-8", "utf-8"),
        ("naïve", "utf-8", "iso-8859-1; x"),
        ("“naïve” €", "cp1252", "iso-8859-1"),
        ("Grüße, ganz ohne Angabe", "cp1252", ""),
        ("Привет всем, кто читает это письмо", "cp1251", "windows-1251"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        (JAPANESE, "iso2022_jp", ""),
        (JAPANESE, "iso2022_jp", "us-ascii"),
        (JAPANESE, "cp932", "shift_jis"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        ("한국어 메일", "cp949", "ks_c_5601-1987"),
        ("中文邮件", "hz", "hz-gb-2312"),
        ("中文郵件", "big5", "big5"),
        ("wide", "utf-16", "utf-16"),
        ("not wide at all", "ascii", "utf-16"),
        ("nicht weit, aber größer", "utf-8", "utf-16le"),
        ("if (a ~{ b", "ascii", "utf-8"),
    ],
)
def test_table(text: str, written: str, label: str) -> None:
    assert decode(text.encode(written), label) == text


@pytest.mark.parametrize(
    "label",
    ["utf-7", "zlib", "hex", "idna", "punycode", "unicode_escape", "", "\0", "x" * 500, "../x"],
)
def test_what_is_no_charset(label: str) -> None:
    assert codec(label) is None


def test_a_character_that_is_cut() -> None:
    octets = "größer".encode()[:-3]
    assert decode("grö".encode()[:-1], "utf-8", cut=True) == "gr"
    assert decode(octets, "utf-8", cut=True).startswith("grö")


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "utf-16", "iso-2022-jp", "gb2312", "hz", "x", "utf-32", "big5"]),
)
def test_any_octets_are_some_text(octets: bytes, label: str) -> None:
    decode(octets, label).encode("utf-8", "surrogatepass")
    decode_short(octets, label).encode("utf-8", "surrogatepass")
