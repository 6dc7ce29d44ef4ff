"""Header fields as they are sent: folded (RFC 5322, section 2.2.3), encoded words (RFC 2047), parameters (RFC 2231).

The standard library folds after the fact, and has got names with commas wrong more than once; here each word is made
so that it fits, and nothing that was typed can end a field: control characters are spaces before anything else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

WIDTH = 76
"""Characters of a line that holds an encoded word (RFC 2047, section 2); others keep to it, too."""
_OCTETS = 36
"""Of text in an encoded word: 60 characters of it, so that one fits beside the name of a field (RFC 2047 allows 75)."""
_PIECE = 50
"""Characters of a piece of a parameter (RFC 2231, section 3)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{}~-]+")
_PRINTABLE = re.compile(r"[ -~]*")


def one_line(text: str) -> str:
    """*text* without control characters and line ends."""
    return _CONTROL.sub(" ", text).strip()


def unstructured(name: str, text: str) -> str:
    """A field of words, like Subject."""
    text = one_line(text)
    if text.isascii() and "=?" not in text and _foldable(text):
        return _folded(name, _cut(text))
    return _folded(name, _encoded(text))


def address_list(name: str, addresses: Iterable[tuple[str, str]]) -> str:
    """A field of addresses: names, and what is to stand in angle brackets."""
    parts: list[str] = []
    for person, address in addresses:
        if parts:
            parts[-1] += ","
        parts += [*_phrase(one_line(person)), f"<{address}>"] if one_line(person) else [address]
    return _folded(name, parts)


def identifiers(name: str, ids: Iterable[str]) -> str:
    """A field of Message-IDs, which are given without brackets."""
    return _folded(name, [f"<{one}>" for one in ids])


def parameter(name: str, value: str) -> str:
    """``name=value`` behind a semicolon, each piece on a line of its own where it is long or not ASCII."""
    value = one_line(value)
    if _PRINTABLE.fullmatch(value) and len(value) <= _PIECE and "%" not in value:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        shown = value if _TOKEN.fullmatch(value) else f'"{escaped}"'
        return f";\r\n {name}={shown}"
    pieces = [""]
    for character in value:
        coded = quote(character, safe="", errors="replace")
        if len(pieces[-1]) + len(coded) > _PIECE:
            pieces.append("")
        pieces[-1] += coded
    if len(pieces) == 1:
        return f";\r\n {name}*=utf-8''{pieces[0]}"
    starts = ["utf-8''", *[""] * (len(pieces) - 1)]
    return "".join(
        f";\r\n {name}*{number}*={start}{piece}"
        for number, (start, piece) in enumerate(zip(starts, pieces, strict=True))
    )


def _foldable(text: str) -> bool:
    """Whether all words fit on lines, and all spaces survive (a line of spaces alone does not)."""
    return all(len(word) < WIDTH - 1 for word in text.split(" "))


def _cut(text: str) -> list[str]:
    """Words, each with the spaces in front of it but one."""
    words: list[str] = []
    pending = ""
    for word in text.split(" "):
        if word:
            words.append(pending + word)
            pending = ""
        else:
            pending += " "
    return words


def _phrase(name: str) -> list[str]:
    """A name in front of an address: as it is, in quotes, or encoded (RFC 2047, section 5 (3))."""
    if not name.isascii() or "=?" in name or len(name) > WIDTH // 2:
        return _encoded(name)
    if _ATOMS.fullmatch(name) and "  " not in name:
        return [name]
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _encoded(text: str) -> list[str]:
    """Encoded words; none cuts a character in two (RFC 2047, section 5)."""
    pieces = [b""]
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(pieces[-1]) + len(octets) > _OCTETS:
            pieces.append(b"")
        pieces[-1] += octets
    return [f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in pieces]


def _folded(name: str, parts: Iterable[str]) -> str:
    """``Name: parts``, on lines of :data:`WIDTH` where possible; ends with CRLF."""
    lines = [f"{name}:"]
    for part in parts:
        if len(lines[-1]) + 1 + len(part) > WIDTH and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {part}"
    return "\r\n".join(lines) + "\r\n"
