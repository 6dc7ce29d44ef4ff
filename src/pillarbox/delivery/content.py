r"""DATA: from the 354 to the lone dot.

Only ``CRLF . CRLF`` ends a message (RFC 5321, section 4.1.1.4). A dot line with a bare CR or
a bare LF about it does not, and a message that holds one is refused: servers that disagree
on it can be made to see two messages where there is one ("SMTP smuggling").

Lines may be of any length. RFC 5321 allows 998 octets, real mail has far more (an HTML
newsletter in one line), and nothing is gained by refusing it: the size limit bounds all.

The size that counts is RFC 1870's: CRLF counted; the final dot and doubled dots not. A message
that is too large is read to its end all the same, so that its sender hears the reply, but
not kept, and not for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pillarbox.delivery.admission import Room
from pillarbox.delivery.offload import offload
from pillarbox.delivery.replies import NO_ROOM, SMUGGLED_DOT, TOO_LARGE, Refused, Reply
from pillarbox.wire.canonical import smuggled_dot

_CRLF = b"\r\n"
_END = b"\r\n.\r\n"
_FINAL_DOT = b".\r\n"
_FENCED_DOTS = (b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r")


class Endless(Exception):
    """The client sends far more than the limit: the connection should be closed."""


class Arrival:
    """One message on its way in; a context manager that gives its room back.

    *progress* is called whenever bytes have arrived (it puts the idle time-out off).
    """

    def __init__(self, most: int, room: Room, progress: Callable[[], None]) -> None:
        self._most = most
        # Stuffing adds at most one octet to three (a line that is a dot, and its CRLF).
        self._most_on_the_wire = most + most // 3 + len(_CRLF) + len(_END)
        self._room = room
        self._progress = progress
        self._kept = bytearray()
        self._taken = 0
        self._seen = 0
        self._problem: Reply | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._give_room_back()

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The content: unstuffed, every other octet as sent, ending in CRLF unless empty.

        Raises:
            Refused: it is too large, smuggles, or there is no room; all of it was read.
            Endless: more than twice the limit came.
            asyncio.IncompleteReadError: the connection ended in the middle.
        """
        self._keep(_CRLF)  # the line end before the first line: an empty message is one dot
        await self._read_start(reader)
        while not self._kept_end():
            self._keep(await self._next_piece(reader))
        if self._problem:
            raise Refused(self._problem)
        wire, self._kept = self._kept, bytearray()
        return await offload(len(wire), _content, wire, self._most)

    async def _read_start(self, reader: asyncio.StreamReader) -> None:
        """Read until no part of the end can have been read already (or all of it has)."""
        while not self._kept_end() and (begun := _overlap(self._kept)):
            self._keep(await reader.readexactly(len(_END) - begun))

    async def _next_piece(self, reader: asyncio.StreamReader) -> bytes:
        """All up to the end, or as much as is certainly before it."""
        try:
            return await reader.readuntil(_END)
        except asyncio.LimitOverrunError as more:
            return await reader.readexactly(more.consumed)

    def _kept_end(self) -> bool:
        return self._kept.endswith(_END)

    def _keep(self, piece: bytes) -> None:
        self._progress()
        self._seen += len(piece)
        if self._seen > self._most_on_the_wire:
            self._give_up(TOO_LARGE)
        elif self._problem is None and not self._room.take(len(piece)):
            self._give_up(NO_ROOM)
        if self._seen > 2 * self._most_on_the_wire:
            raise Endless
        if self._problem is None:
            self._taken += len(piece)
            self._kept += piece
        else:
            self._kept = (self._kept + piece)[-len(_END) :]  # enough to see the end

    def _give_up(self, problem: Reply) -> None:
        if self._problem is None:
            self._problem = problem
            del self._kept[: -len(_END)]
            self._give_room_back()

    def _give_room_back(self) -> None:
        self._room.give(self._taken)
        self._taken = 0


def _content(wire: bytearray, most: int) -> bytes:
    """What was meant by *wire*, which has the line ends before and behind, and the final dot.

    Raises:
        Refused: it smuggles, or is larger than *most* octets.
    """
    del wire[-len(_FINAL_DOT) :]
    # The exact look costs 20 ns an octet, these four together 2: it is for suspects only.
    if any(fence in wire for fence in _FENCED_DOTS) and smuggled_dot(bytes(wire)):
        raise Refused(SMUGGLED_DOT)
    # Not wire.multiline.unstuff: here a line begins after CRLF only (a bare LF is content).
    content = bytes(wire.replace(b"\r\n.", _CRLF)[len(_CRLF) :])
    if len(content) > most:
        raise Refused(TOO_LARGE)
    return content


def _overlap(text: bytearray) -> int:
    """How many octets of the end mark *text* may end in."""
    return next((n for n in range(len(_END) - 1, 0, -1) if text.endswith(_END[:n])), 0)
