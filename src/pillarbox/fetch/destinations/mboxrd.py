r"""The form of a message in an mbox, of the kind called mboxrd.

A line ``From SENDER DATE`` stands before each message, and an empty line behind it. So that
no line of the message looks like that, ``>`` is put before each line that begins with
``From ``, ``>From ``, ``>>From `` and so on, which a reader can undo exactly (the older kinds
quote only ``From ``, and cannot tell ``>From `` from it).

The one change that cannot be undone: a message without a line end at its end gets one.
"""

from __future__ import annotations

import re
import time

from pillarbox.fetch.destinations.envelope import HEADER, sender_of
from pillarbox.fetch.line_ends import UnixLines

_NOBODY = "MAILER-DAEMON"
"""The sender of what has none, by convention."""

_TO_QUOTE = re.compile(rb"\n(>*From )")
_QUOTED_START = re.compile(rb">*From ")
_FROM = b"From "


class Quoting:
    """Puts ``>`` before lines that would look like a ``From `` line.

    Text comes in pieces cut anywhere. Kept between calls are at most the four bytes of
    ``From`` at the start of a line; of a row of ``>`` before them nothing, since one more
    may as well come behind it.
    """

    __slots__ = ("_held", "_open")

    def __init__(self) -> None:
        self._held = b""
        self._open = True
        """The line so far has nothing but ``>``, apart from what is held."""

    def feed(self, piece: bytes) -> bytes:
        text = self._held + piece
        quoted = b">" if self._open and _QUOTED_START.match(text) else b""
        keep = self._begun(text)
        self._held = text[len(text) - keep :]
        text = text[: len(text) - keep]
        if _FROM in text:
            text = _TO_QUOTE.sub(rb"\n>\1", text)
        return quoted + text

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return held

    def _begun(self, text: bytes) -> int:
        """How many bytes at the end may be the start of ``From `` at the start of a line."""
        start = text.rfind(b"\n") + 1
        if not start and not self._open:
            return 0
        line = text[start:].lstrip(b">")
        begun = len(line) < len(_FROM) and _FROM.startswith(line)
        self._open = begun
        return len(line) if begun else 0


class MboxForm:
    """A :class:`~pillarbox.fetch.line_ends.Form`: a message with all that goes with it."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._lines = UnixLines()
        self._quoting = Quoting()
        self._head: bytes | None = b""
        """The header while it is not whole; None from then on."""
        self._last = b"\n"

    def feed(self, piece: bytes) -> bytes:
        text = self._lines.feed(piece)
        if self._head is None:
            return self._quoted(text)
        self._head += text
        return self._start() if b"\n\n" in self._head or len(self._head) > HEADER else b""

    def finish(self) -> bytes:
        start = b"" if self._head is None else self._start()
        rest = start + self._quoted(self._lines.finish()) + self._quoting.finish()
        ended = (rest or self._last).endswith(b"\n")
        return rest + (b"\n" if ended else b"\n\n")

    def _start(self) -> bytes:
        head, self._head = self._head or b"", None
        date = time.asctime(time.gmtime(self._now))
        return f"From {sender_of(head) or _NOBODY} {date}\n".encode() + self._quoted(head)

    def _quoted(self, text: bytes) -> bytes:
        quoted = self._quoting.feed(text)
        self._last = quoted[-1:] or self._last
        return quoted
