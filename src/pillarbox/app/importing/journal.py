"""What has been imported into a maildrop, so that an import can be broken off and repeated.

A message is known by the SHA-256 of its stored form. For each there are two counts:
``stored``, the copies that an import has put into the maildrop, and ``begun``, the copies
of which this is not certain: they were announced here, durably, before they were handed
to the store, and the import ended before it could note the outcome. The next import finds
those by looking into the maildrop.

So a message that a user has collected and deleted does not come back when the import is
run again, and mail that came to the source meanwhile does come.

There is one for each user, where the mail is: in a file (:mod:`.file_journal`), or in the
database of a cluster (:mod:`.database_journal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from pillarbox.contracts.errors import PillarboxError


class JournalUnusable(PillarboxError):
    """The record of imports cannot be read or written; says where it is, and the remedy."""


class Journal(Protocol):
    """The record of one maildrop, held by one import alone. All methods raise JournalUnusable."""

    async def stored(self) -> dict[bytes, int]:
        """How many copies of each message are in the maildrop by an import."""

    async def unsettled(self) -> dict[bytes, tuple[int, int, int]]:
        """``digest: (octets, stored, begun)`` of what the last import left uncertain."""

    async def begin(self, messages: Iterable[tuple[bytes, int]]) -> None:
        """Announce ``(digest, octets)`` that are about to be stored; durable on return."""

    async def settle(self, outcomes: Iterable[tuple[bytes, bool]]) -> None:
        """Note, for as many announced copies, whether each is in the maildrop now."""

    async def settle_all(self, there: Mapping[bytes, int]) -> None:
        """End all uncertainty: *there* says how many uncertain copies were found."""

    async def forget(self) -> None:
        """Begin anew: everything will be imported again."""
