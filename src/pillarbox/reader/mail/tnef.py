"""The files in a ``winmail.dat`` (Microsoft's [MS-OXTNEF]), which Outlook sends to some who cannot read it.

Only the attached files: the text of the message stands beside it as plain text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pillarbox.reader.mail.charsets import decode_short

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_FILES = 200
"""In one winmail.dat."""
MAX_PROPERTIES = 1_000
"""Of one file."""

_START, _HEAD, _CHECKSUM = 6, 9, 2
"""Octets before the first attribute, before an attribute's content, and behind it."""

_NEW_FILE, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
"""attAttachRenddata, attAttachTitle, attAttachData, attAttachment (section 2.1.3.3)."""

_CONTENT, _NAME, _LONG_NAME, _MIME = 0x3701, 0x3704, 0x3707, 0x370E
"""PidTagAttachDataBinary, PidTagAttachFilename, PidTagAttachLongFilename, PidTagAttachMimeTag."""

_FIXED = {
    0x2: 4,
    0x3: 4,
    0x4: 4,
    0x5: 8,
    0x6: 8,
    0x7: 8,
    0xA: 4,
    0xB: 4,
    0x14: 8,
    0x40: 8,
    0x48: 16,
}
"""Octets of values by type, filled up to four (section 2.1.3.4)."""
_UNICODE, _BINARY, _OBJECT = 0x1F, 0x102, 0xD
_COUNTED = frozenset((0x1E, _UNICODE, _BINARY, _OBJECT))
_SEVERAL = 0x1000
_NAMED = 0x8000
_OBJECT_ID = 16
"""Octets that stand before an object's content."""


@dataclass(slots=True)
class TnefFile:
    """A file in a winmail.dat."""

    name: str = ""
    """As it is called there; may be anything."""
    type: str = "application/octet-stream"
    content: bytes = b""


def read_tnef(octets: bytes) -> tuple[TnefFile, ...]:
    """The files; those that are cut are as far as they are there. Never fails."""
    found: list[TnefFile] = []
    for name, content in _attributes(octets):
        if name == _NEW_FILE:
            if len(found) == MAX_FILES:
                break
            found.append(TnefFile())
        elif found:
            _take(found[-1], name, content)
    return tuple(each for each in found if each.content or each.name)


def _attributes(octets: bytes) -> Iterator[tuple[int, memoryview]]:
    if not octets.startswith(SIGNATURE):
        return
    view, at = memoryview(octets), _START
    while at + _HEAD <= len(view):
        _, identifier, length = struct.unpack_from("<BII", view, at)
        at += _HEAD
        yield identifier & 0xFFFF, view[at : at + length]
        at += length + _CHECKSUM


def _take(file: TnefFile, name: int, content: memoryview) -> None:
    if name == _TITLE:
        file.name = file.name or _text(bytes(content))
    elif name == _DATA:
        file.content = bytes(content)
    elif name == _PROPERTIES:
        for identifier, kind, value in _properties(content):
            _take_property(file, identifier, kind, value)


def _take_property(file: TnefFile, identifier: int, kind: int, value: bytes) -> None:
    if identifier == _CONTENT and not file.content:
        file.content = value[_OBJECT_ID:] if kind == _OBJECT else value
        return
    text = value.decode("utf-16-le", "replace").rstrip("\0") if kind == _UNICODE else _text(value)
    if identifier == _LONG_NAME:
        file.name = text
    elif identifier == _NAME:
        file.name = file.name or text
    elif identifier == _MIME and text.count("/") == 1:
        file.type = text.strip().lower()


def _properties(view: memoryview) -> Iterator[tuple[int, int, bytes]]:
    """Identifier, type and the first value of each, as far as they can be read."""
    try:
        (count,) = struct.unpack_from("<I", view, 0)
        at = 4
        for _ in range(min(count, MAX_PROPERTIES)):
            kind, identifier = struct.unpack_from("<HH", view, at)
            at = _after_name(view, at + 4) if identifier >= _NAMED else at + 4
            values, at = _values(view, kind, at)
            if values:
                yield identifier, kind & ~_SEVERAL, values[0]
    except struct.error:
        return


def _after_name(view: memoryview, at: int) -> int:
    """Behind the name of a named property: a GUID, and a number or a text."""
    kind, length = struct.unpack_from("<II", view, at + 16)
    return at + 24 + (_filled(length) if kind else 0)


def _values(view: memoryview, kind: int, at: int) -> tuple[list[bytes], int]:
    several, single = bool(kind & _SEVERAL), kind & ~_SEVERAL
    counted = single in _COUNTED
    count = 1
    if several or counted:
        (count,) = struct.unpack_from("<I", view, at)
        at += 4
    values: list[bytes] = []
    for _ in range(min(count, MAX_PROPERTIES)):
        if counted:
            (length,) = struct.unpack_from("<I", view, at)
            at += 4
        elif (length := _FIXED.get(single, 0)) == 0:
            raise struct.error(
                "a type that nobody knows: where the next one begins is unknown, too"
            )
        values.append(bytes(view[at : at + length]))
        at += _filled(length)
    return values, at


def _filled(length: int) -> int:
    return (length + 3) // 4 * 4


def _text(value: bytes) -> str:
    return decode_short(value.rstrip(b"\0"), "")
