"""Octets to text, for whatever a message says they are.

The label is believed if the octets can be that; else UTF-8 is tried, which is hardly ever true by accident; else
it is guessed. As on the web (encoding.spec.whatwg.org), a label stands for the larger set that is meant by it:
"ISO-8859-1" is Windows-1252, "GB2312" is GB 18030.
"""

from __future__ import annotations

import codecs
import functools
import re

from charset_normalizer import from_bytes

_MEANT = {
    "ansi_x3.4-1968": "ascii",
    "ansi_x3.110-1983": "cp1252",
    "cp-850": "cp850",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-8": "utf-8",
    "us-ascii": "ascii",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "x-big5": "big5hkscs",
    "big5": "big5hkscs",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
}

_NOT_MEANT = frozenset(
    {
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "raw_unicode_escape",
        "undefined",
        "unicode_escape",
        "utf_7",
    }
)
"""Python's codecs that no mail is written in, or (UTF-7) only what is to get past a filter."""

_SHIFTS = re.compile(rb"\x1b|\0|~\{")
"""With one of these, ASCII may be something else: ISO 2022, UTF-16, HZ."""
_JAPANESE = re.compile(rb"\x1b\$[@B]|\x1b\(J")
_WIDE = ("utf-16", "utf-32")
"""Each space has a zero in it. Without any the label is wrong, as it often is in HTML."""

_BYTE_ORDER = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_TIDY = re.compile(r"[^a-z0-9._:+-]")
_ASCII = bytes(range(128))
_GUESS_OCTETS = 8_192
"""A guess takes time, and does not get better."""

_WESTERN = 3
"""Fewer than one octet in so many beyond ASCII: a language of Western Europe, in which letters with accents are
few. Guessing is bad at these, and good at those where nearly all octets are beyond.
"""

_SHARE_OF_FAULTS = 50
"""With one octet in so many (or fewer) that cannot be, the label is still believed: it was cut or damaged."""


@functools.lru_cache(maxsize=256)
def codec(label: str) -> str | None:
    """Python's name for the charset *label*; None: nobody knows it."""
    tidy = _TIDY.sub("", label.strip().strip("\"'").lower())
    try:
        name = codecs.lookup(_MEANT.get(tidy, tidy)).name
        "".encode(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if name.replace("-", "_") in _NOT_MEANT else name


def decode(octets: bytes, label: str = "", *, cut: bool = False) -> str:
    """The text of *octets*. *cut*: they may end within a character."""
    if octets.isascii() and not _SHIFTS.search(octets):
        return octets.decode("ascii")
    named = _named(octets, label)
    for name in dict.fromkeys((named, "utf-8")):
        if name is not None and (text := _strictly(octets, name, cut=cut)) is not None:
            return text
    if named is not None and named != "ascii":
        text = octets.decode(named, "replace")
        if text.count("\ufffd") * _SHARE_OF_FAULTS <= len(text):
            return text
    return _guessed(octets)


def decode_short(octets: bytes, label: str = "") -> str:
    """The same for a word or a name: too short for a guess."""
    if octets.isascii() and not _SHIFTS.search(octets):
        return octets.decode("ascii")
    named = _named(octets, label)
    for name in (named, "utf-8"):
        if name is not None and (text := _strictly(octets, name, cut=False)) is not None:
            return text
    return octets.decode("cp1252" if named in (None, "ascii") else named, "replace")


def _named(octets: bytes, label: str) -> str | None:
    """What *label* stands for, if it can be that at all. Japanese mail often does not say what it is, but it shows."""
    name = codec(label) if label else None
    if name is not None and name.startswith(_WIDE):
        return name if b"\0" in octets or octets.startswith(_BYTE_ORDER) else None
    if _JAPANESE.search(octets) and not (name or "").startswith("iso2022"):
        return "iso2022_jp_ext"
    return name


def _strictly(octets: bytes, name: str, *, cut: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(name)("strict").decode(octets, final=not cut)
    except (UnicodeError, ValueError):
        return None
    return text.removeprefix("\ufeff")


def _guessed(octets: bytes) -> str:
    sample = octets[:_GUESS_OCTETS]
    if len(sample.translate(None, _ASCII)) * _WESTERN < len(sample):
        return octets.decode("cp1252", "replace")
    best = from_bytes(sample).best()
    name = codec(best.encoding) if best is not None else None
    return octets.decode(name or "cp1252", "replace").removeprefix("\ufeff")
