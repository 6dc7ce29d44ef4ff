r"""The content of a multi-line reply, as a client has to find it: its end, and its dots.

A content ends with a line that holds a single dot (RFC 1939, section 3). What is a *line* is
where clients went wrong. For a client that takes every LF for a line end, a message that holds
``\n.\n`` ends there if its server passes bare LFs on, and the rest of the message is read as
the server's next words: mail then can forge mail. So:

- The first line of a content shows what its lines end with. Servers put lines of their own on
  top of mail (``Received``), so this is the server's choice and not the sender's.
- If it ended with CRLF, a line begins behind CRLF only; a bare LF is an octet like another.
- If it ended with LF (the server sends files as they lie on its disk), behind every LF.
- In listings every octet is the server's own: behind every LF.

The dot itself may be followed by CRLF or by LF alone (some servers end so): a line begun
by a real line end and holding just a dot cannot be content, whoever stuffed it.

A dot that begins a line and has another behind it is dropped; a dot with anything else behind
it was never stuffed, by a server that does not know how, and is kept.
"""

from __future__ import annotations

from typing import NamedTuple

_CRLF = b"\r\n"
_LF = b"\n"

# What may be the beginning of a fence, a dot and a line end, when more has not come yet.
_UNDECIDED = {
    _CRLF: (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r"),
    _LF: (b"\n.\r", b"\n.", b"\n"),
}


class Taken(NamedTuple):
    """What was made of some bytes."""

    text: bytes
    """Content, unstuffed, line ends as they came; may be empty."""
    position: int
    """Where in the bytes the reader stands now; what is behind it has to be offered again."""
    ended: bool
    """The end of the content has come, and is consumed."""


class ContentReader:
    """Reads one content out of a stream. Keeps no bytes: what is undecided is not taken."""

    __slots__ = ("_at_start", "_fence")

    def __init__(self, *, own_words: bool) -> None:
        """*own_words*: the server made every octet of it (a listing), no sender did."""
        self._at_start = True
        self._fence: bytes | None = _LF if own_words else None

    def take(self, data: bytes, position: int) -> Taken:
        """Take what can be told from ``data[position:]``.

        Never more than four bytes are left untaken, unless the content has ended.
        """
        if self._at_start:
            head = data[position : position + 3]
            if head in {b"", b".", b".\r"}:
                return Taken(b"", position, ended=False)
            if head.startswith((b".\r\n", b".\n")):
                return Taken(b"", data.index(b"\n", position) + 1, ended=True)
            self._at_start = False
            if head.startswith(b".."):
                position += 1
        fence = self._fence or self._learn_fence(data, position)
        if fence is None:
            end = len(data) - data.endswith(b"\r")
            return Taken(data[position:end], max(position, end), ended=False)
        return _up_to_the_end(data, position, fence)

    def _learn_fence(self, data: bytes, position: int) -> bytes | None:
        end = data.find(_LF, position)
        if end >= 0:
            # A CR that was undecided has been left in place, so it is in front of its LF here.
            self._fence = _CRLF if data[max(position, end - 1) : end] == b"\r" else _LF
        return self._fence


def _up_to_the_end(data: bytes, position: int, fence: bytes) -> Taken:
    end, after = _find_end(data, position, fence)
    if after:
        return Taken(_unstuff(data[position:end], fence), after, ended=True)
    end = len(data)
    for beginning in _UNDECIDED[fence]:
        if data.endswith(beginning, position):
            end -= len(beginning)
            break
    return Taken(_unstuff(data[position:end], fence), end, ended=False)


def _find_end(data: bytes, position: int, fence: bytes) -> tuple[int, int]:
    """Where the text ends, its last line end included, and what comes behind; (0, 0): nowhere.

    Two searches for fixed octets cost a tenth of what a regular expression does. The second
    is for the servers that end with LF; it looks no further than what the first has found
    (whose first octet may be the last of an earlier end).
    """
    usual = data.find(fence + b".\r\n", position)
    odd = data.find(fence + b".\n", position, usual + len(fence) if usual >= 0 else len(data))
    if odd >= 0:
        text_end = odd + len(fence)
        return text_end, text_end + 2
    if usual >= 0:
        text_end = usual + len(fence)
        return text_end, text_end + 3
    return 0, 0


def _unstuff(text: bytes, fence: bytes) -> bytes:
    return text.replace(fence + b"..", fence + b".")
