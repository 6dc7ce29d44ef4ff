"""The commands of TRANSACTION, and QUIT: RFC 1939, sections 5 and 6.

A message that is marked as deleted is gone from every listing and cannot be reached; its
number is not used again, and no other number moves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable

from pillarbox.contracts.store import Body, BodyStream, Maildrop
from pillarbox.model import MessageInfo
from pillarbox.server.session import Session
from pillarbox.wire.commands import Command
from pillarbox.wire.multiline import TopCut
from pillarbox.wire.replies import Code, Pieces, Reply, err, ok

PAGE = 1000
"""Messages whose lines are made in one go: about a millisecond of work, 30 kB of reply. Longer
listings are made page by page, so that other sessions get their turn in between."""


# The same words for every message: such a reply is made once, and so is its line.
_STILL_HERE = ok("still here")
_MARKED = ok("marked as deleted")


async def noop(_session: Session, _command: Command) -> Reply:
    return _STILL_HERE


async def stat(session: Session, _command: Command) -> Reply:
    return ok(f"{_count(session)} {_octets(session)}")


async def list_(session: Session, command: Command) -> Reply:
    if command.number is not None:
        return await _one(session, command.number, _scan_listing)
    text = f"{_count(session)} messages ({_octets(session)} octets)"
    return ok(text, await _all(session, _scan_listing))


async def uidl(session: Session, command: Command) -> Reply:
    if command.number is not None:
        return await _one(session, command.number, _unique_id_listing)
    return ok("unique-ids follow", await _all(session, _unique_id_listing))


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
    (message,) = await _maildrop(session).messages(number, number)
    session.deleted.add(number)
    session.deleted_octets += message.octets
    return _MARKED


async def rset(session: Session, _command: Command) -> Reply:
    session.deleted.clear()
    session.deleted_octets = 0
    return ok(f"maildrop has {_count(session)} messages ({_octets(session)} octets)")


async def quit_(session: Session, _command: Command) -> Reply:
    """In TRANSACTION, UPDATE: remove what is marked, or say that it was not (section 6).

    The lock is released before the reply, whatever happened: a client that has read the
    reply can come back at once.
    """
    if session.maildrop is None:
        return ok("goodbye")
    try:
        await session.maildrop.commit(session.deleted)
    finally:
        await session.release()
    session.removed = len(session.deleted)
    return ok(f"goodbye, {session.removed} messages removed")


def _maildrop(session: Session) -> Maildrop:
    maildrop = session.maildrop
    assert maildrop is not None, "the command table lets these commands in only after sign-in"  # noqa: S101 -- for the type checker
    return maildrop


def _count(session: Session) -> int:
    return _maildrop(session).count - len(session.deleted)


def _octets(session: Session) -> int:
    return _maildrop(session).octets - session.deleted_octets


def _missing(session: Session, number: int) -> Reply | None:
    if not 1 <= number <= _maildrop(session).count:
        return err(f"there is no message {number}")
    if number in session.deleted:
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


Lines = Callable[[Iterable[MessageInfo]], list[str]]
"""Makes the lines of a listing."""


def _scan_listing(messages: Iterable[MessageInfo]) -> list[str]:
    return [f"{number} {octets}" for number, octets, _ in messages]


def _unique_id_listing(messages: Iterable[MessageInfo]) -> list[str]:
    return [f"{number} {unique_id}" for number, _, unique_id in messages]


async def _one(session: Session, number: int, lines: Lines) -> Reply:
    missing = _missing(session, number)
    if missing:
        return missing
    (line,) = lines(await _maildrop(session).messages(number, number))
    return ok(line)


async def _all(session: Session, lines: Lines) -> bytes | Pieces:
    maildrop = _maildrop(session)
    if maildrop.count > PAGE:
        return _pages(session, lines)
    if session.deleted:
        return await _page(session, 1, maildrop.count, lines)
    remembered = session.services.listings
    whose, key = (session.identity, lines), maildrop.listing_key
    listing = remembered.find(whose, key)
    if listing is None:
        listing = await _page(session, 1, maildrop.count, lines)
        remembered.remember(whose, key, listing)
    return listing


async def _page(session: Session, first: int, last: int, lines: Lines) -> bytes:
    messages: Iterable[MessageInfo] = await _maildrop(session).messages(first, last)
    deleted = session.deleted
    if deleted:
        messages = [message for message in messages if message.number not in deleted]
    return "\r\n".join([*lines(messages), ""]).encode()


async def _pages(session: Session, lines: Lines) -> AsyncGenerator[bytes, None]:
    count = _maildrop(session).count
    for first in range(1, count + 1, PAGE):
        page = await _page(session, first, min(first + PAGE - 1, count), lines)
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
