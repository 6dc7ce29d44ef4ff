"""Mail as Unix programs keep it: lines end in LF."""

from __future__ import annotations

from typing import Protocol


class Form(Protocol):
    """A form in which a destination keeps messages: what makes it of the pieces of one.

    Pieces are cut anywhere; the result does not depend on where.
    """

    def feed(self, piece: bytes, /) -> bytes:
        """The next bytes to be kept."""
        ...

    def finish(self) -> bytes:
        """The last of them."""
        ...


class UnixLines:
    """CRLF becomes LF; nothing else is touched, a bare CR least of all.

    Between calls at most one byte is kept: a CR that may be half a CRLF.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        text = self._held + piece if self._held else piece
        if text.endswith(b"\r"):
            self._held = b"\r"
            text = text[:-1]
        else:
            self._held = b""
        return text.replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return held
