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


def torn(content: bytes) -> bool:
    """Whether this is the beginning of a letter that was cut off (and nothing else)."""
    found = _TAG.search(content)
    if found is None:
        return b"X-Tag: " not in content or not content.endswith(b"\n")
    whole = letter(found[1].decode(), int(found[2]))
    rest = content[found.start() :].removesuffix(b"\r\n")
    return len(rest) < len(whole) - 2 and whole.startswith(rest)
