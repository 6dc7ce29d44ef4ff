r"""Any message in, the stored form out: the one conversion in a message's life.

The canonical form of a message has CRLF line ends and ends with one. What comes in may not:
a bare LF (mail from a Unix file) is a line end and becomes CRLF. It must: a reader that takes
LF for a line end would otherwise take ``\n.\n`` inside the message for the end of the reply,
and the rest of the message for the server's next words (seen in GreenMail).

A bare CR is *not* a line end in any mail standard (RFC 5322, section 2.3) and stays as it
is, inside its line.
"""

from __future__ import annotations

import re

from pillarbox.model import StoredForm
from pillarbox.wire.multiline import stuff, unstuff

_BARE_LF = re.compile(rb"(?<!\r)\n")

# A dot alone between line ends of which at least one is not CRLF. Systems that disagree on
# whether that ends the message can be made to see a second message after it: "SMTP
# smuggling". RFC 5321, section 2.3.8, forbids a bare CR or LF anywhere.
_SMUGGLED_DOT = re.compile(rb"(?:(?<!\r)\n|\r(?!\n))\.(?:\r\n|\r|\n)|\r\n\.(?:\n|\r(?!\n))")

_SUSPECTS = (b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r")


class Canonicaliser:
    """Turns a message into its stored form, piece by piece.

    :meth:`feed` takes pieces cut anywhere and returns stored bytes; :meth:`finish` returns
    the last of them. Between calls at most one byte (a CR that may be half a CRLF) is kept.
    """

    __slots__ = ("_at_line_start", "_held", "octets")

    def __init__(self) -> None:
        self.octets = 0
        """The size so far: CRLF counted, stuffing not."""
        self._at_line_start = True
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """The stored form of the next piece."""
        text = self._held + piece if self._held else piece
        self._held = b"\r" if text.endswith(b"\r") else b""
        return self._convert(text[:-1] if self._held else text)

    def finish(self) -> bytes:
        """What is left, with the line end that was missing."""
        if self._at_line_start and not self._held:
            return b""
        rest, self._held = self._held, b""
        return self._convert(rest + b"\r\n")

    def _convert(self, text: bytes) -> bytes:
        if not text:
            return b""
        if text.count(b"\n") != text.count(b"\r\n"):
            text = _BARE_LF.sub(b"\r\n", text)
        stored = stuff(text, at_line_start=self._at_line_start)
        self.octets += len(text)
        self._at_line_start = text.endswith(b"\n")
        return stored


def stored_form(raw: bytes, *, international: bool = False) -> StoredForm:
    """The stored form of a whole message with whatever line ends."""
    canonicaliser = Canonicaliser()
    body = canonicaliser.feed(raw)
    data = body + canonicaliser.finish()
    return StoredForm(data, canonicaliser.octets, international)


def original(stored: bytes) -> bytes:
    """The message as a client sees it: canonical, unstuffed."""
    return unstuff(stored)


def smuggled_dot(content: bytes) -> bool:
    """Whether *content* holds a dot line that is fenced by a bare CR or a bare LF."""
    # The expression costs ten times as much as the four searches that spare most mail from it.
    suspect = any(fence in content for fence in _SUSPECTS)
    return suspect and _SMUGGLED_DOT.search(content) is not None
