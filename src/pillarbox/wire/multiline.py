r"""Multi-line replies: dot-stuffing, and the cut that TOP makes.

A multi-line reply ends with a line that holds a single dot; so a line of the message that
begins with a dot gets a second one in front (RFC 1939, section 3: "byte-stuffing").

Messages are stuffed once, when they are delivered, and kept in that form. The alternative,
stuffing at each RETR, looks at every byte of every message that is ever sent; this way RETR
copies, and a body can go from the disk to the socket unseen.

Traps, each of which some server has fallen into: a dot as the very first byte; CRLF, or CRLF
and the dot, split between two pieces; counting header lines as body lines in TOP; ``TOP n 0``
(the header and the blank line, nothing more); a message that has no body, or no line end.
"""

from __future__ import annotations

TERMINATOR = b".\r\n"
"""Ends a multi-line reply."""

_BLANK_LINE = 2  # octets of a line that holds nothing but its CRLF


def stuff(text: bytes, *, at_line_start: bool = True) -> bytes:
    """Double each dot that begins a line; *text* has CRLF line ends.

    *at_line_start* says whether the first byte begins a line. A caller that works in pieces
    must not cut between CR and LF.
    """
    stuffed = text.replace(b"\n.", b"\n..")
    return b"." + stuffed if at_line_start and text.startswith(b".") else stuffed


def unstuff(stored: bytes) -> bytes:
    """Undo :func:`stuff` on a whole message: what a client makes of it."""
    text = stored.replace(b"\n.", b"\n")
    return text[1:] if text.startswith(b".") else text


class TopCut:
    """Cuts a stored form after the header, the blank line and *lines* lines of the body.

    RFC 1939, section 7, TOP. Incremental: :meth:`feed` takes the pieces in order, cut
    anywhere, and returns what is to be sent of each; once :attr:`done`, nothing more is
    wanted. It keeps no bytes.
    """

    __slots__ = ("_in_header", "_line_octets", "_lines", "done")

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._in_header = True
        self._line_octets = 0  # of the line that the last piece left unfinished
        self.done = False

    def feed(self, piece: bytes) -> bytes:
        """The part of *piece* that belongs to the reply."""
        position = 0
        while not self.done and position < len(piece):
            end = piece.find(b"\n", position) + 1
            if not end:
                self._line_octets += len(piece) - position
                return piece
            self._end_line(self._line_octets + end - position)
            self._line_octets = 0
            position = end
        return piece[:position]

    def _end_line(self, octets: int) -> None:
        if self._in_header:
            self._in_header = octets != _BLANK_LINE
            self.done = not self._in_header and self._lines == 0
        else:
            self._lines -= 1
            self.done = self._lines == 0
