"""Messages that prove by themselves that they are whole: all of one follows from its tag."""

from __future__ import annotations

import re

_TAG = re.compile(rb"(?m)^X-Tag: (\S+) (\d+)\r\n")


def letter(tag: str, size: int) -> bytes:
    """A canonical message of about *size* octets."""
    lines = [f"X-Tag: {tag} {size}\r\nSubject: letter {tag}\r\n\r\n"]
    length = len(lines[0])
    number = 0
    while length < size:
        number += 1
        dot = "." * (number % 3)  # some lines need stuffing
        lines.append(f"{dot}{tag} line {number}\r\n")
        length += len(lines[-1])
    return "".join(lines).encode("ascii")


def tag_of(content: bytes) -> str:
    """The tag of a collected letter, which must be whole behind its trace fields.

    Raises:
        AssertionError: it is not what was sent.
    """
    found = _TAG.search(content)
    assert found, f"no letter of ours: {content[:300]!r}"
    tag = found[1].decode()
    assert content[found.start() :] == letter(tag, int(found[2])), f"letter {tag} is damaged"
    return tag
