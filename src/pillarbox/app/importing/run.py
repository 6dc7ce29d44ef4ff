"""From a source into a maildrop: in order, durably, each message once.

Messages go in batches. A batch is announced in the journal, then each message is
delivered (in order, so that numbers follow the order of delivery), then the outcomes are
noted. Whatever breaks this off, at most one batch is uncertain, and the next run settles
it by comparing with what is in the maildrop.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pillarbox.app.importing.journal import Journal
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Body, Maildrop, Store
from pillarbox.model import Identity, MessageInfo, Recipient, StoredForm
from pillarbox.sources.found import Found
from pillarbox.wire.canonical import stored_form

# Two syncs of the journal for so many messages, and so many to settle after a crash.
BATCH = 32
# Memory for a batch; one message may exceed it alone.
BATCH_OCTETS = 32 * 1024 * 1024
_PAGE = 1000

# RFC 6531, section 4.3: how a mail system says in Received that it took UTF-8 headers.
_INTERNATIONAL = re.compile(
    rb"\nReceived:(?:[^\n]|\n[ \t])*?(?<=\s)with\s+UTF8(?:SMTP|LMTP)S?A?\b", re.IGNORECASE
)


@dataclass(slots=True)
class Outcome:
    """What an import has done so far."""

    stored: int = 0
    octets: int = 0
    known: int = 0
    """Left alone: an earlier import has stored them."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """``(label, why)`` of messages that are not stored."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One message on its way."""

    found: Found
    form: StoredForm
    digest: bytes


class Importer:
    """Imports into one maildrop."""

    def __init__(
        self,
        store: Store,
        recipient: Recipient,
        journal: Journal,
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.outcome = Outcome()
        self._store = store
        self._recipient = recipient
        self._journal = journal
        self._progress = progress
        self._seen: Counter[bytes] = Counter()

    async def settle(self) -> None:
        """Find out what an import that was broken off has stored.

        Raises:
            MaildropLocked: a session has the maildrop; try again when it is over.
            StoreUnavailable, BodyDamaged: the maildrop cannot be read.
        """
        unsettled = await self._journal.unsettled()
        if not unsettled:
            return
        maildrop = await self._store.open(Identity(self._recipient.user))
        try:
            sizes = {octets for octets, _, _ in unsettled.values()}
            found = await _count_copies(maildrop, sizes)
        finally:
            await maildrop.release()
        await self._journal.settle_all(
            {
                digest: min(max(found[digest] - stored, 0), begun)
                for digest, (_, stored, begun) in unsettled.items()
            }
        )

    async def run(self, source: Iterable[Found]) -> Outcome:
        """Store everything from *source* that no earlier import has stored.

        Raises:
            StoreUnavailable: the storage fails; ``outcome`` says how far it came.
            SourceUnusable, JournalUnusable: no more can be read; the same.
        """
        known = await self._journal.stored()
        for batch in _batches(self._new(source, known)):
            await self._store_batch(batch)
            await asyncio.sleep(0)  # where an interrupt is noticed
        return self.outcome

    def _new(self, source: Iterable[Found], known: dict[bytes, int]) -> Iterator[_Copy]:
        for found in source:
            if found.raw is None:
                self._failed(found, found.problem)
                continue
            form = stored_form(found.raw, international=is_international(found.raw))
            digest = hashlib.sha256(form.data).digest()
            self._seen[digest] += 1
            if self._seen[digest] <= known.get(digest, 0):
                self.outcome.known += 1
                self._progress(found.units)
                continue
            yield _Copy(found, form, digest)

    async def _store_batch(self, batch: list[_Copy]) -> None:
        await self._journal.begin((copy.digest, copy.form.octets) for copy in batch)
        outcomes: list[tuple[bytes, bool]] = []
        try:
            for copy in batch:
                stored = await self._deliver(copy)
                outcomes.append((copy.digest, stored))
        finally:
            # One that was under way when this was cancelled stays begun: it is uncertain.
            await self._journal.settle(outcomes)

    async def _deliver(self, copy: _Copy) -> bool:
        (problem,) = await self._store.deliver(copy.form, [self._recipient])
        if isinstance(problem, StoreUnavailable):
            raise problem
        if problem is not None:
            self._failed(copy.found, str(problem))
            return False
        self.outcome.stored += 1
        self.outcome.octets += copy.form.octets
        self._progress(copy.found.units)
        return True

    def _failed(self, found: Found, problem: str) -> None:
        self.outcome.failed.append((found.label, problem))
        self._progress(found.units)


def _batches(copies: Iterator[_Copy]) -> Iterator[list[_Copy]]:
    while first := next(copies, None):
        batch, size = [first], first.form.octets
        while len(batch) < BATCH and size < BATCH_OCTETS:
            copy = next(copies, None)
            if copy is None:
                break
            batch.append(copy)
            size += copy.form.octets
        yield batch


async def _count_copies(maildrop: Maildrop, sizes: set[int]) -> Counter[bytes]:
    """The digests of all messages with one of these sizes."""
    found: Counter[bytes] = Counter()
    for first in range(1, maildrop.count + 1, _PAGE):
        last = min(first + _PAGE - 1, maildrop.count)
        for info in await maildrop.messages(first, last):
            if info.octets in sizes:
                found[await _digest(maildrop, info)] += 1
    return found


async def _digest(maildrop: Maildrop, info: MessageInfo) -> bytes:
    body: Body = await maildrop.body(info.number)
    if isinstance(body.content, bytes):
        return hashlib.sha256(body.content).digest()
    digest = hashlib.sha256()
    try:
        async for piece in body.content:
            digest.update(piece)
    finally:
        await body.content.aclose()
    return digest.digest()


def is_international(raw: bytes) -> bool:
    """Whether the header is UTF-8 by agreement (RFC 6532), not by a sender's carelessness.

    Old mail is full of undeclared 8-bit headers, which every client has always got as
    they are. A message that came by SMTPUTF8 says so in a Received field.
    """
    ends = [end for mark in (b"\n\n", b"\n\r\n") if (end := raw.find(mark)) >= 0]
    header = raw[: min(ends) + 1] if ends else raw
    return not header.isascii() and _INTERNATIONAL.search(b"\n" + header) is not None
