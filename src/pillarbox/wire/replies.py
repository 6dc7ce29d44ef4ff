"""Replies: ``+OK``, ``-ERR``, and the response codes that tell a client why.

A status line is at most 512 octets (RFC 2449, section 4). With RESP-CODES announced, free
text never begins with ``[`` (RFC 2449, section 6.4): a client would take it for a code.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol

from pillarbox.wire.errors import LocalProtocolError
from pillarbox.wire.states import Outcome

MAX_STATUS_LINE = 512

REMEMBERED_LINES = 1024
"""Status lines made once: most replies say one of a few things. Some 200 bytes each."""


class Pieces(Protocol):
    """A content that comes piece by piece: an asynchronous iterator that can be closed."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces."""

    async def __anext__(self) -> bytes:
        """The next piece."""

    async def aclose(self) -> None:
        """Free what it holds; may be called at any time, and twice."""


class Code(StrEnum):
    """Response codes: why a command failed, for programs."""

    IN_USE = "IN-USE"
    """Another session holds the maildrop's lock (RFC 2449, section 8.1.2)."""
    LOGIN_DELAY = "LOGIN-DELAY"
    """The last login was too short a time ago (RFC 2449, section 8.1.1)."""
    SYS_TEMP = "SYS/TEMP"
    """A fault that is likely to pass (RFC 3206, section 4)."""
    SYS_PERM = "SYS/PERM"
    """A fault that needs an operator (RFC 3206, section 4)."""
    AUTH = "AUTH"
    """The credentials are the problem; the user can be asked (RFC 3206, section 5)."""
    UTF8 = "UTF8"
    """The message needs UTF8 mode (RFC 6856, section 2)."""


# Once for all: looking up a member of an Enum takes Python 3.11 half as long as making a reply.
_OK, _ERR, _CHALLENGE = Outcome.OK, Outcome.ERR, Outcome.CHALLENGE


class Reply(NamedTuple):
    """One reply, not yet bytes."""

    outcome: Outcome
    text: str = ""
    """Free text behind the indicator; or, of a challenge, its base64."""
    code: Code | None = None
    content: bytes | Pieces | None = None
    """Of a multi-line reply: everything between the status line and the terminator, with
    CRLF line ends and stuffed."""
    closes: bool = False
    """Whether the connection ends behind this reply."""

    def status_line(self) -> bytes:
        """The first line, with its CRLF.

        Raises:
            LocalProtocolError: the text cannot stand in a status line.
        """
        return status_line(self.outcome, self.text, self.code)


def status_line(outcome: Outcome, text: str, code: Code | None) -> bytes:
    """The first line of a reply; see :meth:`Reply.status_line`."""
    if outcome is _CHALLENGE:  # never remembered: what it holds is one exchange's
        return f"+ {text}\r\n".encode("ascii")
    return _status_line(outcome, text, code)


@lru_cache(maxsize=REMEMBERED_LINES)
def _status_line(outcome: Outcome, text: str, code: Code | None) -> bytes:
    if text[:1] == "[" or not text.isprintable():
        raise LocalProtocolError(f"not fit for a status line: {text!r}")
    indicator = "+OK" if outcome is Outcome.OK else "-ERR"
    bracketed = f" [{code}]" if code else ""
    line = f"{indicator}{bracketed} {text}\r\n" if text else f"{indicator}{bracketed}\r\n"
    octets = line.encode()
    return octets if len(octets) <= MAX_STATUS_LINE else _cut(octets, MAX_STATUS_LINE)


def _cut(line: bytes, octets: int) -> bytes:
    """*line*, cut to *octets* with its CRLF, and not within a character (replies are UTF-8)."""
    return line[: octets - 2].decode(errors="ignore").encode() + b"\r\n"


def ok(text: str = "", content: bytes | Pieces | None = None) -> Reply:
    """``+OK``, with a multi-line content if given."""
    return Reply(_OK, text, None, content)


def err(text: str, code: Code | None = None, *, closes: bool = False) -> Reply:
    """``-ERR``."""
    return Reply(_ERR, text, code, None, closes)


def challenge(data: bytes) -> Reply:
    """A SASL server challenge; the empty one is ``+`` and a space (RFC 5034, section 4)."""
    return Reply(Outcome.CHALLENGE, b64encode(data).decode("ascii"))


def content_of(lines: Iterable[str]) -> bytes:
    """A multi-line content from lines of our own making (none of which begins with a dot)."""
    return "".join(f"{line}\r\n" for line in lines).encode()
