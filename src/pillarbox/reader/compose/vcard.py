"""Contacts from other programs: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).

Only names and addresses are read. Whatever else a card holds, and however it is broken, is passed over: a card without
an end, lines that are none, charsets that do not exist.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MAX_OCTETS = 16_000_000
"""Of a file: ten thousand contacts with pictures."""
MAX_CONTACTS = 20_000
"""That are taken out of it."""
_NAME = 200
"""Characters of a name."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_ESCAPED = re.compile(r"\\(.)")
_SPLIT = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)


class Named(NamedTuple):
    """An address, and whose it is."""

    name: str
    address: str


class _Property(NamedTuple):
    name: str
    parameters: Mapping[str, str]
    value: str


def read_vcards(data: bytes) -> list[Named]:
    """All addresses of all cards, in their order; not checked."""
    found: list[Named] = []
    name, parts, addresses = "", "", list[str]()
    for one in _properties(_decoded(data)):
        match one.name:
            case "FN":
                name = name or _unescaped(one.value)
            case "N":
                parts = parts or _full_name(one.value)
            case "ORG":
                parts = parts or _unescaped(one.value.partition(";")[0])
            case "EMAIL":
                addresses.append(_unescaped(one.value))
            case "BEGIN" | "END":
                found += [Named((name or parts)[:_NAME], address) for address in addresses]
                name, parts, addresses = "", "", []
            case _:
                pass
    found += [Named((name or parts)[:_NAME], address) for address in addresses]
    return [one for one in found if one.address][:MAX_CONTACTS]


def is_vcard(data: bytes) -> bool:
    """Whether there is a card in it at all."""
    begun = ("BEGIN", "VCARD")
    return any((one.name, one.value.upper()) == begun for one in _properties(_decoded(data)))


def _decoded(data: bytes) -> str:
    """3.0 and 4.0 are UTF-8; older programs write what their system does."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _properties(text: str) -> Iterator[_Property]:
    for line in _unfolded(text):
        found = _SPLIT.fullmatch(line)
        if found is None:
            continue
        head, *words = found[1].split(";")
        parameters = _parameters(words)
        value = _transferred(found[2], parameters)
        yield _Property(head.rpartition(".")[2].strip().upper(), parameters, value.strip())


def _unfolded(text: str) -> Iterator[str]:
    """Lines, with those that go on (RFC 6350, section 3.2; in 2.1 those that end with ``=`` in quoted-printable)."""
    line = ""
    for next_ in _LINE_END.split(text):
        if next_.startswith((" ", "\t")):
            line += next_[1:]
        elif line.endswith("=") and "QUOTED-PRINTABLE" in line.partition(":")[0].upper():
            line = line[:-1] + next_
        else:
            yield line
            line = next_
    yield line


def _parameters(words: list[str]) -> dict[str, str]:
    """By name, in capitals. In 2.1 a value may stand alone: ``;QUOTED-PRINTABLE``."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name.strip().upper()] = value.strip().strip('"')
        elif name.strip().upper() in {"QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"}:
            found["ENCODING"] = name.strip()
    return found


def _transferred(value: str, parameters: Mapping[str, str]) -> str:
    encoding = parameters.get("ENCODING", "").upper()
    if encoding not in {"QUOTED-PRINTABLE", "BASE64", "B"}:
        return value
    octets = value.encode("utf-8", "replace")
    if encoding == "QUOTED-PRINTABLE":
        octets = binascii.a2b_qp(octets)
    else:
        try:
            octets = binascii.a2b_base64(octets)
        except binascii.Error:
            return value
    try:
        return octets.decode(parameters.get("CHARSET", "utf-8"))
    except (LookupError, UnicodeError):
        return octets.decode("cp1252", "replace")


def _full_name(value: str) -> str:
    """Of N: family, given, additional, prefixes, suffixes."""
    parts = [_unescaped(part) for part in re.split(r"(?<!\\);", value)]
    family, given, more, *_ = (*parts, "", "", "")
    return " ".join(part for part in (given, more, family) if part)


def _unescaped(value: str) -> str:
    """On one line."""
    text = _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    return " ".join(text.split())
