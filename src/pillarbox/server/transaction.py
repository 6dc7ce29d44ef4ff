"""The commands of TRANSACTION, and QUIT: RFC 1939, sections 5 and 6.

A message that is marked as deleted is gone from every listing and cannot be reached; its
number is not used again, and no other number moves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pillarbox.contracts.store import Body, BodyStream, Maildrop
from pillarbox.model import Column
from pillarbox.server.session import Session
from pillarbox.wire.commands import Command
from pillarbox.wire.listing_lines import listing_lines
from pillarbox.wire.multiline import TopCut
from pillarbox.wire.replies import Code, Pieces, Reply, err, ok

FEW = 800
"""Messages up to which a listing goes out whole: it is short then, also with unique-ids of 70
characters, the most there are (RFC 1939, section 7), and remembered among the short ones."""
PAGE = 4000
"""Messages whose lines are made in one go: about a millisecond of work, 100 kB of reply. Longer
listings are made page by page, so that other sessions get their turn in between."""


# The same words for every message: such a reply is made once, and so is its line.
_STILL_HERE = ok("still here")
_MARKED = ok("marked as deleted")


async def noop(_session: Session, _command: Command) -> Reply:
    return _STILL_HERE


async def stat(session: Session, _command: Command) -> Reply:
    count, octets = await _left(session)
    return ok(f"{count} {octets}")


async def list_(session: Session, command: Command) -> Reply:
    if command.number is not None:
        return await _one(session, command.number, Column.OCTETS)
    count, octets = await _left(session)
    return ok(f"{count} messages ({octets} octets)", await _all(session, Column.OCTETS))


async def uidl(session: Session, command: Command) -> Reply:
    if command.number is not None:
        return await _one(session, command.number, Column.UNIQUE_ID)
    return ok("unique-ids follow", await _all(session, Column.UNIQUE_ID))


async def retr(session: Session, command: Command) -> Reply:
    number = command.number or 0
    body = await _body(session, number)
    if isinstance(body, Reply):
        return body
    text = f"{body.octets} octets"
    if isinstance(body.content, bytes):
        session.count_retrieved(body.octets)
        return ok(text, body.content)
    return ok(text, _CountedStream(body.content, session, body.octets))


async def top(session: Session, command: Command) -> Reply:
    number = command.number or 0
    body = await _body(session, number)
    if isinstance(body, Reply):
        return body
    cut = TopCut(command.lines)
    if isinstance(body.content, bytes):
        return ok("top follows", cut.feed(body.content))
    return ok("top follows", _CutStream(body.content, cut))


async def dele(session: Session, command: Command) -> Reply:
    number = command.number or 0
    missing = _missing(session, number)
    if missing:
        return missing
    await session.marks.add(number, _maildrop(session))
    return _MARKED


async def rset(session: Session, _command: Command) -> Reply:
    session.marks.clear()
    count, octets = await _left(session)
    return ok(f"maildrop has {count} messages ({octets} octets)")


async def quit_(session: Session, _command: Command) -> Reply:
    """In TRANSACTION, UPDATE: remove what is marked, or say that it was not (section 6).

    The lock is released before the reply, whatever happened: a client that has read the
    reply can come back at once.
    """
    if session.maildrop is None:
        return ok("goodbye")
    try:
        await session.maildrop.commit(session.marks.numbers)
    finally:
        await session.release()
    session.removed = len(session.marks.numbers)
    return ok(f"goodbye, {session.removed} messages removed")


def _maildrop(session: Session) -> Maildrop:
    maildrop = session.maildrop
    assert maildrop is not None, "the command table lets these commands in only after sign-in"  # noqa: S101 -- for the type checker
    return maildrop


async def _left(session: Session) -> tuple[int, int]:
    """How many messages are not marked, and their octets."""
    maildrop, marks = _maildrop(session), session.marks
    if not marks.numbers:
        return maildrop.count, maildrop.octets
    return maildrop.count - len(marks.numbers), maildrop.octets - await marks.octets(maildrop)


def _missing(session: Session, number: int) -> Reply | None:
    if not 1 <= number <= _maildrop(session).count:
        return err(f"there is no message {number}")
    if number in session.marks.numbers:
        return err(f"message {number} is marked as deleted")
    return None


async def _body(session: Session, number: int) -> Body | Reply:
    missing = _missing(session, number)
    if missing:
        return missing
    body = await _maildrop(session).body(number)
    if body.international and not session.utf8:
        # RFC 6856, section 2: never UTF-8 header fields to a client that did not ask.
        if not isinstance(body.content, bytes):
            await body.content.aclose()
        return err("this message needs a client that speaks UTF8", Code.UTF8)
    return body


async def _one(session: Session, number: int, column: Column) -> Reply:
    missing = _missing(session, number)
    if missing:
        return missing
    (said,) = await _maildrop(session).column(column, number, number)
    return ok(f"{number} {said}")


async def _all(session: Session, column: Column) -> bytes | Pieces:
    maildrop = _maildrop(session)
    if maildrop.count > FEW:
        return _all_of_many(session, column)
    if session.marks.numbers:
        return await _page(session, column, 1, maildrop.count)
    remembered = session.services.listings
    whose, key = (session.identity, column), maildrop.listing_key
    listing = remembered.find(whose, key)
    if listing is None:
        listing = await _page(session, column, 1, maildrop.count)
        remembered.remember(whose, key, listing)
    return listing


def _all_of_many(session: Session, column: Column) -> Pieces:
    if session.marks.numbers:
        return _pages(session, column)
    remembered = session.services.long_listings
    whose, key = (session.identity, column), _maildrop(session).listing_key
    listing = remembered.find(whose, key)
    if listing is None:
        return remembered.first(whose, key, _pages(session, column))
    return remembered.again(listing)


async def _page(session: Session, column: Column, first: int, last: int) -> bytes:
    said = await _maildrop(session).column(column, first, last)
    return listing_lines(first, said, session.marks.numbers)


async def _pages(session: Session, column: Column) -> AsyncGenerator[bytes, None]:
    count = _maildrop(session).count
    for first in range(1, count + 1, PAGE):
        page = await _page(session, column, first, min(first + PAGE - 1, count))
        if page:
            yield page


class _CountedStream:
    """A large body; counted when all of it has been handed on."""

    def __init__(self, stream: BodyStream, session: Session, octets: int) -> None:
        self._stream = stream
        self._session = session
        self._octets = octets

    def __aiter__(self) -> _CountedStream:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            self._session.count_retrieved(self._octets)
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


class _CutStream:
    """A large body, read only as far as TOP needs it."""

    def __init__(self, stream: BodyStream, cut: TopCut) -> None:
        self._stream = stream
        self._cut = cut

    def __aiter__(self) -> _CutStream:
        return self

    async def __anext__(self) -> bytes:
        if self._cut.done:
            raise StopAsyncIteration
        return self._cut.feed(await anext(self._stream))

    async def aclose(self) -> None:
        await self._stream.aclose()
