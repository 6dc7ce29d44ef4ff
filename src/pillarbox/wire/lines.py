"""Bytes in, lines out, with a bound.

A line ends with LF; a CR in front of it belongs to the end (RFC 1939, section 3, wants
CRLF; people who type into netcat send LF, and nothing is gained by refusing them: a command
is one line either way, and no length is ever announced that a different idea of line ends
could falsify).

The bound is there so that a peer that never ends its line costs a fixed amount of memory:
past it the splitter raises, and the session is over, because where the next line begins is
anyone's guess.
"""

from __future__ import annotations

from pillarbox.wire.errors import LineTooLong

MAX_LINE = 16_384
"""Octets of the longest line, CRLF included. Commands are held to 255 by the command table;
SASL responses are not (RFC 5034, section 4), and OAuth tokens of more than 4,096 characters
are real."""


class LineSplitter:
    """Cuts a stream of bytes into lines."""

    __slots__ = ("_buffer", "_position", "is_empty", "limit")

    def __init__(self, limit: int = MAX_LINE) -> None:
        self.limit = limit
        self._buffer = b""
        self._position = 0
        self.is_empty = True
        """Whether all that has come has been given out."""

    def __len__(self) -> int:
        """The number of bytes that have come and not been given out."""
        return len(self._buffer) - self._position

    def receive(self, data: bytes) -> None:
        """Take what was read."""
        self._buffer = data if self.is_empty else self._buffer[self._position :] + data
        self._position = 0
        self.is_empty = not self._buffer

    def peek(self, size: int) -> bytes:
        """The next *size* bytes (or fewer), left in place."""
        return self._buffer[self._position : self._position + size]

    def next_line(self) -> bytes | None:
        """The next line without its end; None when it has not come whole.

        Raises:
            LineTooLong: it is longer than the limit.
        """
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\n", start)
        if (end if end >= 0 else len(buffer)) - start >= self.limit:
            raise LineTooLong
        if end < 0:
            return None
        self._position = end + 1
        self.is_empty = end + 1 == len(buffer)
        return buffer[start:end].removesuffix(b"\r")
