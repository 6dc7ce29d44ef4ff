"""One session: a view that is leased, and the maildrop behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Sequence
from time import monotonic
from typing import Any

import structlog

from pillarbox.contracts.errors import BodyDamaged, LockLost, StoreUnavailable
from pillarbox.contracts.store import Body
from pillarbox.model import Column, MessageInfo
from pillarbox.store.ahead import STALE_SECONDS, WINDOW_MESSAGES, WINDOW_OCTETS, window
from pillarbox.store.cluster.clock import Patience
from pillarbox.store.cluster.listing import Listing
from pillarbox.store.cluster.opening import Lease, Opening
from pillarbox.store.cluster.parts import Parts
from pillarbox.store.cluster.removing import Removal, TooLate, lock_lost
from pillarbox.store.cluster.tables import Unsettled
from pillarbox.store.cluster.views import same_maildrop
from pillarbox.store.pieces import LARGE_BODY, Whole

ATTEMPTS = 3
"""Of a commit that came too late, or never."""
PAUSE_SECONDS = 0.25
"""Between two questions what became of a commit, and between two tries to release a view."""

_BODY = f"""
    SELECT m.seq, m.octets, m.stored, m.international, m.object, b.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
    WHERE m.maildrop = $1 AND m.seq = $3 AND {same_maildrop("$1", "$2")}
"""  # noqa: S608 -- our own text
_BODIES = f"""
    SELECT m.seq, m.octets, m.stored, m.international, m.object, b.data
    FROM (
        SELECT m.*, sum(m.stored) OVER (ORDER BY m.seq) - m.stored AS before FROM messages AS m
        WHERE m.maildrop = $1 AND {{which}} AND {same_maildrop("$1", "$2")}
    ) AS m LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
    WHERE m.before < {WINDOW_OCTETS} ORDER BY m.seq
"""  # noqa: S608 -- our own text
"""The first of several messages, until they are enough."""
_HOLDS = "SELECT 1 FROM views WHERE maildrop = $1 AND name = $2 AND token = $3 AND holder = $4"

_log = structlog.get_logger("pillarbox.store")


class ClusterMaildrop:
    """Implements :class:`~pillarbox.contracts.store.Maildrop`."""

    __slots__ = (
        "_committing",
        "_latest",
        "_latest_at",
        "_lease",
        "_listing",
        "_opening",
        "_parts",
        "_released",
    )

    def __init__(self, parts: Parts, opening: Opening, lease: Lease) -> None:
        self._parts = parts
        self._opening = opening
        self._lease = lease
        self._listing = Listing(parts.tables, lease)
        self._committing: asyncio.Task[None] | None = None
        self._released = False
        self._latest = -1
        """The number of the message whose body was asked for last."""
        self._latest_at = 0.0
        """When that was, by the monotonic clock."""

    @property
    def count(self) -> int:
        return self._lease.count

    @property
    def octets(self) -> int:
        return self._lease.octets

    @property
    def listing_key(self) -> Hashable:
        """New mail raises the next sequence number, a deletion lowers the view's count, and neither
        is ever undone: while both are what they were, so is the listing, of the view that was made
        then. (But by a backup that is put back while servers run: mail that comes then gets the
        same numbers, but other unique-ids.)
        """
        return self._lease.identity, self._lease.key

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        return await self._listing.messages(first, last)

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        return await self._listing.column(column, first, last)

    async def octets_of(self, numbers: Collection[int]) -> int:
        return await self._listing.octets_of(numbers)

    async def body(self, number: int) -> Body:
        seq = await self._listing.seq(number)
        row = await self._body_row(number, seq)
        if row is None:
            raise self._listing.moved_on()
        _, octets, stored, international, identifier, data = row
        if identifier is not None:
            user = self._lease.identity.user
            stream = await self._parts.object_of(user, identifier, stored)
            return Body(octets, stored, international, stream)
        if data is None or len(data) != stored:
            what = "is missing from" if data is None else f"has {len(data)} bytes, not {stored}, in"
            user, name = self._lease.identity.user, self._parts.tables.name
            raise BodyDamaged(f"body {seq} of {user} {what} database {name}")
        # Whole: a connection of the database cannot be kept for a client that takes its time.
        content = data if stored <= LARGE_BODY else Whole(data)
        return Body(octets, stored, international, content)

    async def _body_row(self, number: int, seq: int) -> Any:
        """A message as it is, or was when the one before was read; None: it is gone."""
        parts, now = self._parts, monotonic()
        where = self._lease.identity.user, self._lease.maildrop_id
        follows = number == self._latest + 1 and now - self._latest_at < STALE_SECONDS
        self._latest, self._latest_at = number, now
        if waiting := parts.ahead.take(self, seq, now):
            return waiting
        if not follows or self._released or not parts.ahead.has_room(now):
            rows = await parts.tables.ask(_BODY, *where, seq)
            return rows[0] if rows else None
        last = min(number + WINDOW_MESSAGES - 1, self.count)
        which = await self._listing.these(range(number, last + 1))
        query = _BODIES.format(which=which.condition(at=3))
        rows = await parts.tables.ask(query, *where, *which.values)
        if not rows or rows[0]["seq"] != seq:
            return None
        if not self._released:
            parts.keep_ahead(self, window(rows)[1:])
        return rows[0]

    async def commit(self, numbers: Collection[int]) -> None:
        if not numbers:
            return
        if self._released:
            raise LockLost("this session has ended")
        self._parts.ahead.let_go(self)
        try:
            these = await self._listing.these(numbers)
        except StoreUnavailable as error:
            if await self._is_ours():
                raise
            raise lock_lost(self._lease) from error
        parts = self._parts
        removal = Removal(parts.tables, self._lease, these, parts.holding)
        # It goes on if we are cancelled: release() waits until it is decided.
        self._committing = parts.chores.begin(self._commit(removal))
        await asyncio.shield(self._committing)

    async def release(self) -> None:
        if self._released:
            return
        self._released = True
        self._parts.ahead.let_go(self)
        if not self._parts.is_closed:  # then all leases have been given up
            await asyncio.shield(self._parts.chores.begin(self._release()))

    async def _commit(self, removal: Removal) -> None:
        attempts = 0
        while True:
            attempts += 1
            patience = Patience()
            try:
                await self._attempt(removal)
            except TooLate as error:
                self._parts.clock.note(error.now)
                if attempts == ATTEMPTS:
                    raise
            except Unsettled as error:
                if await self._became(removal, patience, error):
                    return
                if attempts == ATTEMPTS:
                    raise
            else:
                return

    async def _attempt(self, removal: Removal) -> None:
        deadline = await self._parts.clock.deadline()
        if self._lease.alone and await removal.alone(deadline):
            return
        self._lease.alone = False
        await removal.among_others(deadline)

    async def _became(self, removal: Removal, patience: Patience, error: Unsettled) -> bool:
        """Whether a commit whose answer was lost has happened.

        Raises:
            StoreUnavailable: it is not known, as the database does not come back.
        """
        while True:
            last = patience.is_over
            try:
                return await removal.became()
            except StoreUnavailable:
                if last:
                    raise error from None
            await asyncio.sleep(PAUSE_SECONDS)

    async def _release(self) -> None:
        committing, parts = self._committing, self._parts
        if committing is not None:
            await asyncio.wait([committing])
        try:
            token = await self._opening.give_back()
        except StoreUnavailable as error:
            _log.warning("a maildrop could not be released yet", error=str(error))
            parts.chores.go_on(parts.give_back(self._opening, Patience()))
        else:
            if token is not None:
                parts.tell("view released", self._lease.identity, token)

    async def _is_ours(self) -> bool:
        lease = self._lease
        values = *lease.identity, lease.token, lease.process
        return bool(await self._parts.tables.ask(_HOLDS, *values))
