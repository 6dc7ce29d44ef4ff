"""Moving a maildrop from one store into another, whatever their engines.

What moves is all that users can tell: each message with its unique-id, its octets, its place in
the order and the time when it came; what each view lists, when it was made and last opened, and whether
it holds mail back; which messages somebody has deleted that others still want.

Theory: *the store that mail comes from counts, until its maildrop is used in the other one.*
A move can be repeated. As long as nobody has opened a view here since the last time, the maildrop becomes again
what it is there: what came since comes along, what was deleted there goes. From then on it is
this store that counts, and only mail that has come there since is brought. A message is brought
once: one that has been brought, and is not here any more, stays away. One that repair has taken away
there, as its body was damaged, has not been deleted: it stays here, as it is.

Only what is certainly the same maildrop, later, counts so. Of another one (of a third store, or of a
user who was removed there and added again), and of one that was put back from a backup, new mail
is brought, and nothing else; and so it stays for good, as nobody could tell any more what was
deleted where.

While it comes in the maildrop is *closed*: nobody can open it (MaildropLocked), but mail is
delivered. That outlives the process: what a crash has cut short stays closed until the move is done again, and then
goes on where it ended; or until an operator unlocks it, as far as it has come.

Mail that was delivered here before comes behind what is brought, so that what a view does not list,
though nobody has deleted it, is always older than all that it lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pillarbox.contracts.store import Body

MARK_OCTETS = 8
"""Of :func:`mark_of`: among a million messages, two that are taken for one are a matter of millions
of years."""


class MovedMessage(NamedTuple):
    """All there is to one message, but for its body."""

    unique_id: str
    octets: int
    stored: int
    """The number of bytes of its stored form."""
    international: bool
    received_at: float
    """Seconds since 1970, UTC."""
    deleted: bool
    """Whether any view has deleted it, be it one that is gone."""
    unlisted_by: frozenset[str]
    """The views that do not list it."""


@dataclass(frozen=True, slots=True)
class MovedView:
    """All there is to one view, but for what it lists."""

    name: str
    created_at: float | None = None
    """Seconds since 1970, UTC, here and below; None: from before that was noted."""
    seen_at: float | None = None
    """When it was last opened (:attr:`.ViewStatus.seen_at`)."""
    opened_at: float | None = None
    """When it was last opened with a minimum interval."""
    absent: bool = False
    """Whether it holds nothing back, as it has not been opened for too long."""


class Export(Protocol):
    """A maildrop as it is at one moment, all of whose views are locked until :meth:`release`.

    Mail that is delivered meanwhile is not part of it.
    """

    @property
    def user(self) -> str:
        """Whose it is."""

    @property
    def origin(self) -> str:
        """What tells this maildrop from all others, also from a later one of the same user."""

    @property
    def next_seq(self) -> int:
        """A number that grows with each message, and shrinks only when a backup is put back."""

    @property
    def seqs(self) -> Sequence[int]:
        """A number for each of ``messages``, below ``next_seq`` and at least what that was when the
        message came: so none is given twice, unless a backup is put back.
        """

    @property
    def views(self) -> Sequence[MovedView]:
        """``default`` among them."""

    @property
    def messages(self) -> Sequence[MovedMessage]:
        """In the order in which they came."""

    @property
    def lost(self) -> Collection[str]:
        """The unique-ids of those that repair has taken off its lists, as their bodies were not whole: nobody
        has deleted them.
        """

    async def body(self, place: int) -> Body:
        """The body of ``messages[place]``.

        Raises:
            BodyDamaged: it is missing, or its size is not the index's.
            StoreUnavailable: the storage cannot be read.
        """

    async def must_be_locked(self) -> None:
        """See that nobody can have used the views since; nothing, if they were not to be locked.

        Raises:
            LockLost: somebody can.
            StoreUnavailable: the storage cannot be read.
        """

    async def release(self) -> None:
        """Unlock the views; idempotent."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What :meth:`StoreTransfer.take_over` has done, or would do."""

    messages: int = 0
    """Messages that have been brought."""
    octets: int = 0
    removed: int = 0
    """Messages that an earlier move had brought, and that were deleted there since."""
    views: int = 0
    """Views that were made, beside ``default``."""
    used: bool = False
    """The maildrop has been used here since the last move, or has mail of several origins: only new
    mail was brought."""
    failed: Sequence[tuple[str, str]] = ()
    """``(unique-id, why)`` of messages that cannot be read; they are left out."""


class StoreTransfer(Protocol):
    """What an engine offers so that maildrops can be moved; works while servers run."""

    async def export(self, user: str, *, lock: bool = True) -> Export | None:
        """A maildrop, to be read whole; None: there is none. Changes nothing that lasts.

        Args:
            user: whose.
            lock: lock all its views; else somebody may use them meanwhile (to see what there is).

        Raises:
            MaildropLocked: a session has one of its views open.
            StoreUnavailable: the storage fails.
        """

    async def take_over(self, export: Export, *, only_look: bool = False) -> TakenOver:
        """Bring a maildrop, as told above; durable on return.

        Quotas are not asked. Broken off at any point (also by SIGKILL) it can be done again.

        Args:
            export: a maildrop of another store.
            only_look: say what would be done, and change nothing.

        Raises:
            MaildropExists: there is one here that was opened, or has devices or the same mail, and does
                not come from there.
            MaildropLocked: a session has one of its views open here.
            LockLost: an operator has unlocked the maildrop meanwhile, here or there, or somebody else
                moves it, too.
            StoreUnavailable: one of the two storages fails.
        """


def mark_of(unique_id: str) -> bytes:
    """What is remembered of a message that has been brought."""
    return hashlib.blake2b(unique_id.encode(), digest_size=MARK_OCTETS).digest()
