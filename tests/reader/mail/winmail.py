"""Makes a ``winmail.dat``, by [MS-OXTNEF]."""

from __future__ import annotations

import struct


def attribute(level: int, identifier: int, content: bytes) -> bytes:
    head = struct.pack("<BII", level, identifier, len(content))
    return head + content + struct.pack("<H", sum(content) & 0xFFFF)


def _filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def unicode_property(identifier: int, text: str) -> bytes:
    content = (text + "\0").encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, identifier, 1, len(content)) + _filled(content)


def long_property(identifier: int, value: int) -> bytes:
    return struct.pack("<HHI", 0x3, identifier, value)


def named_property(name: str, value: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    head = struct.pack("<HH", 0x3, 0x8001) + bytes(16) + struct.pack("<II", 1, len(text))
    return head + _filled(text) + struct.pack("<I", value)


def properties(*each: bytes) -> bytes:
    return struct.pack("<I", len(each)) + b"".join(each)


def attached(short: bytes, long: str, content: bytes, media_type: str = "") -> bytes:
    """A file, with what Outlook says of it."""
    said = [
        long_property(0x0E20, len(content)),
        named_property("AttachLabel", 7),
        unicode_property(0x3707, long),
    ]
    if media_type:
        said.append(unicode_property(0x370E, media_type))
    return (
        attribute(2, 0x00069002, bytes(14))
        + attribute(2, 0x00018010, short + b"\0")
        + attribute(2, 0x0006800F, content)
        + attribute(2, 0x00069005, properties(*said))
    )


def winmail(*files: bytes) -> bytes:
    head = b"\x78\x9f\x3e\x22" + struct.pack("<H", 1)
    version = attribute(1, 0x00089006, struct.pack("<I", 0x10000))
    kind = attribute(1, 0x00078008, b"IPM.Microsoft Mail.Note\0")
    return head + version + kind + b"".join(files)
