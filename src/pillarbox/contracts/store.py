"""The store contract: keeping mail durably, and opening a maildrop for one session.

Two rules carry the whole post office:

* :meth:`Store.deliver` returns only when the message would survive a power cut.
* :meth:`Maildrop.commit` removes all it was given, durably, or nothing.

Views
    A maildrop has the view ``default`` and one for each device. A view lists every message of
    the maildrop that it has not deleted (and, of a view that was added to see mail from then on
    only, that came later). Numbers, locks, counts and minimum intervals are the view's own;
    unique-ids, bodies and the quota are the maildrop's.

    A view *holds* a message that it lists, as long as the view holds mail back at all: a
    device's does unless it has been absent for too long (:class:`Retention`); ``default`` does
    once it has been opened, or when the store was told that it always does. An absent view
    that is opened holds mail back again, what is still there.

    A message is *removed* (and its body's space given back) when a view, be it one that is
    gone, has deleted it and no view that lists it holds it; it then vanishes from the views that
    do not hold it. That is looked at whenever a view deletes, is removed, or becomes absent; and
    :meth:`StoreAdmin.expire` looks at all of them. So it makes no difference in which order
    devices are removed. A message that no view has deleted stays, whether anybody holds it or
    not, until it expires. So a maildrop without devices behaves as RFC 1939 says.

All methods are coroutines so that an engine may wait for a disk, a lock or a network; an
engine whose answer is at hand completes without suspending, and the server then pays for
no scheduling. (That first step runs outside any task: a method that needs the current task,
for ``asyncio.timeout`` say, suspends once before, by ``await asyncio.sleep(0)``.)

Methods may be called from one event loop at a time. A method that is cancelled while it
waits has either taken effect whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pillarbox.contracts.errors import StoreError
from pillarbox.model import DEFAULT_VIEW, Column, Identity, MessageInfo, Recipient, StoredForm
from pillarbox.wire.replies import Pieces


class BodyStream(Pieces, Protocol):
    """A large body, read piece by piece; pieces are non-empty and at most 256 KiB or so.

    The pieces together are exactly ``Body.stored`` bytes. A read that fails on the way
    raises :class:`~pillarbox.contracts.errors.BodyDamaged` (the reply is then broken off).
    """


class Body(NamedTuple):
    """One message's body, ready to be sent as it is."""

    octets: int
    """As LIST reports it."""
    stored: int
    """The number of bytes of ``content``."""
    international: bool
    """As :attr:`pillarbox.model.StoredForm.international`."""
    content: bytes | BodyStream
    """The stored form: whole when it is small, a stream otherwise."""


class Maildrop(Protocol):
    """One view of one maildrop, open and locked for one session.

    The messages are those that were there when it was opened: numbers 1 to ``count`` mean
    the same messages until :meth:`release`, whatever is delivered or deleted from other views
    meanwhile. Nobody else opens this view until then. What this session has deleted need not be
    readable any more. Numbers outside 1…``count`` are the caller's mistake
    (:class:`IndexError`).
    """

    @property
    def count(self) -> int:
        """How many messages there are."""

    @property
    def octets(self) -> int:
        """The sum of their octets."""

    @property
    def listing_key(self) -> Hashable:
        """What names this listing: whenever two maildrops of one open store have equal keys,
        all their messages have the same numbers, octets and unique-ids. Costs nothing.
        """

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        """The messages with numbers *first* to *last*, both included, in order.

        The caller asks for a bounded page at a time.

        Raises:
            StoreUnavailable: the index cannot be read.
        """

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        """One field of what :meth:`messages` gives, each as a listing says it (octets in decimal).

        A listing needs no more than this, and of a hundred thousand messages most of the cost is
        to make something of each. An engine that has no quicker way takes :func:`column_of`.

        Raises:
            StoreUnavailable: the index cannot be read.
        """

    async def octets_of(self, numbers: Collection[int]) -> int:
        """The sum of the octets of these messages, of which none is named twice.

        The caller asks for a bounded number of them at a time.

        Raises:
            StoreUnavailable: the index cannot be read.
        """

    async def body(self, number: int) -> Body:
        """The body of message *number*, opened: it can be read even if it is removed later.

        Raises:
            BodyDamaged: it is missing, or its size is not the index's.
            StoreUnavailable: the storage cannot be read.
        """

    async def commit(self, numbers: Collection[int]) -> None:
        """Delete the messages with these numbers from this view, in one transaction.

        Returns when the deletion would survive a power cut. With no view left that holds a
        message, it is removed in the same transaction, and its body's space is given back
        (soon after, not necessarily before this returns). Does not release the lock.
        Committing nothing succeeds at no cost.

        Raises:
            LockLost: this session's lock has been taken away, or the session has been
                released; nothing is deleted.
            StoreUnavailable: nothing is deleted.
        """

    async def release(self) -> None:
        """End the session: the next one may open the view. Deletes nothing; idempotent."""


def column_of(messages: Iterable[MessageInfo], column: Column) -> list[str]:
    """What :meth:`Maildrop.column` gives, made of these messages."""
    if column is Column.OCTETS:
        return [str(message.octets) for message in messages]
    return [message.unique_id for message in messages]


class Store(Protocol):
    """An engine: all maildrops, for the server and for delivery."""

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> Maildrop:
        """Lock a view of a maildrop, at once or not at all, and fix its messages.

        A maildrop exists as soon as it is asked for: a user who never got mail has an
        empty one. A holder that died (even by SIGKILL) holds no lock, and neither does a
        call that was cancelled; nor does such a call count for the minimum interval.
        The opened view has been seen now, and holds mail back: whatever other views delete
        during this session, its messages stay. (So it is not opened when it did not hold mail
        back until now, other views could take its messages away, and that it does from now on
        cannot be written. In all other cases opening needs nothing to be written.)

        Args:
            identity: whose maildrop, and which view. Whether the user exists is the
                account directory's question, not the store's.
            minimum_interval: seconds that must have passed since this view was last
                opened with a minimum interval (RFC 2449, LOGIN-DELAY); 0: no rule.

        Raises:
            MaildropLocked: another session has it.
            OpenedTooSoon: the interval has not passed.
            NoSuchView: the maildrop has no such view.
            StoreUnavailable: the storage fails, or (see above) cannot be written.
        """

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        """Put *message* into the maildrop of each recipient.

        Never waits for a session's lock. Returns one outcome per recipient, in their
        order: None when the message is in that maildrop and would survive a power cut;
        else the error (:class:`OverQuota`, :class:`StoreUnavailable`) and the maildrop is
        as it was. A recipient who is named twice gets the message twice.
        """

    async def probe(self) -> None:
        """Check that mail can be read and written now (for the health page).

        Raises:
            StoreUnavailable: it cannot.
        """

    async def close(self) -> None:
        """Finish what was begun and free everything; open maildrops are released."""


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """What ``pillarbox maildrop show`` and ``device list`` say of a view."""

    name: str
    count: int
    octets: int
    locked: bool
    holder: str | None
    """Who holds the lock, in words for an operator (``process 4711``); None: unknown."""
    holds: bool = True
    """Whether mail waits for it (see *Views* above)."""
    created_at: float | None = None
    """Seconds since 1970, UTC; None: from before that was noted."""
    seen_at: float | None = None
    """When it was last opened, give or take :data:`SEEN_PRECISION` seconds; None: never, as far
    as is known."""


@dataclass(frozen=True, slots=True)
class MaildropStatus:
    """What ``pillarbox maildrop show`` says of a maildrop."""

    user: str
    count: int
    octets: int
    views: tuple[ViewStatus, ...] = ()
    """``default`` first, the others by their names."""


SEEN_PRECISION = 6 * 3600
"""Seconds by which :attr:`ViewStatus.seen_at` may lag: a poll each minute must not cost a write."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message of a maildrop, and for whom it is still there."""

    unique_id: str
    octets: int
    received_at: float
    """Seconds since 1970, UTC."""
    listed_by: tuple[str, ...]
    """The views that have not deleted it, sorted."""
    held_by: tuple[str, ...]
    """Those of them for which it waits."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long mail waits; 0: for ever."""

    expire_seconds: float = 0
    """A message is removed when it came longer ago, whoever has not seen it."""
    absent_seconds: float = 0
    """A device's view that was opened (or, never opened, made) longer ago holds nothing back
    until it is opened again. ``default`` likewise, when it holds because it was once opened."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What :meth:`StoreAdmin.expire` has done."""

    messages: int = 0
    """Messages that have been removed."""
    octets: int = 0
    absent: tuple[tuple[str, str], ...] = ()
    """``(user, view)`` of the views that hold nothing back from now on, and did before."""
    busy: int = 0
    """Maildrops left for the next time, at once or after a part of it had been done, because a
    session had one of their views open."""


@dataclass(frozen=True, slots=True)
class SoonAbsent:
    """A view that will hold nothing back before long, unless it is opened."""

    user: str
    view: str
    seen_at: float | None
    """As in :attr:`ViewStatus.seen_at`."""
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement that ``pillarbox maildrop check`` found."""

    user: str | None
    """Whose maildrop; None: of the store as a whole."""
    problem: str
    """What is wrong, in words for an operator, naming the file or the unique-id."""
    repaired: bool
    """Whether it has been mended in this run."""


class StoreAdmin(Protocol):
    """What the operator's commands need; works while servers run on the same storage."""

    async def users(self) -> Sequence[str]:
        """The names of all maildrops, sorted."""

    async def status(self, user: str) -> MaildropStatus:
        """One maildrop; a user without mail has an empty one."""

    async def listing(self, user: str, view: str = DEFAULT_VIEW) -> Sequence[MessageInfo]:
        """The messages of a view as a session opened now would number them; takes no lock."""

    async def unlock(self, user: str, view: str = DEFAULT_VIEW) -> bool:
        """Take the lock away from whoever holds it; False when nobody did.

        The view can be opened again at once. The session that held it may go on reading,
        but its commit raises LockLost.
        """

    async def add_view(self, user: str, view: str, *, from_now_on: bool = False) -> None:
        """Give a maildrop one more view; durable on return. Makes the maildrop if need be.

        Args:
            user: whose.
            view: its name, not empty; what it may look like is the caller's concern.
            from_now_on: list only what is delivered from now on; else all that is there.

        Raises:
            ViewExists: there is one of that name (``default`` always is).
            StoreUnavailable: nothing was changed.
        """

    async def remove_view(self, user: str, view: str) -> None:
        """Take a view away: what only it held back is removed, if another view has deleted it.

        A session that has it open may go on reading what it can; its commit raises LockLost.
        ``default`` is not taken away, it only stops to hold mail back until it is opened
        again (unless the store was told that it always does), and lists everything that is
        still there.

        Raises:
            NoSuchView: the maildrop has no such view.
            StoreUnavailable: nothing was changed.
        """

    async def waiting(self, user: str) -> Sequence[Waiting]:
        """All messages of a maildrop at one moment, in the order in which they came; takes no
        lock.
        """

    async def expire(self, retention: Retention) -> Expired:
        """Apply *retention* to all maildrops, as of now.

        Never disturbs a session: a maildrop that has a view open is left for the next time,
        and while something is removed from one, nobody can open it (which is short: a
        transaction; much is removed in several, and sessions may come between). A view that
        is open is not absent. A failure ends it; what was done by then is durable.

        Raises:
            StoreUnavailable: the storage fails.
        """

    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]:
        """The views that *retention* makes absent within *notice_seconds*, sorted; none whose time has
        come. Without those of maildrops that have one view: nobody else deletes what it has not seen.

        Raises:
            StoreUnavailable: the storage fails.
        """

    async def take_sweep(self, seconds: float) -> bool:
        """Take the turn to apply retention every now and then, or keep it; False when another machine
        has it. Whoever has it loses it *seconds* after having asked last. (:meth:`expire` by hand
        needs no turn.)

        Raises:
            StoreUnavailable: nobody can tell.
        """

    async def remove(self, user: str) -> None:
        """Remove a maildrop with all its views and mail; of a user without one: nothing to do.

        A session that has it open may go on reading what it can; its commit raises
        LockLost. A later maildrop of the same name never repeats a unique-id.
        """

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        """Compare index and bodies (of one user, or of all and the store itself).

        Repair never removes a message whose body is whole. A listed message without its
        body is taken off the list only by repair.
        """
