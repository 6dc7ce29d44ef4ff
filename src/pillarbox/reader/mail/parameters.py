"""``text/plain; charset=utf-8; name*0*=utf-8''...``: a value and its parameters (RFC 2045, 2231)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from pillarbox.reader.mail.charsets import decode_short
from pillarbox.reader.mail.limits import PARAMETERS
from pillarbox.reader.mail.words import decode_words, raw_text

_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")

_NONE: Mapping[str, str] = {}


def read_parameters(value: bytes) -> tuple[str, Mapping[str, str]]:
    """The value in small letters, and parameters by name in small letters, decoded."""
    if b";" not in value:
        return raw_text(value).strip().lower(), _NONE
    text = raw_text(value)
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, match in enumerate(_PARAMETER.finditer(text)):
        if count == PARAMETERS:
            break
        name, content = match[1].lower(), _content(match)
        if "*" not in name:
            plain.setdefault(name, decode_words(content))
        elif piece := _PIECE.fullmatch(name):
            place = int(piece[2] or 0)
            pieces.setdefault(piece[1], {}).setdefault(place, (content, bool(piece[3])))
    for (
        name,
        found,
    ) in pieces.items():  # those count more: older programs are given the others beside
        plain[name] = _joined(found)
    return text.partition(";")[0].strip().lower(), plain


def _content(match: re.Match[str]) -> str:
    if match[2] is not None:
        return _ESCAPED.sub(r"\1", match[2])
    return match[3].strip().strip("\"'")


def _joined(pieces: Mapping[int, tuple[str, bool]]) -> str:
    """RFC 2231, sections 3 and 4.1: percent-encoded ones and others may take turns."""
    charset, octets = "", b""
    for place in sorted(pieces):
        content, encoded = pieces[place]
        if encoded and not octets and content.count("'") >= 2:  # noqa: PLR2004 -- charset'language'text
            charset, _, content = content.split("'", 2)
        octets += unquote_to_bytes(content) if encoded else content.encode("utf-8", "replace")
    return decode_short(octets, charset)
